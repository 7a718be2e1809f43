import { setImmediate as nextTurn } from 'node:timers/promises';
import { RunError } from '../../common/errors.js';
import type { PlacedProgram } from '../images/index.js';
import type { BoardProfile } from '../profile.js';
import { BreakpointFault } from './fault.js';
import { createVirtualPico } from './virtual-pico.js';

/** Simulated at once before messages and Ctrl+C are let through. */
const SLICE_SECONDS = 1e-3;
const TURN_MILLISECONDS = 25;

export interface ProgramRunOptions {
  profile: BoardProfile;
  /** Of the noise in SRAM at power-on. */
  seed: number;
  /** Simulated seconds after which to stop. */
  seconds: number;
  signal: AbortSignal;
  /** Bytes from the program's UART0, as they leave. */
  onOutput: (bytes: Uint8Array) => void;
}

export interface ProgramRun {
  /** Why it ended: its time was up, it executed BKPT, or the caller stopped it. */
  ended: 'time' | 'breakpoint' | 'cancelled';
  /** CPU cycles executed, wait states included, without sleep, and without the boot ROM's own start-up. */
  cycles: number;
  instructions: number;
  /** Words that the XIP cache had to read from flash. */
  cacheMisses: number;
  /** Cycles when the last byte had left the UART; null when it sent nothing. */
  cyclesAtLastByte: number | null;
  simulatedSeconds: number;
  /** Parts of the RP2040 that the program used and this model does not know. */
  notes: string[];
}

/**
 * Runs any program for the RP2040 on the virtual Pico with steady power, as on a fresh chip.
 *
 * @throws RunError with the address when the program does what a Cortex-M0+ faults on
 */
export async function runProgram(program: PlacedProgram, options: ProgramRunOptions): Promise<ProgramRun> {
  const notes: string[] = [];
  const { profile, seed, signal } = options;
  const board = createVirtualPico({
    firmware: program.flash,
    profile,
    seed,
    foreign: { sram: program.sram, entry: program.entry, onNote: (note) => notes.push(note) },
  });
  board.setCapacitorVolts(profile.power.maximumVolts.value);
  let ticks = 0;
  let cyclesAtLastByte: number | null = null;
  let ended: ProgramRun['ended'] = 'time';
  let lastTurn = performance.now();
  const limit = options.seconds * board.clockHertz;
  try {
    board.powerOn();
    while (ticks < limit) {
      const slice = board.run(Math.min(limit - ticks, SLICE_SECONDS * board.clockHertz));
      ticks += slice.cycles;
      if (slice.transmitted.length > 0) {
        cyclesAtLastByte = board.executedCycles;
        options.onOutput(slice.transmitted);
      }
      if (performance.now() - lastTurn > TURN_MILLISECONDS) {
        await nextTurn();
        lastTurn = performance.now();
      }
      if (signal.aborted) {
        ended = 'cancelled';
        break;
      }
    }
  } catch (error) {
    if (!(error instanceof RunError && error.cause instanceof BreakpointFault)) {
      throw error;
    }
    ended = 'breakpoint';
  }
  return {
    ended,
    cycles: board.executedCycles,
    instructions: board.instructions,
    cacheMisses: board.cacheMisses,
    cyclesAtLastByte,
    simulatedSeconds: board.simulatedSeconds,
    notes,
  };
}
