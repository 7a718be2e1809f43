import type { TextCommands } from '../text/commands.js';
import { NAMED_SCPI } from './scpi.js';

const MAKERS = '^(Keysight Technologies|Agilent Technologies|HEWLETT-PACKARD)';

const TRIPPED = [{ what: 'OVP', ask: { send: 'VOLT:PROT:TRIP?', yes: /^1$/, no: /^0$/ } }];

/**
 * Keysight E3631A to E3649A over RS-232. Facts: E3632A and E3644A user's guides. 9600 baud, two stop bits, DTR/DSR; refuses
 * everything in local mode, hence SYST:REM first. Control-C clears the interface. The input buffer holds about 100
 * characters, which one command at a time never fills.
 */
export const KEYSIGHT_E36XXA_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'keysight-e36xxa',
  name: 'a Keysight E363xA or E364xA',
  wake: '\u0003\n',
  prepare: ['SYST:REM'],
  identify: { ...NAMED_SCPI.identify, expects: new RegExp(`${MAKERS} E36[34]\\dA$`, 'i') },
  protection: { overVolts: ['VOLT:PROT {value}', 'VOLT:PROT:STAT ON'], overAmps: null, tripped: TRIPPED },
};

/**
 * Keysight E36300 series, output 1. Facts: libsigrok's table of that series (tried by its author on an E36312A), pymeasure.
 */
export const KEYSIGHT_E36300_COMMANDS: TextCommands = {
  ...NAMED_SCPI,
  id: 'keysight-e36300',
  name: 'a Keysight E36300',
  prepare: ['INST:NSEL 1'],
  identify: { ...NAMED_SCPI.identify, expects: new RegExp(`${MAKERS} E363\\d\\dA$`, 'i') },
  setVolts: { send: 'VOLT {value},(@1)' },
  setAmps: { send: 'CURR {value},(@1)' },
  readVolts: { send: 'VOLT? (@1)' },
  readAmps: { send: 'CURR? (@1)' },
  outputOn: ['OUTP 1,(@1)'],
  outputOff: ['OUTP 0,(@1)'],
  outputState: { send: 'OUTP? (@1)', yes: /^1$/, no: /^0$/ },
  measureVolts: { send: 'MEAS:VOLT? (@1)' },
  measureAmps: { send: 'MEAS:CURR? (@1)' },
  protection: {
    overVolts: ['VOLT:PROT {value},(@1)'],
    overAmps: ['CURR:PROT:STAT 1,(@1)'],
    tripped: [
      { what: 'OVP', ask: { send: 'VOLT:PROT:TRIP? (@1)', yes: /^1$/, no: /^0$/ } },
      { what: 'OCP', ask: { send: 'CURR:PROT:TRIP? (@1)', yes: /^1$/, no: /^0$/ } },
    ],
  },
};

/**
 * Keysight N6700/N6705 mainframe, output 1. Facts: N6705C Operating and Service Guide pp. 296-297 (LIST: 512 steps, 0 to
 * 262.144 s, count 1 to 4096 or INFinity). After the last step the output stays where the list leaves it: LIST:TERM:LAST ON.
 */
export const KEYSIGHT_N6700_COMMANDS: TextCommands = {
  ...KEYSIGHT_E36300_COMMANDS,
  id: 'keysight-n6700',
  name: 'a Keysight N6700 or N6705',
  prepare: [],
  identify: { ...NAMED_SCPI.identify, expects: new RegExp(`${MAKERS} N67\\d\\d[ABC]$`, 'i') },
  protection: {
    overVolts: ['VOLT:PROT {value},(@1)'],
    overAmps: ['CURR:PROT:STAT 1,(@1)'],
    // Bit 0 of the questionable status of output 1 is over-voltage, bit 1 over-current.
    tripped: [
      { what: 'OVP', ask: { send: 'STAT:QUES:COND? (@1)', bit: 0, of: 'decimal' } },
      { what: 'OCP', ask: { send: 'STAT:QUES:COND? (@1)', bit: 1, of: 'decimal' } },
    ],
  },
  list: {
    before: ['ABOR:TRAN (@1)', 'VOLT:MODE LIST,(@1)', 'CURR:MODE LIST,(@1)'],
    each: null,
    firstIndex: 0,
    all: [
      'LIST:VOLT {volts*},(@1)',
      'LIST:CURR {amps*},(@1)',
      'LIST:DWEL {seconds*},(@1)',
      'LIST:COUN {repeats},(@1)',
      'LIST:STEP AUTO,(@1)',
      'LIST:TERM:LAST ON,(@1)',
      'TRIG:TRAN:SOUR BUS,(@1)',
    ],
    repeats: '{repeats}',
    forever: 'INF',
    start: ['INIT:TRAN (@1)', '*TRG'],
    stop: ['ABOR:TRAN (@1)', 'VOLT:MODE FIX,(@1)', 'CURR:MODE FIX,(@1)'],
  },
};
