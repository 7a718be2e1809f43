import type { TextCommands } from '../text/commands.js';
import { NAMED_SCPI } from './scpi.js';

/**
 * Siglent SPD3303X and SPD1000X, channel 1. Facts: pymeasure's siglent_spdbase (status bits: 0 constant current, 4 output
 * 1), SPD3303X user manual. No protection over SCPI; the timer has five steps. LAN: raw socket 5025, USB: USBTMC.
 */
export const SIGLENT_SPD_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'siglent-spd',
  name: 'a Siglent SPD',
  prepare: ['INST CH1'],
  identify: { ...NAMED_SCPI.identify, expects: /^Siglent Technologies SPD\d{4}X/i },
  clear: null,
  setVolts: { send: 'CH1:VOLT {value}' },
  setAmps: { send: 'CH1:CURR {value}' },
  readVolts: { send: 'CH1:VOLT?' },
  readAmps: { send: 'CH1:CURR?' },
  outputOn: ['OUTP CH1,ON'],
  outputOff: ['OUTP CH1,OFF'],
  outputState: { send: 'SYST:STAT?', bit: 4, of: 'hexadecimal' },
  measureVolts: { send: 'MEAS:VOLT? CH1' },
  measureAmps: { send: 'MEAS:CURR? CH1' },
  currentLimited: { send: 'SYST:STAT?', bit: 0, of: 'hexadecimal' },
  protection: null,
  list: {
    before: ['TIME CH1,OFF'],
    each: 'TIME:SET CH1,{index},{volts},{amps},{seconds}',
    firstIndex: 1,
    all: [],
    repeats: '{repeats}',
    forever: '1',
    start: ['TIME CH1,ON'],
    stop: ['TIME CH1,OFF'],
  },
};
