/** Finds out what instrument is at a port, with questions only: nothing sent here could switch an output on, on any of them. */
import type { Port } from '../common/port.js';
import type { SupplyIdentity } from './driver.js';
import { recognizeIdentity } from './drivers/index.js';
import { parseMetadata } from './drivers/ppk2/metadata.js';
import { KORAD_COMMANDS } from './drivers/tables/korad.js';
import { RDTECH_DPS_COMMANDS, RIDEN_COMMANDS } from './drivers/tables/rdtech.js';
import { SCPI_IDENTITY } from './drivers/tables/scpi.js';
import { crcFits, frame, high, low } from './modbus-frame.js';
import { PPK2 } from './ppk2-protocol.js';

export interface ProbeFinding {
  /** Null for a SCPI instrument that no table is made for: the driver `scpi` may do. */
  driver: string | null;
  identity: SupplyIdentity;
}

/** One question: what is sent at which rate, and what an answer means. */
export interface Probe {
  name: string;
  /** Of a serial line; null where any will do, as on USB CDC and in the network. */
  baudRate: number | null;
  /** Messages with silence after each. */
  send: readonly Uint8Array[];
  read: (reply: Uint8Array) => ProbeFinding | null;
}

const text = (letters: string): Uint8Array => Buffer.from(letters, 'latin1');
const letters = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function identityOf(groups: Record<string, string | undefined>): SupplyIdentity {
  const field = (name: string) => (groups[name] ?? '').trim();
  return {
    manufacturer: field('manufacturer'),
    model: field('model'),
    serial: field('serial'),
    firmware: field('firmware'),
  };
}

function modbus(commands: typeof RIDEN_COMMANDS, baudRate: number): Probe {
  const { register, count, scale, serial, firmware } = commands.identity;
  return {
    name: commands.name,
    baudRate,
    send: [frame(commands.address, 3, high(register), low(register), high(count), low(count))],
    read: (reply) => {
      if (reply.length !== 5 + 2 * count || !crcFits(reply) || reply[1] !== 3) return null;
      const registers = Array.from(
        { length: count },
        (_, index) => (reply[3 + 2 * index] << 8) | reply[4 + 2 * index],
      );
      const found = scale(registers);
      return found === null
        ? null
        : {
            driver: commands.id,
            identity: {
              manufacturer: commands.manufacturer,
              model: found.model,
              serial: serial?.(registers) ?? '',
              firmware: firmware(registers),
            },
          };
    },
  };
}

const KORAD: Probe = {
  name: 'Korad',
  baudRate: 9600,
  send: [text('*IDN?')],
  read: (reply) => {
    const groups = KORAD_COMMANDS.identify.pattern.exec(letters(reply))?.groups;
    return groups === undefined ? null : { driver: 'korad', identity: identityOf(groups) };
  },
};

const SCPI: Probe = {
  name: 'SCPI',
  baudRate: 9600,
  // The first line ends whatever a program before has left half sent.
  send: [text('\n'), text('*IDN?\n')],
  read: (reply) => {
    const line = letters(reply)
      .split('\n')
      .map((each) => each.trim())
      .find((each) => SCPI_IDENTITY.test(each));
    const groups = SCPI_IDENTITY.exec(line ?? '')?.groups;
    if (groups === undefined) return null;
    const identity = identityOf(groups);
    return { driver: recognizeIdentity(identity), identity };
  },
};

const PPK2_PROBE: Probe = {
  name: 'Nordic PPK2',
  baudRate: null,
  send: [Uint8Array.of(PPK2.averageStop), Uint8Array.of(PPK2.getMetadata)],
  read: (reply) => {
    const metadata = parseMetadata(letters(reply));
    return metadata === null
      ? null
      : {
          driver: 'ppk2',
          identity: {
            manufacturer: 'Nordic Semiconductor',
            model: 'PPK2',
            serial: '',
            firmware: `hardware ${metadata.hardware}`,
          },
        };
  },
};

/** In the order in which they are tried: Korad before SCPI, since a line feed would be part of its next message. */
export const PROBES: readonly Probe[] = [
  KORAD,
  SCPI,
  modbus(RDTECH_DPS_COMMANDS, 9600),
  modbus(RIDEN_COMMANDS, 115_200),
  PPK2_PROBE,
];

/** An answer is whole when the line has been silent for so long. */
const SILENCE_SECONDS = 0.15;
/** Longest wait for its beginning. */
const ANSWER_SECONDS = 0.5;
const MAXIMUM_ANSWER_BYTES = 8192;

/** Asks one question. @throws RunError when the port is gone */
export async function probe(port: Port, { send, read }: Probe): Promise<ProbeFinding | null> {
  let reply: Uint8Array = new Uint8Array();
  for (const [index, message] of send.entries()) {
    await port.write(message);
    const last = index === send.length - 1;
    reply = await answer(port, last ? ANSWER_SECONDS : SILENCE_SECONDS);
  }
  return read(reply);
}

async function answer(port: Port, seconds: number): Promise<Uint8Array> {
  const received: Uint8Array[] = [];
  let length = 0;
  for (let patience = seconds; length < MAXIMUM_ANSWER_BYTES; patience = SILENCE_SECONDS) {
    const bytes = await port.read(patience);
    if (bytes.length === 0) break;
    received.push(bytes);
    length += bytes.length;
  }
  return new Uint8Array(Buffer.concat(received));
}
