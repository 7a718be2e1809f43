/** A programmable supply as a run sees it. A driver is a table of commands over a Port (drivers/). */

export interface SupplyIdentity {
  manufacturer: string;
  model: string;
  serial: string;
  firmware: string;
}

export interface SupplyReading {
  volts: number;
  amps: number;
}

export interface SupplyLimits {
  maximumVolts: number;
  maximumAmps: number;
  /** Lowest voltage that the instrument can give while its output is on; 0 when left out. */
  minimumVolts?: number;
  /** Shortest time between two set points that the instrument follows. */
  minimumStepSeconds: number;
  voltsResolution: number;
  ampsResolution: number;
}

/** How a shutdown ended: the instrument `confirmed` that its output is off, it was only `sent`, or not even that. */
export type ShutdownOutcome = 'confirmed' | 'sent' | 'failed';

export interface SupplyDriver {
  readonly limits: SupplyLimits;
  identify(): Promise<SupplyIdentity>;
  /** Sets voltage and current limit together. Throws InputError beyond `limits`, RunError when the instrument reports an error. */
  set(volts: number, amps: number): Promise<void>;
  output(on: boolean): Promise<void>;
  measure(): Promise<SupplyReading>;
  /** Output off, whatever state the instrument is in; never throws. */
  shutdown(): Promise<ShutdownOutcome>;
}

/** What an instrument says of itself; null where it cannot be asked. */
export interface SupplyState {
  on: boolean | null;
  /** Set points, not measurements. */
  volts: number | null;
  amps: number | null;
  /** Constant voltage or constant current. */
  regulation: 'CV' | 'CC' | null;
  /** Protection that has switched the output off: `OVP`, `OCP`, `OPP`; '' when none has. */
  tripped: string | null;
}

/** Levels that switch the output off when they are passed; null leaves that protection alone. */
export interface SupplyProtection {
  overVolts: number | null;
  overAmps: number | null;
}

/** What became of a protection: it has the level, it was only switched on (its level is the set point), or there is none. */
export type ProtectionOutcome = 'level set' | 'switched on' | 'not available';

export interface ListStep {
  volts: number;
  amps: number;
  seconds: number;
}

/** What an instrument's own sequencer can hold. */
export interface ListLimits {
  maximumSteps: number;
  minimumSeconds: number;
  maximumSeconds: number;
  secondsResolution: number;
  /** Times that it can repeat the list; Infinity where it can go on for ever. */
  maximumRepeats: number;
  /** All steps last equally long. */
  uniform: boolean;
}

/** Current over time, as a measuring supply has sampled it. */
export interface CurrentRecord {
  samplesPerSecond: number;
  /** NaN where samples were lost on the way. */
  amps: Float32Array;
  /** Digital inputs, one byte a sample. */
  logic: Uint8Array;
  lostSamples: number;
}

/** A supply on the bench: what a person, a safety check and a schedule need beyond a run. */
export interface BenchSupply extends SupplyDriver {
  /** Null when the instrument has no list mode that the bench can start. */
  readonly listLimits: ListLimits | null;
  /** Reads back what the instrument has; changes nothing. */
  state(): Promise<SupplyState>;
  /** Throws InputError for a level beyond the limits (with a tenth of room above them). */
  protect(
    protection: SupplyProtection,
  ): Promise<{ overVolts: ProtectionOutcome; overAmps: ProtectionOutcome }>;
  /** Reads the error queue empty; always empty for an instrument without one. */
  errors(): Promise<string[]>;
  /** Loads a sequence. Throws InputError when a step is beyond the limits or the list cannot hold it. */
  loadList(steps: readonly ListStep[], repeats: number): Promise<void>;
  /** Plays the loaded sequence with the instrument's own clock; the output is switched on with it. */
  startList(): Promise<void>;
  stopList(): Promise<void>;
  /** Samples of the current, for an instrument that streams them. @throws InputError `supply-no-record` for any other */
  record(seconds: number): Promise<CurrentRecord>;
}
