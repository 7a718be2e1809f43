import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MSP430_DEVICES } from '../../../../src-main/board/flashers/msp430/devices.js';
import { flashMsp430, type Msp430FlashOptions } from '../../../../src-main/board/flashers/msp430/flash.js';
import { openSerialPort } from '../../../../src-main/board/serial-port.js';
import { VirtualMsp430Bsl } from '../../../../src-main/board/virtual-loaders/msp430-bsl.js';
import { serveEmulator } from '../../../../src-main/common/serve-emulator.js';
import { EmulatorPort } from '../../../support/emulator-port.js';
import { intelHex } from '../../../support/intel-hex.js';
import { seededRandom } from '../../../support/random.js';
import { rejectsWithInputError, rejectsWithRunError } from '../../../support/rejections.js';
import { cableToTcp } from '../../../support/serial-cable.js';

const [FR5994] = MSP430_DEVICES;
const yes: Msp430FlashOptions = { mayErase: () => Promise.resolve(true) };

interface Program {
  code: Uint8Array;
  vectors: Uint8Array;
  file: Uint8Array;
}

/** Code at the beginning of FRAM and the vectors at 0xffe0, of which the last is the reset vector. */
function program(bytes: number, seed = 1): Program {
  const random = seededRandom(seed);
  const code = Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
  const vectors = Uint8Array.from({ length: 32 }, (_, index) => (index % 2 === 0 ? 0x10 : 0x40));
  const file = intelHex([
    { address: 0x4000, bytes: code },
    { address: 0xffe0, bytes: vectors },
  ]);
  return { code, vectors, file };
}

function flashed(chip: VirtualMsp430Bsl, { code, vectors }: Program): void {
  assert.deepEqual(chip.memory.subarray(0x4000, 0x4000 + code.length), code);
  assert.deepEqual(chip.memory.subarray(0xffe0, 0x10000), vectors);
}

const portTo = (chip: VirtualMsp430Bsl) => new EmulatorPort(chip, { byteSeconds: 11 / 9600 });

test('flashes an erased chip, checks it, and starts at the reset vector', async () => {
  const chip = new VirtualMsp430Bsl({ device: FR5994 });
  const wanted = program(20_000);
  const report = await flashMsp430(portTo(chip), wanted.file, 'p.hex', yes);
  flashed(chip, wanted);
  assert.equal(chip.startedAt, 0x4010);
  assert.equal(report.blocksWritten, report.blocks);
  assert.match(report.chip, /MSP430FR5994/);
});

test('a program without a reset vector is flashed and not started', async () => {
  const chip = new VirtualMsp430Bsl({ device: FR5994 });
  const file = intelHex([{ address: 0x4000, bytes: Uint8Array.of(1, 2, 3) }]);
  assert.equal((await flashMsp430(portTo(chip), file, 'p.hex', yes)).started, false);
  assert.equal(chip.startedAt, null);
});

test('with the right password, what is there already stays and is not written again', async () => {
  const chip = new VirtualMsp430Bsl({ device: FR5994 });
  const wanted = program(20_000);
  await flashMsp430(portTo(chip), wanted.file, 'p.hex', yes);
  chip.memory[0x30000] = 0x42;
  chip.memory[0x5000] ^= 1;
  chip.reset();
  const options = { ...yes, password: wanted.vectors };
  const { blocksWritten } = await flashMsp430(portTo(chip), wanted.file, 'p.hex', options);
  assert.equal(blocksWritten, 1);
  flashed(chip, wanted);
  assert.equal(chip.memory[0x30000], 0x42);
});

test('nothing is sent when the user does not want a program erased', async () => {
  const chip = new VirtualMsp430Bsl({ device: FR5994 });
  chip.memory.fill(7, 0x4000, 0x10000);
  const port = portTo(chip);
  const options = { mayErase: () => Promise.resolve(false) };
  await rejectsWithInputError(flashMsp430(port, program(100).file, 'p.hex', options), 'msp430-erase');
  assert.equal(port.sentBytes, 0);
});

test('a wrong password erases, as was agreed to, and flashing goes on; a chip that does not erase is told', async () => {
  const wanted = program(3000);
  const erasing = new VirtualMsp430Bsl({ device: FR5994 });
  erasing.memory.fill(7, 0x4000, 0x44000);
  await flashMsp430(portTo(erasing), wanted.file, 'p.hex', yes);
  flashed(erasing, wanted);
  const keeping = new VirtualMsp430Bsl({ device: FR5994, wrongPasswordErases: false });
  keeping.memory.fill(7, 0x4000, 0x44000);
  await rejectsWithRunError(flashMsp430(portTo(keeping), wanted.file, 'p.hex', yes), 'msp430-locked');
});

test('a cable pulled at any moment is a clear error; flashing again needs no other password and goes on', async () => {
  const wanted = program(20_000);
  for (let pulledAfter = 3; pulledAfter < 21_000; pulledAfter = Math.ceil(pulledAfter * 1.7)) {
    const chip = new VirtualMsp430Bsl({ device: FR5994 });
    let sent = 0;
    const pulled = new EmulatorPort(chip, {
      distort: (bytes, way) => {
        sent += way === 'out' ? bytes.length : 0;
        return sent > pulledAfter ? null : bytes;
      },
    });
    await rejectsWithRunError(flashMsp430(pulled, wanted.file, 'p.hex', yes), 'port-gone');
    const kept = Math.floor((pulledAfter - 100) / 300);
    chip.reset();
    const { blocks, blocksWritten } = await flashMsp430(portTo(chip), wanted.file, 'p.hex', yes);
    assert.ok(blocksWritten <= blocks - kept, `${blocksWritten} of ${blocks} after ${pulledAfter} bytes`);
    flashed(chip, wanted);
  }
});

test('a bad line is put right or told, and never leaves wrong bytes behind a success', async () => {
  const wanted = program(4000);
  let successes = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const chip = new VirtualMsp430Bsl({ device: FR5994 });
    const every = 400 + random() * 4000;
    const port = new EmulatorPort(chip, {
      distort: (bytes) =>
        Uint8Array.from(
          [...bytes].flatMap((byte) => {
            if (random() * every >= 1) {
              return [byte];
            }
            return [[], [byte, byte], [byte ^ (1 << Math.floor(random() * 8))], [byte, 0x80]][
              Math.floor(random() * 4)
            ];
          }),
        ),
    });
    try {
      await flashMsp430(port, wanted.file, 'p.hex', { ...yes, start: false });
      flashed(chip, wanted);
      successes += 1;
    } catch (error) {
      assert.match(String(error), /failed 5 times|refused|not known/);
    }
  }
  assert.ok(successes >= 50, `${successes} of 60 bad lines were overcome`);
});

test('files that would lock the chip, or are for another, are refused before anything is sent', async () => {
  const chip = new VirtualMsp430Bsl({ device: FR5994 });
  const port = portTo(chip);
  const locking = intelHex([{ address: 0xff80, bytes: Uint8Array.of(0x55, 0x55, 0x55, 0x55) }]);
  const error = await rejectsWithInputError(flashMsp430(port, locking, 'p.hex', yes), 'msp430-signature');
  assert.match(error.message, /0xff80/);
  const pico = intelHex([{ address: 0x10000000, bytes: Uint8Array.of(1, 2, 3) }]);
  await rejectsWithInputError(flashMsp430(port, pico, 'p.hex', yes), 'bad-program');
  assert.equal(port.sentBytes, 0);
});

test('memory that does not take what is written is told with its place', async () => {
  const chip = new VirtualMsp430Bsl({ device: FR5994, protectedRange: { address: 0x5000, bytes: 64 } });
  const error = await rejectsWithRunError(
    flashMsp430(portTo(chip), program(20_000).file, 'p.hex', yes),
    'flash-verify',
  );
  assert.match(error.message, /0x4ff0/);
});

test('flashes over a real pseudo-terminal through serialport, at the fast rate', async (context) => {
  const chip = new VirtualMsp430Bsl({ device: FR5994 });
  const server = await serveEmulator(chip, { name: 'the virtual boot loader' });
  context.after(() => server.close());
  const cable = await cableToTcp(context, server.port);
  if (!cable) {
    return;
  }
  const port = await openSerialPort(cable.paths[0], { baudRate: 9600 });
  context.after(() => port.close());
  const wanted = program(20_000);
  await flashMsp430(port, wanted.file, 'p.hex', { ...yes, onFastLine: () => port.setBaudRate(115_200) });
  flashed(chip, wanted);
  assert.equal(chip.baudRateCode, 0x06);
});
