import type { TextCommands } from '../text/commands.js';
import { NAMED_SCPI, ON_OR_OFF } from './scpi.js';

/**
 * Rigol DP800, channel 1. Facts: DP800 Programming Guide (OUTPut, TIMEr subsystems). Booleans come as ON and OFF; the
 * timer holds 2048 groups of at least 1 s, and belongs to the selected channel.
 */
export const RIGOL_DP800_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'rigol-dp800',
  name: 'a Rigol DP800',
  prepare: ['SYST:REM', ':INST:NSEL 1'],
  identify: { ...NAMED_SCPI.identify, expects: /^RIGOL TECHNOLOGIES DP8\d\dA?$/i },
  setVolts: { send: ':SOUR:VOLT {value}' },
  setAmps: { send: ':SOUR:CURR {value}' },
  readVolts: { send: ':SOUR:VOLT?' },
  readAmps: { send: ':SOUR:CURR?' },
  outputOn: [':OUTP CH1,ON'],
  outputOff: [':OUTP CH1,OFF'],
  outputState: { send: ':OUTP? CH1', ...ON_OR_OFF },
  measureVolts: { send: ':MEAS:VOLT? CH1' },
  measureAmps: { send: ':MEAS:CURR? CH1' },
  currentLimited: { send: ':OUTP:MODE? CH1', yes: /^CC$/, no: /^(CV|UR)$/ },
  protection: {
    overVolts: [':OUTP:OVP:VAL CH1,{value}', ':OUTP:OVP CH1,ON'],
    overAmps: [':OUTP:OCP:VAL CH1,{value}', ':OUTP:OCP CH1,ON'],
    tripped: [
      { what: 'OVP', ask: { send: ':OUTP:OVP:QUES? CH1', yes: /^(YES|1)$/, no: /^(NO|0)$/ } },
      { what: 'OCP', ask: { send: ':OUTP:OCP:QUES? CH1', yes: /^(YES|1)$/, no: /^(NO|0)$/ } },
    ],
  },
  list: {
    before: [':TIME OFF', ':TIME:GROUP {count}', ':TIME:CYCLE {repeats}'],
    each: ':TIME:PARA {index},{volts},{amps},{seconds}',
    firstIndex: 0,
    all: [],
    repeats: 'N,{repeats}',
    forever: 'I',
    start: [':TIME ON'],
    stop: [':TIME OFF'],
  },
};
