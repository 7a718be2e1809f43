/** Why a simulated board cannot go on; createVirtualPico turns it into a RunError with the program counter. */
export class BoardFault extends Error {
  override readonly name: string = 'BoardFault';
}

/** The program executed BKPT: it says that it is done, or that something is wrong with it. */
export class BreakpointFault extends BoardFault {
  constructor(readonly code: number) {
    super(`breakpoint ${code}`);
  }
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
