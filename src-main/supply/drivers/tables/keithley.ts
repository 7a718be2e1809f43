import type { TextCommands } from '../text/commands.js';
import { NAMED_SCPI } from './scpi.js';

/** Readings come with units, sometimes with further fields: `+3.300000E+00V,+1.2E-02s`. */
const READING = /^([+-]?\d+(?:\.\d*)?(?:E[+-]?\d+)?)\s*[VA]?(?:,.*)?$/i;

/**
 * Keithley 2280S and 2281S. Facts: SCPI-99 headers; the list (`:LIST1:VOLT`, 99 points, up to 60 s) is known, the command
 * that starts it was not found, so that the bench does not offer it.
 */
export const KEITHLEY_2280S_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'keithley-2280s',
  name: 'a Keithley 2280S or 2281S',
  identify: { ...NAMED_SCPI.identify, expects: /^KEITHLEY INSTRUMENTS( INC\.?)? MODEL 228[01]S/i },
  readVolts: { send: 'VOLT?', pattern: READING },
  readAmps: { send: 'CURR?', pattern: READING },
  measureVolts: { send: 'MEAS:VOLT?', pattern: READING },
  measureAmps: { send: 'MEAS:CURR?', pattern: READING },
  protection: { overVolts: ['VOLT:PROT {value}'], overAmps: ['CURR:PROT {value}'], tripped: [] },
};

/**
 * Keithley 2450 SourceMeter in the SCPI command set, sourcing voltage with a current limit. Facts: 2450 Reference Manual
 * 2450-901-01, section 6. Its list has one time for all points. Over-voltage protection has fixed steps (PROT2, PROT5, ...),
 * which the bench leaves alone.
 */
export const KEITHLEY_2450_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'keithley-2450',
  name: 'a Keithley 2450',
  prepare: ['SOUR:FUNC VOLT', 'SOUR:VOLT:READ:BACK ON'],
  identify: { ...NAMED_SCPI.identify, expects: /^KEITHLEY INSTRUMENTS( INC\.?)? MODEL 2450/i },
  setVolts: { send: 'SOUR:VOLT {value}' },
  setAmps: { send: 'SOUR:VOLT:ILIM {value}' },
  readVolts: { send: 'SOUR:VOLT?' },
  readAmps: { send: 'SOUR:VOLT:ILIM?' },
  measureVolts: { send: 'MEAS:VOLT?' },
  measureAmps: { send: 'MEAS:CURR?' },
  currentLimited: { send: 'SOUR:VOLT:ILIM:TRIP?', yes: /^1$/, no: /^0$/ },
  protection: {
    overVolts: null,
    overAmps: null,
    tripped: [{ what: 'OVP', ask: { send: 'SOUR:VOLT:PROT:TRIP?', yes: /^1$/, no: /^0$/ } }],
  },
  list: {
    before: ['ABOR'],
    each: null,
    firstIndex: 1,
    all: ['SOUR:LIST:VOLT {volts*}', 'SOUR:SWE:VOLT:LIST 1,{seconds},{repeats}'],
    repeats: '{repeats}',
    forever: '0',
    start: ['INIT'],
    stop: ['ABOR'],
  },
};
