import type { TextCommands } from '../text/commands.js';

/**
 * Korad KA/KD and its relabelled kin (Tenma, Velleman, RND, Stamos). Facts: sigrok.org wiki "Korad KAxxxxP series" and
 * libsigrok's list of identities. 9600 baud; no terminators, replies of fixed length; a message within 80 ms of the last
 * one is lost. `ISET1?` may be followed by a stray byte, the identity by 01 or BC. Of the status byte only the bits used
 * here are reliable; OVP and OCP have no level of their own.
 */
export const KORAD_COMMANDS: TextCommands = {
  id: 'korad',
  name: 'a Korad KA/KD or one of its kin',
  terminator: '',
  framing: 5,
  gapSeconds: 0.08,
  attempts: 3,
  wake: null,
  prepare: [],
  identify: {
    send: '*IDN?',
    framing: 'silence',
    pattern:
      /^(?<manufacturer>KORAD|TENMA|VELLEMAN|RND|S-LS)[ -]?(?<model>[A-Z0-9-]*?) ?V(?<firmware>\d+\.\d+)(?: SN:(?<serial>\w+))?\W?$/,
    expects: /./,
  },
  setVolts: { send: 'VSET1:{value}', width: 5 },
  setAmps: { send: 'ISET1:{value}', width: 5 },
  readVolts: { send: 'VSET1?', pattern: /^(\d\d\.\d\d)$/ },
  readAmps: { send: 'ISET1?', pattern: /^(\d\.\d\d\d)$/ },
  outputOn: ['OUT1'],
  outputOff: ['OUT0'],
  outputState: { send: 'STATUS?', framing: 1, bit: 6, of: 'byte' },
  measureVolts: { send: 'VOUT1?', pattern: /^(\d\d\.\d\d)$/ },
  measureAmps: { send: 'IOUT1?', pattern: /^(\d\.\d\d\d)$/ },
  currentLimited: { send: 'STATUS?', framing: 1, bit: 0, of: 'byte', yesWhen: 0 },
  nextError: null,
  clear: null,
  protection: { overVolts: ['OVP1'], overAmps: ['OCP1'], tripped: [] },
  list: null,
};
