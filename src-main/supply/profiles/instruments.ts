import type { SupplyProfile } from './profile.js';

const scpi = {
  link: { baudRate: 9600, stopBits: 1, tcpPort: 5025 },
  replySeconds: 1,
  commandSeconds: 0.02,
  slewVoltsPerSecond: null,
  readingsPerSecond: 10,
  currentLimit: 'settable',
  confirmsOff: true,
  list: null,
} as const;

const korad = {
  driver: 'korad',
  link: { baudRate: 9600, stopBits: 1, tcpPort: null },
  replySeconds: 0.5,
  commandSeconds: 0.02,
  slewVoltsPerSecond: null,
  // Two questions, 80 ms of silence before each.
  readingsPerSecond: 5,
  currentLimit: 'settable',
  confirmsOff: true,
  list: null,
} as const;

/** Two commands and their two checks, with 80 ms between all of them and some time for the replies. */
const KORAD_STEP_SECONDS = 0.4;

const modbus = {
  replySeconds: 0.3,
  commandSeconds: 0.02,
  slewVoltsPerSecond: null,
  readingsPerSecond: 10,
  currentLimit: 'settable',
  confirmsOff: true,
  list: null,
} as const;

const dps = {
  ...modbus,
  driver: 'rdtech-dps',
  link: { baudRate: 9600, stopBits: 1, tcpPort: null },
} as const;

const riden = {
  ...modbus,
  driver: 'riden-rd60xx',
  link: { baudRate: 115_200, stopBits: 1, tcpPort: null },
  readingsPerSecond: 25,
} as const;

const ppk2 = {
  link: { baudRate: 115_200, stopBits: 1, tcpPort: null },
  limits: {
    minimumVolts: 0.8,
    maximumVolts: 5,
    maximumAmps: 1,
    minimumStepSeconds: 0.005,
    voltsResolution: 0.001,
    ampsResolution: 0.000001,
  },
  replySeconds: 1,
  commandSeconds: 0.001,
  slewVoltsPerSecond: null,
  readingsPerSecond: 100_000,
  currentLimit: 'software',
  confirmsOff: false,
  list: null,
} as const;

const rigolTimer = {
  maximumSteps: 2048,
  minimumSeconds: 1,
  maximumSeconds: 99_999,
  secondsResolution: 1,
  maximumRepeats: 99_999,
  uniform: false,
};

/** What the bench knows about instruments that people own. None of these figures was measured by us. */
export const INSTRUMENT_PROFILES: readonly SupplyProfile[] = [
  {
    ...korad,
    id: 'korad-ka3005p',
    name: 'Korad KA3005P, 30 V 5 A (also Tenma 72-2540, Velleman, RND)',
    limits: {
      maximumVolts: 31,
      maximumAmps: 5.1,
      minimumStepSeconds: KORAD_STEP_SECONDS,
      voltsResolution: 0.01,
      ampsResolution: 0.001,
    },
    source:
      'ranges and steps: libsigrok korad-kaxxxxp; 80 ms between messages: the same; step time from that',
  },
  {
    ...korad,
    id: 'korad-ka6003p',
    name: 'Korad KA6003P, 60 V 3 A (also Tenma 72-2550)',
    limits: {
      maximumVolts: 61,
      maximumAmps: 3.1,
      minimumStepSeconds: KORAD_STEP_SECONDS,
      voltsResolution: 0.01,
      ampsResolution: 0.001,
    },
    source: 'ranges and steps: libsigrok korad-kaxxxxp (TENMA 72-2550)',
  },
  {
    ...scpi,
    id: 'rigol-dp832',
    name: 'Rigol DP832, channel 1, 30 V 3 A',
    driver: 'rigol-dp800',
    limits: {
      maximumVolts: 32,
      maximumAmps: 3.2,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.01,
      ampsResolution: 0.001,
    },
    link: { ...scpi.link, tcpPort: 5555 },
    list: rigolTimer,
    source:
      'DP800 Programming Guide: timer 2048 groups of 1 to 99999 s; ranges: libsigrok; step time: two commands, error queue ' +
      'and read-back at 20 ms each',
  },
  {
    ...scpi,
    id: 'rigol-dp832a',
    name: 'Rigol DP832A, channel 1, 30 V 3 A, fine resolution',
    driver: 'rigol-dp800',
    limits: {
      maximumVolts: 32,
      maximumAmps: 3.2,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.001,
      ampsResolution: 0.001,
    },
    link: { ...scpi.link, tcpPort: 5555 },
    list: rigolTimer,
    source: 'as DP832; resolution: Rigol data sheet (A models)',
  },
  {
    ...scpi,
    id: 'keysight-e3644a',
    name: 'Keysight E3644A, 8 V 8 A range',
    driver: 'keysight-e36xxa',
    limits: {
      maximumVolts: 8.24,
      maximumAmps: 8.24,
      minimumStepSeconds: 0.5,
      voltsResolution: 0.001,
      ampsResolution: 0.001,
    },
    link: { baudRate: 9600, stopBits: 2, tcpPort: null },
    commandSeconds: 0.05,
    readingsPerSecond: 5,
    source:
      "E3644A user's guide: RS-232 9600 8N2 with DTR/DSR, under 50 ms a command; step: five exchanges at 9600 baud",
  },
  {
    ...scpi,
    id: 'keysight-e36312a',
    name: 'Keysight E36312A, output 1, 6 V 5 A',
    driver: 'keysight-e36300',
    limits: {
      maximumVolts: 6.18,
      maximumAmps: 5.15,
      minimumStepSeconds: 0.1,
      voltsResolution: 0.001,
      ampsResolution: 0.001,
    },
    source:
      'ranges as libsigrok read them from an instrument; limits of its list: not found, so that it is not offered',
  },
  {
    ...scpi,
    id: 'keysight-n6705',
    name: 'Keysight N6705 or N6700, output 1, 20 V 5 A module',
    driver: 'keysight-n6700',
    limits: {
      maximumVolts: 20.4,
      maximumAmps: 5.1,
      minimumStepSeconds: 0.05,
      voltsResolution: 0.001,
      ampsResolution: 0.001,
    },
    commandSeconds: 0.005,
    readingsPerSecond: 20,
    list: {
      maximumSteps: 512,
      minimumSeconds: 0.001,
      maximumSeconds: 262.144,
      secondsResolution: 0.001,
      maximumRepeats: Infinity,
      uniform: false,
    },
    source:
      'N6705C Operating and Service Guide pp. 296-297: 512 steps, 0 to 262.144 s, count 1 to 4096 or infinite; 1 ms is the ' +
      'resolution of the whole range and what most modules settle in; ranges are of an N6733B class module, check yours',
  },
  {
    ...scpi,
    id: 'rs-hmp4040',
    name: 'Rohde & Schwarz HMP4040, output 1, 32 V 10 A',
    driver: 'rs-hmp',
    limits: {
      maximumVolts: 32.05,
      maximumAmps: 10.01,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.001,
      ampsResolution: 0.0002,
    },
    list: {
      maximumSteps: 128,
      // pymeasure says 0.06 to 10 s, the manual (from memory) 0.01 to 60 s: what both allow.
      minimumSeconds: 0.06,
      maximumSeconds: 10,
      secondsResolution: 0.01,
      maximumRepeats: 255,
      uniform: false,
    },
    source:
      'ranges: libsigrok; list: pymeasure rohdeschwarz/hmp (128 points, 0.06 to 10 s, repeats 0 to 255)',
  },
  {
    ...scpi,
    id: 'siglent-spd3303x',
    name: 'Siglent SPD3303X, channel 1, 32 V 3.2 A',
    driver: 'siglent-spd',
    limits: {
      maximumVolts: 32,
      maximumAmps: 3.2,
      minimumStepSeconds: 0.2,
      voltsResolution: 0.001,
      ampsResolution: 0.001,
    },
    link: { baudRate: null, stopBits: 1, tcpPort: 5025 },
    list: {
      maximumSteps: 5,
      minimumSeconds: 1,
      maximumSeconds: 10_000,
      secondsResolution: 1,
      maximumRepeats: 1,
      uniform: false,
    },
    source: 'SPD3303X user manual: timer of five groups; whole seconds assumed (carefully)',
  },
  {
    ...scpi,
    id: 'keithley-2280s-32-6',
    name: 'Keithley 2280S-32-6, 32 V 6 A',
    driver: 'keithley-2280s',
    limits: {
      maximumVolts: 32,
      maximumAmps: 6.1,
      minimumStepSeconds: 0.1,
      voltsResolution: 0.001,
      ampsResolution: 0.0001,
    },
    link: { baudRate: null, stopBits: 1, tcpPort: 5025 },
    source:
      '2280S data sheet for ranges; resolution chosen coarser than the instrument; list not offered (see its table)',
  },
  {
    ...scpi,
    id: 'keithley-2450',
    name: 'Keithley 2450 SourceMeter, 20 V 1 A',
    driver: 'keithley-2450',
    limits: {
      maximumVolts: 21,
      maximumAmps: 1.05,
      minimumStepSeconds: 0.1,
      voltsResolution: 0.0005,
      ampsResolution: 0.00001,
    },
    link: { baudRate: null, stopBits: 1, tcpPort: 5025 },
    readingsPerSecond: 10,
    list: {
      maximumSteps: 100,
      minimumSeconds: 0.001,
      maximumSeconds: 10_000,
      secondsResolution: 0.0001,
      maximumRepeats: Infinity,
      uniform: true,
    },
    source:
      '2450 Reference Manual section 6: source list of 100 points with one delay; ranges: its data sheet, 20 V range',
  },
  {
    ...dps,
    id: 'rdtech-dps5005',
    name: 'RDTech DPS5005, 50 V 5 A',
    limits: {
      maximumVolts: 50,
      maximumAmps: 5.1,
      minimumStepSeconds: 0.25,
      voltsResolution: 0.01,
      ampsResolution: 0.001,
    },
    source:
      'libsigrok rdtech-dps: registers and ranges; step: four exchanges of 16 bytes at 9600 baud with their silences',
  },
  {
    ...dps,
    id: 'rdtech-dps5015',
    name: 'RDTech DPS5015, 50 V 15 A',
    limits: {
      maximumVolts: 50,
      maximumAmps: 15,
      minimumStepSeconds: 0.25,
      voltsResolution: 0.01,
      ampsResolution: 0.01,
    },
    source:
      'libsigrok rdtech-dps: registers and ranges; step: four exchanges of 16 bytes at 9600 baud with their silences',
  },
  {
    ...riden,
    id: 'riden-rd6006',
    name: 'Riden RD6006, 60 V 6 A',
    limits: {
      maximumVolts: 60,
      maximumAmps: 6,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.01,
      ampsResolution: 0.001,
    },
    source:
      'ShayBox/Riden: registers and scales; step: four exchanges of 16 bytes at 115200 baud with their silences',
  },
  {
    ...riden,
    id: 'riden-rd6006p',
    name: 'Riden RD6006P, 60 V 6 A, fine resolution',
    limits: {
      maximumVolts: 60,
      maximumAmps: 6,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.001,
      ampsResolution: 0.0001,
    },
    source:
      'ShayBox/Riden: registers and scales; step: four exchanges of 16 bytes at 115200 baud with their silences',
  },
  {
    ...riden,
    id: 'riden-rd6012',
    name: 'Riden RD6012, 60 V 12 A',
    limits: {
      maximumVolts: 60,
      maximumAmps: 12,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.01,
      ampsResolution: 0.01,
    },
    source:
      'ShayBox/Riden: registers and scales; step: four exchanges of 16 bytes at 115200 baud with their silences',
  },
  {
    ...riden,
    id: 'riden-rd6018',
    name: 'Riden RD6018, 60 V 18 A',
    limits: {
      maximumVolts: 60,
      maximumAmps: 18,
      minimumStepSeconds: 0.15,
      voltsResolution: 0.01,
      ampsResolution: 0.01,
    },
    source:
      'ShayBox/Riden: registers and scales; step: four exchanges of 16 bytes at 115200 baud with their silences',
  },
  {
    ...ppk2,
    id: 'nordic-ppk2',
    name: 'Nordic PPK2 as source meter, 0.8 to 5 V, 1 A',
    driver: 'ppk2',
    source:
      'pc-nrfconnect-ppk: 800 to 5000 mV, 100,000 samples a second; step: one USB command and its read-back, power off and ' +
      'on alone are faster; its output cannot be asked for',
  },
  {
    ...ppk2,
    id: 'nordic-ppk2-ampere-meter',
    name: 'Nordic PPK2 as ampere meter in the line of another supply',
    driver: 'ppk2-ampere-meter',
    source:
      'as the source meter; the voltage is that of the other supply, which the calibration needs to know',
  },
];
