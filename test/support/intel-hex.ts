import type { ProgramSegment } from '../../src-main/board/images/program-image.js';

/** One record of Intel's hexadecimal object file format, revision A. */
export function hexLine(type: number, address: number, data: readonly number[]): string {
  const record = [data.length, (address >>> 8) & 0xff, address & 0xff, type, ...data];
  record.push(-record.reduce((sum, byte) => sum + byte, 0) & 0xff);
  return ':' + Buffer.from(record).toString('hex').toUpperCase();
}

/** A whole file; each segment stays within 64 KiB from its address's upper half. */
export function intelHex(segments: readonly ProgramSegment[]): Uint8Array<ArrayBuffer> {
  const lines = segments.flatMap(({ address, bytes }) => {
    const parts = [hexLine(4, 0, [address >>> 24, (address >>> 16) & 0xff])];
    for (let at = 0; at < bytes.length; at += 16) {
      parts.push(hexLine(0, (address & 0xffff) + at, [...bytes.subarray(at, at + 16)]));
    }
    return parts;
  });
  return new TextEncoder().encode([...lines, hexLine(1, 0, []), ''].join('\r\n'));
}
