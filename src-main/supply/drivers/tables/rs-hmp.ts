import type { TextCommands } from '../text/commands.js';
import { NAMED_SCPI } from './scpi.js';

/**
 * Rohde & Schwarz (HAMEG) HMP2020 to HMP4040, output 1. Facts: libsigrok's table, pymeasure's driver. An output gives
 * power only when it is selected and the general switch is on; off is done with both.
 */
export const RS_HMP_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'rs-hmp',
  name: 'a Rohde & Schwarz HMP',
  prepare: ['SYST:REM', 'INST:NSEL 1'],
  identify: { ...NAMED_SCPI.identify, expects: /^(ROHDE&SCHWARZ|HAMEG) HMP\d{4}$/i },
  outputOn: ['OUTP:SEL 1', 'OUTP:GEN 1'],
  outputOff: ['OUTP:GEN 0', 'OUTP:SEL 0'],
  outputState: { send: 'OUTP:STAT?', yes: /^1$/, no: /^0$/ },
  // Questionable status of output 1: bit 0 constant current, bit 1 constant voltage.
  currentLimited: { send: 'STAT:QUES:INST:ISUM1:COND?', bit: 0, of: 'decimal' },
  protection: {
    overVolts: ['VOLT:PROT:LEV {value}'],
    overAmps: ['FUSE:STAT 1'],
    tripped: [
      { what: 'OVP', ask: { send: 'VOLT:PROT:TRIP?', yes: /^1$/, no: /^0$/ } },
      { what: 'OCP', ask: { send: 'FUSE:TRIP?', yes: /^1$/, no: /^0$/ } },
    ],
  },
  list: {
    before: ['ARB:STOP 1', 'ARB:REP {repeats}'],
    each: null,
    firstIndex: 0,
    all: ['ARB:DATA {steps*}', 'ARB:TRAN 1'],
    repeats: '{repeats}',
    forever: '0',
    start: ['ARB:START 1'],
    stop: ['ARB:STOP 1'],
  },
};
