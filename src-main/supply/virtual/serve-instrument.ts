import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, RunError } from '../../common/errors.js';
import type { Instrument } from './instrument.js';

export interface InstrumentServer {
  /** What to give to `--port`: `tcp:127.0.0.1:5025` or the path of the pseudo-terminal. */
  address: string;
  /** Rejects when the line breaks for good; resolves when it is closed. */
  done: Promise<void>;
  close(): Promise<void>;
}

/** Plays an instrument on wall time to whoever is connected. */
class Player {
  readonly #instrument: Instrument;
  readonly #send: (bytes: Uint8Array) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(instrument: Instrument, send: (bytes: Uint8Array) => void) {
    this.#instrument = instrument;
    this.#send = send;
  }

  receive(bytes: Uint8Array): void {
    this.#instrument.receive(bytes, now());
    this.#turn();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #turn(): void {
    clearTimeout(this.#timer);
    const sent = this.#instrument.take(now());
    if (sent.length > 0) this.#send(sent);
    const next = this.#instrument.nextSeconds;
    if (next < Infinity) {
      this.#timer = setTimeout(() => this.#turn(), Math.max(0, (next - now()) * 1000));
    }
  }
}

function now(): number {
  return performance.now() / 1000;
}

/** On a TCP port of this machine; 0 takes any free one. @throws InputError `supply-port` when it cannot be had */
export async function serveInstrumentOnTcp(instrument: Instrument, port: number): Promise<InstrumentServer> {
  const host = '127.0.0.1';
  const sockets = new Set<Socket>();
  const player = new Player(instrument, (bytes) => sockets.forEach((socket) => socket.write(bytes)));
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => player.receive(bytes));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new InputError({
          code: 'supply-port',
          place: `${host}:${port}`,
          message: `the emulated supply cannot listen there: ${cause.message}`,
          remedy: 'Choose another TCP port, or 0 for any free one',
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const done = new Promise<void>((resolve) => server.once('close', () => resolve()));
  return {
    address: `tcp:${host}:${(server.address() as AddressInfo).port}`,
    done,
    close: async () => {
      player.stop();
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await done;
    },
  };
}

/**
 * On a pseudo-terminal that appears at `link`. Node cannot make one, so that socat does, a program that most Linux
 * distributions have.
 *
 * @throws InputError `supply-pty` when there is no socat or the link cannot be made
 */
export async function serveInstrumentOnPty(instrument: Instrument, link: string): Promise<InstrumentServer> {
  // ignoreeof and the held slave: programs come and go, the pseudo-terminal stays.
  const helper = spawn('socat', ['-b', '4096', `PTY,link=${link},raw,echo=0,ignoreeof`, 'STDIO'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const failed = new Promise<never>((_, reject) => {
    const refuse = (reason: string) =>
      reject(
        new InputError({
          code: 'supply-pty',
          place: link,
          message: `no pseudo-terminal could be made there: ${reason}`,
          remedy: 'Install socat and name a path that does not exist yet, or use --tcp',
        }),
      );
    helper.once('error', (error) => refuse(error.message));
    helper.once('exit', (code) => refuse(`socat ended with ${code ?? 'a signal'}`));
  });
  const ended = new Promise<void>((resolve) => helper.once('exit', () => resolve()));
  let closing = false;
  const done = ended.then(() => {
    if (!closing) {
      throw new RunError({
        code: 'supply-pty',
        place: link,
        message: 'the pseudo-terminal has gone, since socat ended',
        remedy: 'Start the emulated supply again',
      });
    }
  });
  done.catch(() => undefined);
  const player = new Player(instrument, (bytes) => helper.stdin.write(bytes));
  helper.stdin.on('error', () => undefined);
  helper.stdout.on('data', (bytes: Buffer) => player.receive(bytes));
  await Promise.race([appears(link), failed]);
  failed.catch(() => undefined);
  return {
    address: link,
    done,
    close: async () => {
      closing = true;
      player.stop();
      helper.kill();
      await ended;
    },
  };
}

async function appears(path: string): Promise<void> {
  for (let waited = 0; waited < 3000; waited += 20) {
    try {
      await access(path);
      return;
    } catch {
      await sleep(20);
    }
  }
  throw new InputError({
    code: 'supply-pty',
    place: path,
    message: 'the pseudo-terminal did not appear within 3 s',
    remedy: 'Name a path in a folder that you may write to',
  });
}
