/**
 * Command table of a supply that speaks SCPI-99 with one channel. `{value}` is replaced by the number. Null where the
 * instrument has no such command.
 */
export interface ScpiCommands {
  id: string;
  /** Ends every command; replies always end with a line feed (IEEE 488.2). */
  terminator: string;
  identify: string;
  /** Takes the instrument off its front panel, where it asks for that. */
  remote: string | null;
  setVolts: string;
  setAmps: string;
  outputOn: string;
  outputOff: string;
  outputState: string;
  measureVolts: string;
  measureAmps: string;
  /** Returns and removes the oldest error: `code,"message"`, code 0 when there is none. */
  nextError: string;
  /** Empties the error queue. */
  clear: string;
}

/** Headers of SCPI-99 volumes 2 and 4 in their short forms, which every instrument must accept. */
export const SCPI_COMMANDS: ScpiCommands = {
  id: 'scpi',
  terminator: '\n',
  identify: '*IDN?',
  remote: null,
  setVolts: 'VOLT {value}',
  setAmps: 'CURR {value}',
  outputOn: 'OUTP ON',
  outputOff: 'OUTP OFF',
  outputState: 'OUTP?',
  measureVolts: 'MEAS:VOLT?',
  measureAmps: 'MEAS:CURR?',
  nextError: 'SYST:ERR?',
  clear: '*CLS',
};
