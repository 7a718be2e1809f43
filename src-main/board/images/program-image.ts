import { InputError } from '../../common/errors.js';
import type { ProgramTarget } from './targets.js';

/** A program as its file gives it: bytes and where they belong. */
export interface ProgramImage {
  format: 'elf' | 'uf2' | 'bin' | 'intel-hex';
  /** In the order of the file; a later one overwrites an earlier one. */
  segments: ProgramSegment[];
  /** Where the file says that execution begins, or null. */
  entry: number | null;
}

export interface ProgramSegment {
  address: number;
  bytes: Uint8Array;
}

/** No program file for these chips is larger, in whatever format; keeps what a broken one can cost within bounds. */
export const PROGRAM_FILE_BYTES = 16 * 1024 * 1024;

export function refuseProgram(name: string, message: string, remedy: string): never {
  throw new InputError({ code: 'bad-program', place: name, message, remedy });
}

export function hex(address: number): string {
  return `0x${(address >>> 0).toString(16).padStart(8, '0')}`;
}

/** @throws InputError when the segment lies outside of what the target can have loaded */
export function checkSegment(name: string, { address, bytes }: ProgramSegment, target: ProgramTarget): void {
  const end = address + bytes.length;
  if (!target.memory.some((region) => address >= region.address && end <= region.address + region.bytes)) {
    refuseProgram(
      name,
      `it has ${bytes.length} bytes for ${hex(address)}, where the ${target.name} has no memory for a program`,
      `Use a program that was built for the ${target.name}.`,
    );
  }
}

/** The program as the fewest segments, by address: neighbours joined, and where they overlap the later one of the file counts. */
export function joinSegments(segments: readonly ProgramSegment[]): ProgramSegment[] {
  const byAddress = segments
    .map((segment, order) => ({ ...segment, order }))
    .toSorted((a, b) => a.address - b.address);
  const groups: (typeof byAddress)[] = [];
  let end = -1;
  for (const segment of byAddress) {
    if (groups.length === 0 || segment.address > end) {
      groups.push([]);
      end = segment.address;
    }
    groups[groups.length - 1].push(segment);
    end = Math.max(end, segment.address + segment.bytes.length);
  }
  return groups.map((group) => {
    const { address } = group[0];
    const last = group.reduce((most, segment) => Math.max(most, segment.address + segment.bytes.length), 0);
    const bytes = new Uint8Array(last - address);
    for (const segment of group.toSorted((a, b) => a.order - b.order)) {
      bytes.set(segment.bytes, segment.address - address);
    }
    return { address, bytes };
  });
}
