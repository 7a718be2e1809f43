import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import {
  pagesOf,
  STM32_DEVICES,
  STM32_FLASH_ADDRESS,
  type Stm32Device,
} from '../../../../src-main/board/flashers/stm32/devices.js';
import { flashStm32 } from '../../../../src-main/board/flashers/stm32/flash.js';
import { openSerialPort } from '../../../../src-main/board/serial-port.js';
import { VirtualStm32Rom } from '../../../../src-main/board/virtual-loaders/stm32-rom.js';
import { serveEmulator } from '../../../../src-main/common/serve-emulator.js';
import { EmulatorPort } from '../../../support/emulator-port.js';
import { seededRandom } from '../../../support/random.js';
import { rejectsWithInputError, rejectsWithRunError } from '../../../support/rejections.js';
import { cableToTcp } from '../../../support/serial-cable.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { stm32Program } from './programs.js';

function deviceWithId(id: number): Stm32Device {
  const device = STM32_DEVICES.find((candidate) => candidate.id === id);
  assert.ok(device);
  return device;
}

const L476 = deviceWithId(0x415);
const F103 = deviceWithId(0x410);

function flashed(rom: VirtualStm32Rom, program: Uint8Array): void {
  assert.deepEqual(rom.flash.subarray(0, program.length), program);
}

test('the pages of every chip fill its flash', () => {
  for (const device of STM32_DEVICES) {
    const pages = pagesOf(device);
    assert.equal(
      pages.reduce((sum, { bytes }) => sum + bytes, 0),
      device.flashBytes,
      device.name,
    );
    assert.ok(pages.every(({ bytes }) => Number.isInteger(bytes) && bytes % 4 === 0));
  }
});

test('flashes, verifies and starts every known chip, with either erase command', async () => {
  for (const device of STM32_DEVICES) {
    const rom = new VirtualStm32Rom({ device, version: device.id === 0x410 ? 0x22 : 0x31 });
    rom.flash.fill(0xa5, 0, 40_000);
    const program = stm32Program(9_001, device.id);
    const progress: number[] = [];
    const report = await flashStm32(new EmulatorPort(rom), program, 'program.bin', {
      onProgress: ({ doneBytes, totalBytes }) => progress.push(doneBytes / totalBytes),
    });
    flashed(rom, program);
    assert.equal(rom.startedAt, STM32_FLASH_ADDRESS);
    assert.equal(report.programBytes, 9_001);
    assert.equal(report.blocksWritten, report.blocks);
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    );
    assert.equal(progress.at(-1), 1);
  }
});

test('what is there already is not written again; what lies in other pages stays', async () => {
  const rom = new VirtualStm32Rom({ device: L476 });
  rom.flash.fill(0x33, 100 * 2048, 101 * 2048);
  const program = stm32Program(6 * 2048);
  await flashStm32(new EmulatorPort(rom), program, 'program.bin');
  rom.reset();
  rom.flash[3 * 2048 + 17] ^= 0x10;
  const report = await flashStm32(new EmulatorPort(rom), program, 'program.bin');
  assert.equal(report.blocksWritten, 1);
  flashed(rom, program);
  assert.ok(rom.flash.subarray(100 * 2048, 101 * 2048).every((byte) => byte === 0x33));
});

test('a cable pulled at any moment is a clear error, and flashing again goes on where it was', async () => {
  const program = stm32Program(20 * 2048);
  for (let pulledAfter = 3; pulledAfter < 45_000; pulledAfter = Math.ceil(pulledAfter * 1.9)) {
    const rom = new VirtualStm32Rom({ device: L476 });
    let sent = 0;
    const pulled = new EmulatorPort(rom, {
      distort: (bytes, way) => {
        sent += way === 'out' ? bytes.length : 0;
        return sent > pulledAfter ? null : bytes;
      },
    });
    await rejectsWithRunError(flashStm32(pulled, program, 'program.bin'), 'port-gone');
    const again = new EmulatorPort(rom);
    const { blocksWritten } = await flashStm32(again, program, 'program.bin');
    flashed(rom, program);
    const kept = Math.floor(pulledAfter / (2048 + 8 * 9 + 40)) - 1;
    assert.ok(blocksWritten <= 20 - kept, `${blocksWritten} pages after ${pulledAfter} bytes`);
  }
});

test('cancelling stops between two blocks and keeps what is written', async () => {
  const rom = new VirtualStm32Rom({ device: L476 });
  const controller = new AbortController();
  const program = stm32Program(20 * 2048);
  const reason = new Error('cancelled');
  await assert.rejects(
    flashStm32(new EmulatorPort(rom), program, 'program.bin', {
      signal: controller.signal,
      onProgress: ({ doneBytes, totalBytes }) => {
        if (doneBytes >= totalBytes / 2) {
          controller.abort(reason);
        }
      },
    }),
    reason,
  );
  flashed(rom, program.subarray(0, 10 * 2048));
  assert.equal(rom.startedAt, null);
});

test('a bad line is put right or told, and never leaves wrong bytes behind a success', async () => {
  const program = stm32Program(4 * 2048);
  let successes = 0;
  const failures: string[] = [];
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const rom = new VirtualStm32Rom({ device: L476 });
    const every = 300 + random() * 4000;
    const spoil = [
      (bytes: number[], at: number) => bytes.splice(at, 1),
      (bytes: number[], at: number) => (bytes[at] ^= 1 << Math.floor(random() * 8)),
      (bytes: number[], at: number) => bytes.splice(at, 0, Math.floor(random() * 256)),
      (bytes: number[], at: number) => bytes.splice(at, 0, bytes[at]),
    ];
    const port = new EmulatorPort(rom, {
      distort: (bytes) => {
        const spoilt = [...bytes];
        for (let at = bytes.length - 1; at >= 0; at--) {
          if (random() * every < 1) {
            spoil[Math.floor(random() * spoil.length)](spoilt, at);
          }
        }
        return Uint8Array.from(spoilt);
      },
    });
    try {
      await flashStm32(port, program, 'program.bin', { start: false });
      flashed(rom, program);
      successes += 1;
    } catch (error) {
      failures.push(String(error));
      assert.match(String(error), /refused|no answer|differs after|not known|no boot loader/);
    }
  }
  assert.ok(successes >= 40, `${successes} of 60 bad lines were overcome: ${failures.join('\n')}`);
});

test('protected chips and pages are told, not passed over', async () => {
  const program = stm32Program(6 * 2048);
  const locked = new VirtualStm32Rom({ device: L476, readProtected: true });
  await rejectsWithRunError(flashStm32(new EmulatorPort(locked), program, 'p.bin'), 'stm32-refused');
  const page = new VirtualStm32Rom({ device: L476, protectedPages: [2] });
  page.flash.fill(0, 2 * 2048, 3 * 2048);
  const error = await rejectsWithRunError(
    flashStm32(new EmulatorPort(page), program, 'p.bin'),
    'flash-verify',
  );
  assert.match(error.message, /page 2 at 0x08001000/);
});

test('a loader that acknowledges twice, and one that found its baud rate before, are understood', async () => {
  const program = stm32Program(3000);
  const rom = new VirtualStm32Rom({ device: deviceWithId(0x435), acknowledgesTwice: true });
  rom.receive(Uint8Array.of(0x7f));
  await flashStm32(new EmulatorPort(rom), program, 'program.bin', { start: false });
  flashed(rom, program);
});

test('a program for another chip is refused before a byte is erased', async () => {
  const rom = new VirtualStm32Rom({ device: L476 });
  rom.flash.fill(0x5a);
  const refusedFor = async (program: Uint8Array, message: RegExp) => {
    const error = await rejectsWithInputError(
      flashStm32(new EmulatorPort(rom), program, 'other.bin'),
      'bad-program',
    );
    assert.match(error.message, message);
    rom.reset();
  };
  const random = Uint8Array.from({ length: 1000 }, (_, index) => (index * 37 + 11) & 0xff);
  await refusedFor(random, /stack begins at/);
  const elsewhere = stm32Program(1000);
  new DataView(elsewhere.buffer).setUint32(4, 0x10000101, true);
  await refusedFor(elsewhere, /reset handler is at 0x10000101/);
  await refusedFor(new Uint8Array(L476.flashBytes + 4), /has no memory for a program/);
  assert.ok(rom.flash.every((byte) => byte === 0x5a));
});

/** The emulator behind a pseudo-terminal, as stm32flash and serialport see it. */
async function romOnPty(
  context: TestContext,
  device: Stm32Device,
): Promise<{ rom: VirtualStm32Rom; path: string } | null> {
  const rom = new VirtualStm32Rom({ device, version: device === F103 ? 0x22 : 0x31 });
  const server = await serveEmulator(rom, { name: 'the virtual boot loader' });
  context.after(() => server.close());
  const cable = await cableToTcp(context, server.port);
  return cable && { rom, path: cable.paths[0] };
}

test('flashes over a real pseudo-terminal through serialport', async (context) => {
  const target = await romOnPty(context, L476);
  if (!target) {
    return;
  }
  const port = await openSerialPort(target.path, { baudRate: 115_200 });
  context.after(() => port.close());
  const program = stm32Program(30_000);
  await flashStm32(port, program, 'program.bin');
  flashed(target.rom, program);
  assert.equal(target.rom.startedAt, STM32_FLASH_ADDRESS);
});

for (const device of [F103, L476]) {
  test(`stm32flash writes, verifies and starts our ${device.name}`, async (context) => {
    const target = await romOnPty(context, device);
    if (!target) {
      return;
    }
    const folder = await temporaryFolder(context);
    const program = stm32Program(20_000);
    const file = join(folder, 'program.bin');
    await writeFile(file, program);
    const run = promisify(execFile);
    // A pseudo-terminal has no parity, and stm32flash insists on the line that it asked for: hence 8n1.
    const { stdout } = await run(
      'stm32flash',
      ['-m', '8n1', '-b', '115200', '-w', file, '-v', '-g', '0x08000000', target.path],
      { timeout: 60_000 },
    ).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return { stdout: null };
      }
      throw error;
    });
    if (stdout === null) {
      context.skip('stm32flash is not installed');
      return;
    }
    assert.match(stdout, /Wrote and verified address 0x08004e20 \(100\.00%\)/);
    flashed(target.rom, program);
    assert.equal(target.rom.startedAt, STM32_FLASH_ADDRESS);
  });
}
