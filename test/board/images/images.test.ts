import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { placeProgram, readProgram } from '../../../src-main/board/images/index.js';
import { joinSegments } from '../../../src-main/board/images/program-image.js';
import { FLASH_ADDRESS, RP2040_TARGET, SRAM_ADDRESS } from '../../../src-main/board/images/targets.js';
import { InputError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import { toUf2 } from '../../../tools/firmware/pico.js';
import { hexLine, intelHex } from '../../support/intel-hex.js';

const FLASH_BYTES = 2 * 1024 * 1024;
const prebuilt = (name: string) => readFile(resourcePath('firmware', 'prebuilt', name));

/** A minimal ELF32 executable for Arm, written from the specification. */
function elfOf(address: number, data: Uint8Array, entry = address | 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(52 + 32 + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const halfwords: [number, number][] = [
    [16, 2],
    [18, 40],
    [40, 52],
    [42, 32],
    [44, 1],
  ];
  halfwords.forEach(([at, value]) => view.setUint16(at, value, true));
  const words: [number, number][] = [
    [20, 1],
    [24, entry],
    [28, 52],
    [52, 1],
    [56, 84],
    [60, address],
    [64, address],
    [68, data.length],
    [72, data.length],
  ];
  words.forEach(([at, value]) => view.setUint32(at, value, true));
  bytes.set(data, 84);
  return bytes;
}

const hexOf = (address: number, bytes: Uint8Array) => intelHex([{ address, bytes }]);

function refused(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => placeProgram(readProgram(bytes, 'program', RP2040_TARGET), FLASH_BYTES, 'program'),
    (error: unknown) => error instanceof InputError && message.test(error.message),
  );
}

test('every format gives the same flash content', async () => {
  const binary = await prebuilt('pico-fram.bin');
  const short = Uint8Array.from(binary.subarray(0, 4096));
  const formats: [string, Uint8Array][] = [
    ['bin', short],
    ['uf2', toUf2(short)],
    ['elf', elfOf(FLASH_ADDRESS, short)],
    ['intel-hex', hexOf(FLASH_ADDRESS, short)],
  ];
  for (const [format, bytes] of formats) {
    const image = readProgram(bytes, format, RP2040_TARGET);
    assert.equal(image.format, format);
    const { flash, sram, entry } = placeProgram(image, FLASH_BYTES, format);
    assert.deepEqual(Buffer.from(flash), Buffer.from(short), format);
    assert.deepEqual([sram.length, entry], [0, null]);
  }
});

test('the firmware for the USB boot loader is the firmware', async () => {
  const binary = await prebuilt('pico-fram.bin');
  const { flash } = placeProgram(
    readProgram(await prebuilt('pico-fram.uf2'), 'u', RP2040_TARGET),
    FLASH_BYTES,
    'u',
  );
  assert.ok(Buffer.from(flash.subarray(0, binary.length)).equals(binary));
});

test('a program for SRAM starts at its entry, or where it begins', () => {
  const code = Uint8Array.of(0x00, 0xbe);
  const place = (bytes: Uint8Array) => placeProgram(readProgram(bytes, 'p', RP2040_TARGET), FLASH_BYTES, 'p');
  assert.equal(place(elfOf(SRAM_ADDRESS, code, SRAM_ADDRESS + 0x101)).entry, SRAM_ADDRESS + 0x101);
  assert.equal(place(hexOf(SRAM_ADDRESS + 0x40, code)).entry, SRAM_ADDRESS + 0x41);
});

test('what cannot run is refused with what is wrong', () => {
  const code = new Uint8Array(300);
  const uf2 = toUf2(code);
  const patched = (bytes: Uint8Array, at: number, value: number) => {
    const copy = Uint8Array.from(bytes);
    new DataView(copy.buffer).setUint32(at, value, true);
    return copy;
  };
  refused(new Uint8Array(0), /0 bytes is no program/);
  refused(new Uint8Array(16 * 1024 * 1024 + 1), /is no program for the RP2040/);
  refused(new Uint8Array(100), /no second-stage boot loader/);
  refused(elfOf(FLASH_ADDRESS + 0x100, code), /no second-stage boot loader/);
  refused(elfOf(0x08000000, code), /0x08000000, where the RP2040 \(Raspberry Pi Pico\) has no memory/);
  refused(elfOf(FLASH_ADDRESS, code).subarray(0, 200), /ends at byte/);
  refused(
    patched(elfOf(FLASH_ADDRESS, code), 16, 0x00f30002),
    /for machine 243, the RP2040 .* is machine 40/,
  );
  refused(patched(elfOf(FLASH_ADDRESS, code), 28, 0xfffffff0), /program headers lie outside/);
  refused(elfOf(FLASH_ADDRESS + FLASH_BYTES - 100, code), /bytes of flash/);
  refused(uf2.subarray(0, 700), /whole number of UF2 blocks/);
  refused(uf2.subarray(0, 512), /1 of 2 UF2 blocks/);
  refused(
    patched(patched(uf2, 28, 0xe48bff59), 512 + 28, 0xe48bff59),
    /family 0xe48bff59, not for the RP2040/,
  );
  refused(patched(uf2, 16, 500), /claims 500 data bytes/);
  refused(patched(uf2, 508, 0), /no magic numbers/);
  refused(new TextEncoder().encode(':00000001FE\n'), /line 1 has a wrong checksum/);
  refused(new TextEncoder().encode(hexLine(4, 0, [0x10, 0]) + '\n'), /no end record/);
  refused(new TextEncoder().encode(':zz\n'), /line 1 is no Intel HEX record/);
});

test('property: joined segments hold what the file wrote last at every address, and are apart', () => {
  const segment = fc.record({
    address: fc.integer({ min: 0, max: 60 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 12 }), (segments) => {
      const expected = new Map<number, number>();
      segments.forEach(({ address, bytes }) =>
        bytes.forEach((byte, index) => expected.set(address + index, byte)),
      );
      const joined = joinSegments(segments);
      const found = new Map<number, number>();
      joined.forEach(({ address, bytes }) =>
        bytes.forEach((byte, index) => found.set(address + index, byte)),
      );
      assert.deepEqual([...found].toSorted(), [...expected].toSorted());
      joined.slice(1).forEach(({ address }, index) => {
        assert.ok(address > joined[index].address + joined[index].bytes.length);
      });
    }),
  );
});

test('no bytes crash the readers: a program or an input error', () => {
  const code = Uint8Array.from({ length: 600 }, (_, index) => index & 0xff);
  const seeds = [elfOf(FLASH_ADDRESS, code), toUf2(code), hexOf(FLASH_ADDRESS, code)];
  const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  const damaged = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 6 }), fc.nat())
    .map(([seed, edits, cut]) => {
      const bytes = Uint8Array.from(seed);
      edits.forEach(([at, value]) => {
        // Headers are hit as often as everything else together.
        bytes[at % 2 === 0 ? (at >>> 1) % 100 : at % bytes.length] = value;
      });
      return cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 2000 })), (bytes) => {
      try {
        const { flash } = placeProgram(readProgram(bytes, 'fuzz', RP2040_TARGET), FLASH_BYTES, 'fuzz');
        assert.ok(flash.length <= FLASH_BYTES);
      } catch (error) {
        if (!(error instanceof InputError)) {
          throw error;
        }
      }
    }),
    { numRuns: 5000 },
  );
});
