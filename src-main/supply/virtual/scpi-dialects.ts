import { parseBoolean } from './parameters.js';
import type { DialectCommand, ScpiCore, ScpiDialect } from './scpi-emulator.js';
import { ScpiFault } from './scpi-error.js';

/** Commands with the channel in the last parameter, `(@1)`: the channel's index and the parameters before it. */
function atChannel(core: ScpiCore, parameters: string[]): { channel: number; rest: string[] } {
  const match = /^\(@(\d)\)$/.exec(parameters.at(-1) ?? '');
  if (match === null) return { channel: core.selected, rest: parameters };
  return { channel: known(core, Number(match[1])), rest: parameters.slice(0, -1) };
}

/** Commands with the channel in the first parameter, `CH1`. */
function ofChannel(core: ScpiCore, parameters: string[]): { channel: number; rest: string[] } {
  const match = /^CH(\d)$/i.exec(parameters[0] ?? '');
  if (match === null) return { channel: core.selected, rest: parameters };
  return { channel: known(core, Number(match[1])), rest: parameters.slice(1) };
}

function known(core: ScpiCore, number: number): number {
  if (!(Number.isInteger(number) && number >= 1 && number <= core.channels.length)) throw new ScpiFault(-222);
  return number - 1;
}

function one(parameters: string[]): string {
  if (parameters.length < 1) throw new ScpiFault(-109);
  return parameters[0];
}

type Split = typeof atChannel;
type Write = (value: number) => string;

/** Set points and readings of SCPI-99, with channels named the way that `split` reads. */
function basics(
  split: Split,
  write: Write,
  unit: (text: string, symbol: 'V' | 'A') => string,
): DialectCommand[] {
  const set =
    (act: (core: ScpiCore, channel: number, text: string) => void) =>
    (core: ScpiCore, parameters: string[]) => {
      const { channel, rest } = split(core, parameters);
      act(core, channel, one(rest));
    };
  const ask =
    (answer: (core: ScpiCore, channel: number) => string) => (core: ScpiCore, parameters: string[]) =>
      answer(core, split(core, parameters).channel);
  const level = '[:LEVel][:IMMediate][:AMPLitude]';
  return [
    [`[:SOURce]:VOLTage${level}`, set((core, channel, text) => core.setVolts(channel, text))],
    [`[:SOURce]:VOLTage${level}?`, ask((core, channel) => unit(write(core.channels[channel].volts), 'V'))],
    [`[:SOURce]:CURRent${level}`, set((core, channel, text) => core.setAmps(channel, text))],
    [`[:SOURce]:CURRent${level}?`, ask((core, channel) => unit(write(core.channels[channel].amps), 'A'))],
    [
      'MEASure[:SCALar][:VOLTage][:DC]?',
      ask((core, channel) => unit(write(core.reading(channel).volts), 'V')),
    ],
    ['MEASure[:SCALar]:CURRent[:DC]?', ask((core, channel) => unit(write(core.reading(channel).amps), 'A'))],
    [
      'MEASure[:SCALar]:POWEr[:DC]?',
      ask((core, channel) => write(core.reading(channel).volts * core.reading(channel).amps)),
    ],
    ['INSTrument:NSELect', (core, parameters) => (core.selected = known(core, Number(one(parameters))))],
    ['INSTrument:NSELect?', (core) => String(core.selected + 1)],
  ];
}

function switches(split: Split, on: string, off: string): DialectCommand[] {
  return [
    [
      'OUTPut[:STATe]',
      (core, parameters) => {
        const { channel, rest } = split(core, parameters);
        core.channels[channel].on = parseBoolean(one(rest));
        return undefined;
      },
    ],
    ['OUTPut[:STATe]?', (core, parameters) => (core.channels[split(core, parameters).channel].on ? on : off)],
  ];
}

/** VOLT:PROT and CURR:PROT:STAT of SCPI-99. */
function protections(split: Split): DialectCommand[] {
  return [
    [
      '[:SOURce]:VOLTage:PROTection[:LEVel]',
      (core, parameters) => {
        const { channel, rest } = split(core, parameters);
        core.channels[channel].overVolts = core.level(one(rest), 'V');
        core.channels[channel].overVoltsOn = true;
        return undefined;
      },
    ],
    [
      '[:SOURce]:VOLTage:PROTection[:LEVel]?',
      (core, parameters) => core.channels[split(core, parameters).channel].overVolts.toFixed(3),
    ],
    [
      '[:SOURce]:VOLTage:PROTection:STATe',
      (core, parameters) => {
        const { channel, rest } = split(core, parameters);
        return (core.channels[channel].overVoltsOn = parseBoolean(one(rest)));
      },
    ],
    [
      '[:SOURce]:VOLTage:PROTection:TRIPped?',
      (core, parameters) => (core.channels[split(core, parameters).channel].tripped === 'OVP' ? '1' : '0'),
    ],
    [
      '[:SOURce]:CURRent:PROTection:STATe',
      (core, parameters) => {
        const { channel, rest } = split(core, parameters);
        const state = core.channels[channel];
        state.overAmpsOn = parseBoolean(one(rest));
        state.overAmps = state.amps * 0.999;
        return undefined;
      },
    ],
    [
      '[:SOURce]:CURRent:PROTection:TRIPped?',
      (core, parameters) => (core.channels[split(core, parameters).channel].tripped === 'OCP' ? '1' : '0'),
    ],
  ];
}

const plain = (text: string): string => text;
const fixed3 = (value: number): string => value.toFixed(3);
const fixed4 = (value: number): string => value.toFixed(4);
/** NR3 with eight decimals, as Keysight's newer ones answer. */
const scientific = (value: number): string => {
  const [mantissa, exponent] = value.toExponential(8).split('e');
  const sign = (text: string) => (text.startsWith('-') ? text : `+${text}`);
  return `${sign(mantissa)}E${exponent.startsWith('-') ? '-' : '+'}${exponent.slice(1).padStart(2, '0')}`;
};

function numbers(parameters: string[]): number[] {
  const values = parameters.map(Number);
  if (values.length === 0 || values.some((value) => !(value >= 0))) throw new ScpiFault(-104);
  return values;
}

function setList(core: ScpiCore, column: 'volts' | 'amps' | 'seconds', values: number[]): undefined {
  const maximum = column === 'volts' ? core.maximumVolts : column === 'amps' ? core.maximumAmps : Infinity;
  if (values.some((value) => value > maximum)) throw new ScpiFault(-222);
  if (values.length > 512) throw new ScpiFault(-223);
  const { steps } = core.list;
  core.list.steps = values.map((value, index) => ({
    ...(steps[index] ?? { volts: 0, amps: 0, seconds: 0.001 }),
    [column]: value,
  }));
  return undefined;
}

const RIGOL: ScpiDialect = {
  id: 'rigol-dp800',
  identity: 'RIGOL TECHNOLOGIES,DP832,DP8A000000001,00.01.16',
  channels: 3,
  maximumVolts: 32,
  maximumAmps: 3.2,
  voltsResolution: 0.001,
  ampsResolution: 0.001,
  commandSeconds: 0.02,
  needsRemote: false,
  lineEnd: '\n',
  noError: '0,"No error"',
  commands: [
    ...basics(ofChannel, fixed4, plain),
    ...switches(ofChannel, 'ON', 'OFF'),
    [
      'OUTPut:MODE?',
      (core, parameters) => (core.reading(ofChannel(core, parameters).channel).limited ? 'CC' : 'CV'),
    ],
    ...(['OVP', 'OCP'] as const).flatMap((what): DialectCommand[] => {
      const level = what === 'OVP' ? 'overVolts' : 'overAmps';
      const unit = what === 'OVP' ? 'V' : 'A';
      return [
        [
          `OUTPut:${what}:VALue`,
          (core, parameters) => {
            const { channel, rest } = ofChannel(core, parameters);
            core.channels[channel][level] = core.level(one(rest), unit);
            return undefined;
          },
        ],
        [
          `OUTPut:${what}:VALue?`,
          (core, parameters) => core.channels[ofChannel(core, parameters).channel][level].toFixed(3),
        ],
        [
          `OUTPut:${what}[:STATe]`,
          (core, parameters) => {
            const { channel, rest } = ofChannel(core, parameters);
            core.channels[channel][`${level}On`] = parseBoolean(one(rest));
            return undefined;
          },
        ],
        [
          `OUTPut:${what}[:STATe]?`,
          (core, parameters) =>
            core.channels[ofChannel(core, parameters).channel][`${level}On`] ? 'ON' : 'OFF',
        ],
        [
          `OUTPut:${what}:QUES?`,
          (core, parameters) =>
            core.channels[ofChannel(core, parameters).channel].tripped === what ? 'YES' : 'NO',
        ],
      ];
    }),
    ['SYSTem:BEEPer[:STATe]?', () => 'ON'],
    ['SYSTem:BEEPer[:STATe]', () => undefined],
    ['SYSTem:OTP?', () => 'ON'],
    ['SYSTem:OTP', () => undefined],
    [
      'TIMEr:GROUPs',
      (core, parameters) => {
        const [count] = numbers(parameters);
        if (count < 1 || count > 2048) throw new ScpiFault(-222);
        core.list.steps = Array.from({ length: count }, () => ({ volts: 1, amps: 1, seconds: 1 }));
        return undefined;
      },
    ],
    [
      'TIMEr:CYCLEs',
      (core, parameters) => {
        core.list.repeats = parameters[0] === 'I' ? Infinity : numbers(parameters.slice(1))[0];
        return undefined;
      },
    ],
    [
      'TIMEr:PARAmeter',
      (core, parameters) => {
        const [index, volts, amps, seconds] = numbers(parameters);
        if (!(index < core.list.steps.length) || volts > 32 || amps > 3.2 || seconds < 1) {
          throw new ScpiFault(-222);
        }
        core.list.steps[index] = { volts, amps, seconds };
        return undefined;
      },
    ],
    [
      'TIMEr[:STATe]',
      (core, parameters) => (parseBoolean(one(parameters)) ? core.startList() : core.stopList()),
    ],
  ],
};

const KEYSIGHT_E3644A: ScpiDialect = {
  id: 'keysight-e36xxa',
  identity: 'Agilent Technologies,E3644A,0,1.6-5.0-1.0',
  channels: 1,
  maximumVolts: 8.24,
  maximumAmps: 8.24,
  voltsResolution: 0.001,
  ampsResolution: 0.001,
  commandSeconds: 0.04,
  needsRemote: true,
  lineEnd: '\r\n',
  noError: '+0,"No error"',
  commands: [
    ...basics(atChannel, scientific, plain),
    ...switches(atChannel, '1', '0'),
    ...protections(atChannel),
  ],
};

const KEYSIGHT_E36312A: ScpiDialect = {
  ...KEYSIGHT_E3644A,
  id: 'keysight-e36300',
  identity: 'Keysight Technologies,E36312A,MY00000001,1.0.5-1.0.4-1.00',
  channels: 3,
  maximumVolts: 6.18,
  maximumAmps: 5.15,
  commandSeconds: 0.01,
  needsRemote: false,
  lineEnd: '\n',
};

const KEYSIGHT_N6705: ScpiDialect = {
  ...KEYSIGHT_E36312A,
  id: 'keysight-n6700',
  identity: 'Keysight Technologies,N6705C,MY00000002,E.02.07',
  channels: 4,
  maximumVolts: 20.4,
  maximumAmps: 5.1,
  commandSeconds: 0.002,
  commands: [
    ...KEYSIGHT_E36312A.commands,
    [
      'STATus:QUEStionable:CONDition?',
      (core, parameters) => {
        const { tripped } = core.channels[atChannel(core, parameters).channel];
        return tripped === 'OVP' ? '1' : tripped === 'OCP' ? '2' : '0';
      },
    ],
    ...(['VOLTage', 'CURRent'] as const).map((what): DialectCommand => [
      `[:SOURce]:${what}:MODE`,
      (_core, [mode]) => {
        if (!/^(LIST|FIX(ed)?)$/i.test(mode ?? '')) throw new ScpiFault(-224);
        return undefined;
      },
    ]),
    ['LIST:VOLTage', (core, parameters) => setList(core, 'volts', numbers(atChannel(core, parameters).rest))],
    ['LIST:CURRent', (core, parameters) => setList(core, 'amps', numbers(atChannel(core, parameters).rest))],
    ['LIST:DWELl', (core, parameters) => setList(core, 'seconds', numbers(atChannel(core, parameters).rest))],
    [
      'LIST:COUNt',
      (core, parameters) => {
        const [text] = atChannel(core, parameters).rest;
        core.list.repeats = /^INF/i.test(text) ? Infinity : numbers([text])[0];
        return undefined;
      },
    ],
    ['LIST:STEP', () => undefined],
    ['LIST:TERMinate:LAST', () => undefined],
    ['TRIGger:TRANsient:SOURce', () => undefined],
    ['INITiate:TRANsient', (core) => (core.remote = true)],
    // Armed by INIT:TRAN; without it a trigger is ignored.
    [
      '*TRG',
      (core) => {
        if (core.remote) core.startList();
      },
    ],
    [
      'ABORt:TRANsient',
      (core) => {
        core.remote = false;
        core.stopList();
      },
    ],
  ],
};

const RS_HMP4040: ScpiDialect = {
  ...RIGOL,
  id: 'rs-hmp',
  identity: 'ROHDE&SCHWARZ,HMP4040,000000001,HW50010000/SW2.50',
  channels: 4,
  maximumVolts: 32.05,
  maximumAmps: 10.01,
  voltsResolution: 0.001,
  ampsResolution: 0.0002,
  commands: [
    ...basics(atChannel, fixed4, plain),
    // Over all: off takes the power from every output, an output's own state stays.
    [
      'OUTPut[:STATe]',
      (core, parameters) => {
        core.channels[core.selected].on = parseBoolean(one(parameters));
        core.master ||= core.channels[core.selected].on;
        return undefined;
      },
    ],
    ['OUTPut[:STATe]?', (core) => (core.channels[core.selected].on && core.master ? '1' : '0')],
    [
      'OUTPut:SELect',
      (core, parameters) => (core.channels[core.selected].on = parseBoolean(one(parameters))),
    ],
    ['OUTPut:GENeral', (core, parameters) => (core.master = parseBoolean(one(parameters)))],
    ...protections(atChannel),
    [
      'FUSE[:STATe]',
      (core, parameters) => (core.channels[core.selected].overAmpsOn = parseBoolean(one(parameters))),
    ],
    ['FUSE:TRIPped?', (core) => (core.channels[core.selected].tripped === 'OCP' ? '1' : '0')],
    ...[1, 2, 3, 4].map((number): DialectCommand => [
      `STATus:QUEStionable:INSTrument:ISUMmary${number}:CONDition?`,
      (core) => (core.reading(number - 1).limited ? '1' : '2'),
    ]),
    [
      'ARBitrary:DATA',
      (core, parameters) => {
        const values = numbers(parameters);
        if (values.length % 3 !== 0 || values.length > 128 * 3) throw new ScpiFault(-109);
        core.list.steps = Array.from({ length: values.length / 3 }, (_, index) => ({
          volts: values[index * 3],
          amps: values[index * 3 + 1],
          seconds: values[index * 3 + 2],
        }));
        return undefined;
      },
    ],
    [
      'ARBitrary:REPetitions',
      (core, parameters) => {
        const [repeats] = numbers(parameters);
        core.list.repeats = repeats === 0 ? Infinity : repeats;
        return undefined;
      },
    ],
    ['ARBitrary:TRANsfer', () => undefined],
    ['ARBitrary:STARt', (core) => core.startList()],
    ['ARBitrary:STOP', (core) => core.stopList()],
  ],
};

const SIGLENT: ScpiDialect = {
  ...RIGOL,
  id: 'siglent-spd',
  identity: 'Siglent Technologies,SPD3303X,SPD00000000001,1.01.01.02.05,V3.0',
  noError: '0  No Error',
  commands: [
    ...basics(ofChannel, fixed3, plain),
    ...switches(ofChannel, 'ON', 'OFF'),
    ['INSTrument', (core, parameters) => (core.selected = ofChannel(core, parameters).channel)],
    // Its set points are addressed by the channel in front.
    ['CH:VOLTage', (core, parameters) => core.setVolts(0, one(parameters))],
    ['CH:VOLTage?', (core) => fixed3(core.channels[0].volts)],
    ['CH:CURRent', (core, parameters) => core.setAmps(0, one(parameters))],
    ['CH:CURRent?', (core) => fixed3(core.channels[0].amps)],
    [
      'SYSTem:STATus?',
      (core) => `0x${((core.reading(0).limited ? 1 : 0) | (core.channels[0].on ? 0x10 : 0)).toString(16)}`,
    ],
    [
      'TIMEr:SET',
      (core, parameters) => {
        const [index, volts, amps, seconds] = numbers(ofChannel(core, parameters).rest);
        if (index < 1 || index > 5 || volts > 32 || amps > 3.2) throw new ScpiFault(-222);
        core.list.steps[index - 1] = { volts, amps, seconds };
        core.list.repeats = 1;
        return undefined;
      },
    ],
    [
      'TIMEr[:STATe]',
      (core, parameters) =>
        parseBoolean(one(ofChannel(core, parameters).rest)) ? core.startList() : core.stopList(),
    ],
  ],
};

const KEITHLEY_2280S: ScpiDialect = {
  ...KEYSIGHT_E36312A,
  id: 'keithley-2280s',
  identity: 'KEITHLEY INSTRUMENTS,MODEL 2280S-32-6,4000001,01.08b',
  channels: 1,
  maximumVolts: 32,
  maximumAmps: 6.1,
  voltsResolution: 0.0001,
  ampsResolution: 0.0001,
  noError: '0,"No error"',
  commands: [
    ...basics(atChannel, scientific, (text, symbol) => `${text}${symbol}`),
    ...switches(atChannel, '1', '0'),
    ...protections(atChannel),
    [
      'CURRent:PROTection[:LEVel]',
      (core, parameters) => {
        Object.assign(core.channels[0], { overAmps: core.level(one(parameters), 'A'), overAmpsOn: true });
        return undefined;
      },
    ],
  ],
};

const KEITHLEY_2450: ScpiDialect = {
  ...KEITHLEY_2280S,
  id: 'keithley-2450',
  identity: 'KEITHLEY INSTRUMENTS,MODEL 2450,04000002,1.7.3c',
  maximumVolts: 21,
  maximumAmps: 1.05,
  voltsResolution: 0.0005,
  ampsResolution: 0.00001,
  commands: [
    ...basics(atChannel, scientific, plain),
    ...switches(atChannel, '1', '0'),
    ['SOURce:FUNCtion', () => undefined],
    ['SOURce:VOLTage:READ:BACK', () => undefined],
    ['SOURce:VOLTage:ILIMit', (core, parameters) => core.setAmps(0, one(parameters))],
    ['SOURce:VOLTage:ILIMit?', (core) => scientific(core.channels[0].amps)],
    ['SOURce:VOLTage:ILIMit:TRIPped?', (core) => (core.reading(0).limited ? '1' : '0')],
    ['SOURce:VOLTage:PROTection:TRIPped?', () => '0'],
    ['SOURce:LIST:VOLTage', (core, parameters) => setList(core, 'volts', numbers(parameters).slice(0, 101))],
    [
      'SOURce:SWEep:VOLTage:LIST',
      (core, parameters) => {
        const [, seconds, repeats] = numbers(parameters);
        core.list.steps.forEach((step) => Object.assign(step, { seconds, amps: core.channels[0].amps }));
        core.list.repeats = repeats === 0 ? Infinity : repeats;
        return undefined;
      },
    ],
    ['INITiate', (core) => core.startList()],
    ['ABORt', (core) => core.stopList()],
  ],
};

export const SCPI_DIALECTS: readonly ScpiDialect[] = [
  RIGOL,
  KEYSIGHT_E3644A,
  KEYSIGHT_E36312A,
  KEYSIGHT_N6705,
  RS_HMP4040,
  SIGLENT,
  KEITHLEY_2280S,
  KEITHLEY_2450,
];
