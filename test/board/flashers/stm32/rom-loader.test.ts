import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stm32Loader, Stm32LoaderError } from '../../../../src-main/board/flashers/stm32/rom-loader.js';
import { ByteDialogue, type Exchange } from '../../../support/byte-dialogue.js';

/** Bytes as ST AN3155 (revision 20) prints and defines them; none of ours computed them. */

function loaderWith(dialogue: Exchange[]): { loader: Stm32Loader; port: ByteDialogue } {
  const port = new ByteDialogue(dialogue);
  return { loader: new Stm32Loader(port), port };
}

test('synchronises, asks for its commands and its chip', async () => {
  const { loader, port } = loaderWith([
    ['7f', '79'],
    ['00 ff', '79 0b 31 00 01 02 11 21 31 44 63 73 82 92 79'],
    ['02 fd', '79 01 04 15 79'],
  ]);
  await loader.synchronise();
  const { version, commands } = await loader.get();
  assert.equal(version, 0x31);
  assert.deepEqual(commands, [0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92]);
  assert.equal(await loader.getId(), 0x415);
  port.assertFinished();
});

test('a loader that was synchronised before refuses the byte, and is understood', async () => {
  const { loader, port } = loaderWith([['7f', '1f']]);
  await loader.synchronise();
  port.assertFinished();
});

test('reads, writes, erases and starts with the frames of the application note', async () => {
  const { loader, port } = loaderWith([
    ['11 ee', '79'],
    ['08 00 01 00 09', '79'],
    ['03 fc', '79 de ad be ef'],
    ['31 ce', '79'],
    ['08 00 00 00 08', '79'],
    ['03 01 02 03 04 07', '79'],
    ['44 bb', '79'],
    ['00 00 00 05 05', '79'],
    ['43 bc', '79'],
    ['00 05 05', '79'],
    ['21 de', '79'],
    ['08 00 00 00 08', '79'],
  ]);
  assert.deepEqual([...(await loader.readMemory(0x08000100, 4))], [0xde, 0xad, 0xbe, 0xef]);
  await loader.writeMemory(0x08000000, Uint8Array.of(1, 2, 3, 4));
  await loader.erasePage(5, true);
  await loader.erasePage(5, false);
  await loader.go(0x08000000);
  port.assertFinished();
});

test('a refusal and a silence are told apart, each with what to do', async () => {
  const refusing = loaderWith([['11 ee', '1f']]);
  await assert.rejects(
    refusing.loader.readMemory(0x08000000, 4),
    (error: unknown) =>
      error instanceof Stm32LoaderError && error.kind === 'refused' && /protect/.test(error.remedy),
  );
  const knocks: Exchange[] = [
    ['7f', ''],
    ['7f', ''],
    ['7f', ''],
  ];
  const fill: Exchange = [new Array(260).fill('ff').join(' '), ''];
  const silent = loaderWith([...knocks, fill, ...knocks]);
  await assert.rejects(
    silent.loader.synchronise(),
    (error: unknown) =>
      error instanceof Stm32LoaderError && error.kind === 'silent' && /BOOT0/.test(error.remedy),
  );
  silent.port.assertFinished();
});
