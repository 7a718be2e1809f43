/**
 * The wire between the terminals of an emulated supply and an emulated board in another program, as lines of JSON over TCP:
 * the supply says what it gives, the board what it takes. Electrically, not a protocol of any instrument.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { InputError, RunError } from '../common/errors.js';
import type { ElectricLoad, Instrument } from '../supply/virtual/instrument.js';

/** What the supply gives: volts and most amperes; both 0 while its output is off. */
const Source = z.object({ volts: z.number().min(0), amps: z.number().min(0) });
/** What hangs on its terminals, as the resistance that would take as much. */
const Load = z.object({ ohms: z.number().positive() });

export type WireSource = z.infer<typeof Source>;

/** How often the supply's end looks whether its output has changed. */
const PERIOD_MILLISECONDS = 1;
/** Nothing connected. */
const OPEN_OHMS = 1e9;

/**
 * The supply's end: one board may be connected, and becomes the instrument's load.
 *
 * @throws InputError when the TCP port cannot be had
 */
export async function serveTerminals(
  instrument: Instrument,
  load: ElectricLoad,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let told = '';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      load.ohms = OPEN_OHMS;
    });
    told = '';
    createInterface({ input: socket }).on('line', (line) => {
      load.ohms = Load.parse(JSON.parse(line)).ohms;
    });
  });
  const timer = setInterval(() => {
    const { on, volts, amps } = instrument.terminals;
    const line = JSON.stringify((on ? { volts, amps } : { volts: 0, amps: 0 }) satisfies WireSource);
    if (line !== told && sockets.size > 0) {
      told = line;
      sockets.forEach((socket) => socket.write(`${line}\n`));
    }
  }, PERIOD_MILLISECONDS);
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    clearInterval(timer);
    throw new InputError({
      code: 'terminals-port',
      place: `127.0.0.1:${port}`,
      message: `the terminals cannot be offered there: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Choose another TCP port, or 0 for any free one',
      cause,
    });
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      clearInterval(timer);
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Terminals {
  /** What the board takes at this instant. */
  tell(taken: { volts: number; amps: number }): void;
  close(): void;
}

/**
 * The board's end. A wire that breaks gives nothing any more.
 *
 * @throws RunError when nobody offers terminals there
 */
export async function connectTerminals(
  { host, port }: { host: string; port: number },
  onSource: (source: WireSource) => void,
): Promise<Terminals> {
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new RunError({
      code: 'terminals',
      place: `${host}:${port}`,
      message: `there are no terminals of a supply (${cause instanceof Error ? cause.message : String(cause)})`,
      remedy: 'Start the supply first: brownout virtual-supply --driver NAME --terminals PORT',
      cause,
    });
  }
  socket.on('error', () => socket.destroy());
  socket.on('close', () => onSource({ volts: 0, amps: 0 }));
  createInterface({ input: socket }).on('line', (line) => {
    onSource(Source.parse(JSON.parse(line)));
  });
  let told = NaN;
  return {
    tell: ({ volts, amps }) => {
      const ohms = amps > 0 ? Math.min(OPEN_OHMS, volts / amps) : OPEN_OHMS;
      if (Math.abs(ohms - told) > 1e-3 * told || Number.isNaN(told)) {
        told = ohms;
        socket.write(`${JSON.stringify({ ohms } satisfies z.infer<typeof Load>)}\n`);
      }
    },
    close: () => void socket.destroy(),
  };
}
