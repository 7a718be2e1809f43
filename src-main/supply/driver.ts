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
