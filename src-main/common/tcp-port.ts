import { connect, type Socket } from 'node:net';
import { RunError } from './errors.js';
import type { Port } from './port.js';

/** Longest wait for a connection, and for bytes to be taken. */
const CONNECT_MILLISECONDS = 5000;

/** A raw TCP connection to an instrument as a port. @throws RunError `port-open` when nobody listens there */
export async function openTcpPort(host: string, port: number): Promise<Port> {
  const name = `tcp:${host}:${port}`;
  const socket = connect({ host, port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    const refuse = (reason: string, cause?: Error) => {
      socket.destroy();
      reject(
        new RunError({
          code: 'port-open',
          place: name,
          message: `no connection (${reason})`,
          remedy: 'Check the address, and that the instrument is switched on and in this network',
          cause,
        }),
      );
    };
    const timer = setTimeout(
      () => refuse(`no answer within ${CONNECT_MILLISECONDS / 1000} s`),
      CONNECT_MILLISECONDS,
    );
    socket.once('error', (error) => {
      clearTimeout(timer);
      refuse(error.message, error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve();
    });
  });
  return new TcpPort(name, socket);
}

class TcpPort implements Port {
  readonly name: string;
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #failure: RunError | null = null;
  #wake: (() => void) | null = null;

  constructor(name: string, socket: Socket) {
    this.name = name;
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#received.push(bytes);
      this.#wake?.();
    });
    socket.on('error', (error) => this.#fail(error.message, error));
    socket.on('close', () => this.#fail('the connection was closed'));
  }

  now(): number {
    return performance.now() / 1000;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) {
          reject(this.#fail(error.message, error));
        } else {
          resolve();
        }
      });
    });
  }

  async read(timeoutSeconds: number): Promise<Uint8Array> {
    if (this.#received.length === 0) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, timeoutSeconds) * 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    const bytes = Buffer.concat(this.#received);
    this.#received = [];
    if (bytes.length === 0 && this.#failure) throw this.#failure;
    return new Uint8Array(bytes);
  }

  close(): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }

  #fail(reason: string, cause?: Error): RunError {
    this.#failure ??= new RunError({
      code: 'port-gone',
      place: this.name,
      message: `the connection is gone (${reason})`,
      remedy: 'Check the network and that no other program holds the instrument, then try again',
      cause,
    });
    this.#wake?.();
    return this.#failure;
  }
}
