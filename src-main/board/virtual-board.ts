/**
 * What the rail sees of a simulated board: something that can be powered, runs for a number of cycles, draws charge, and
 * has a serial line. Implemented by the virtual Pico; the co-simulation with the capacitor is in campaign/bench.
 */
/**
 * What the chip does: the profile's start-up, executing, waiting for an interrupt with its clocks running, or sleeping with
 * most of them gated (RP2040: SLEEP).
 */
export type PowerState = 'startup' | 'active' | 'waiting' | 'resting';

export interface BoardSlice {
  /** CPU cycles that passed, sleep included. */
  cycles: number;
  /** Charge drawn from the regulated rail in that time. */
  railCoulombs: number;
  /** Bytes whose stop bit left the board in that time. */
  transmitted: Uint8Array;
}

export interface CommitObservation {
  /** Record sequence number, inference and next task, as decoded from the bus between board and FRAM. */
  sequence: number;
  inference: number;
  task: number;
}

export interface VirtualBoard {
  readonly clockHertz: number;
  /** Non-volatile memories; they keep their content over powerOff. */
  readonly flash: Uint8Array;
  readonly nvm: Uint8Array;
  /**
   * Cold start: registers reset, SRAM filled with seeded noise. The start-up of the profile (`startupSeconds` at
   * `startupAmps`) is spent in the `run` calls that follow, before the first instruction.
   */
  powerOn(): void;
  /** Everything volatile is lost; a FRAM write in progress stays as far as it had come. */
  powerOff(): void;
  /**
   * Runs until at least `maximumCycles` have passed, or earlier if a byte was transmitted. Time in which the core sleeps
   * is skipped, not simulated.
   */
  run(maximumCycles: number): BoardSlice;
  /** Bytes from the host, delivered at the line's baud rate. */
  receive(bytes: Uint8Array): void;
  /** What the board's ADC will see of the capacitor (before the divider). */
  setCapacitorVolts(volts: number): void;
  /** Called for every record written to NVM, as a logic analyser on the FRAM bus would see it. */
  onCommit: ((observation: CommitObservation) => void) | null;
}
