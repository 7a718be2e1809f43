/** Why a simulated board cannot go on; createVirtualPico turns it into a RunError with the program counter. */
export class BoardFault extends Error {
  override readonly name = 'BoardFault';
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
