import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Msp430Bsl } from '../../../../src-main/board/flashers/msp430/bsl.js';
import { frameOf } from '../../../../src-main/board/flashers/msp430/frames.js';
import { ByteDialogue, bytesOf, type Exchange } from '../../../support/byte-dialogue.js';
import { rejectsWithRunError } from '../../../support/rejections.js';

/** Frames as TI prints them (SLAU550 and its examples on the forum); none of ours computed them. */
const VERSION: Exchange = ['80 01 00 19 e8 62', '00 80 05 00 3a 00 01 01 01 6c 4f'];
const PASSWORD_OF_ONES = `80 21 00 11 ${new Array(32).fill('ff').join(' ')} 9e e6`;
const DONE = '00 80 02 00 3b 00 60 c4';
const LOCKED = '00 80 02 00 3b 04 e4 84';
const WRONG_PASSWORD = '00 80 02 00 3b 05 c5 94';

test('frames carry the checksums that TI prints', () => {
  const frames: [core: string, frame: string][] = [
    ['19', '80 01 00 19 e8 62'],
    ['15', '80 01 00 15 64 a3'],
    ['52 06', '80 02 00 52 06 14 15'],
  ];
  for (const [core, frame] of frames) {
    assert.deepEqual(frameOf(bytesOf(core)), bytesOf(frame));
  }
});

test('unlocks an erased chip and asks its version', async () => {
  const port = new ByteDialogue([[PASSWORD_OF_ONES, DONE], VERSION]);
  const bsl = new Msp430Bsl(port);
  assert.equal(await bsl.unlock(new Uint8Array(32).fill(0xff)), true);
  assert.deepEqual([...(await bsl.version())], [0, 1, 1, 1]);
  port.assertFinished();
});

test('a wrong password is told from a locked chip', async () => {
  const wrong = new Msp430Bsl(new ByteDialogue([[PASSWORD_OF_ONES, WRONG_PASSWORD]]));
  assert.equal(await wrong.unlock(new Uint8Array(32).fill(0xff)), false);
  const locked = new Msp430Bsl(new ByteDialogue([[VERSION[0], LOCKED]]));
  const error = await rejectsWithRunError(locked.version(), 'msp430-refused');
  assert.match(error.message, /locked/);
});

test('a frame that did not arrive whole is sent again', async () => {
  const port = new ByteDialogue([[VERSION[0], '52'], ['00', '51'], VERSION]);
  assert.deepEqual([...(await new Msp430Bsl(port).version())], [0, 1, 1, 1]);
  port.assertFinished();
});
