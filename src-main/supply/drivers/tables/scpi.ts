import type { SwitchQuery, TextCommands } from '../text/commands.js';

/** `*IDN?`: manufacturer, model, serial number, firmware (IEEE 488.2, 10.14). */
export const SCPI_IDENTITY =
  /^(?<manufacturer>[^,]*[^,\s][^,]*),(?<model>[^,]*[^,\s][^,]*)(?:,(?<serial>[^,]*))?(?:,(?<firmware>.*))?$/;

/** Answers of a boolean: SCPI has numbers, some instruments words. */
export const ON_OR_OFF = { yes: /^(1|ON)$/i, no: /^(0|OFF)$/i };

export const OUTPUT: SwitchQuery = { send: 'OUTP?', ...ON_OR_OFF };

/** Headers of SCPI-99 volumes 2 and 4 in their short forms, which every instrument must accept. */
export const SCPI_COMMANDS: TextCommands = {
  id: 'scpi',
  name: 'a SCPI supply with one channel',
  terminator: '\n',
  framing: 'line',
  gapSeconds: 0,
  attempts: 1,
  wake: null,
  prepare: [],
  identify: { send: '*IDN?', pattern: SCPI_IDENTITY, expects: null },
  setVolts: { send: 'VOLT {value}' },
  setAmps: { send: 'CURR {value}' },
  readVolts: null,
  readAmps: null,
  outputOn: ['OUTP ON'],
  outputOff: ['OUTP OFF'],
  outputState: OUTPUT,
  measureVolts: { send: 'MEAS:VOLT?' },
  measureAmps: { send: 'MEAS:CURR?' },
  currentLimited: null,
  nextError: 'SYST:ERR?',
  clear: '*CLS',
  protection: { overVolts: ['VOLT:PROT {value}'], overAmps: ['CURR:PROT:STAT ON'], tripped: [] },
  list: null,
};

/**
 * What the instruments of named makers have in common: they are recognized before anything is switched on, a terminator
 * ends what another program left half sent, set points are read back.
 */
export const NAMED_SCPI: TextCommands = {
  ...SCPI_COMMANDS,
  attempts: 3,
  wake: '\n',
  readVolts: { send: 'VOLT?' },
  readAmps: { send: 'CURR?' },
};
