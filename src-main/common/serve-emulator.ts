import { createServer, type AddressInfo, type Socket } from 'node:net';
import { InputError } from './errors.js';

/** Something that talks over a serial line or a socket: bytes in, bytes out, and how long it works before it answers. */
export interface SerialEmulator {
  receive(bytes: Uint8Array): { reply: Uint8Array; busySeconds: number };
}

export interface EmulatorServer {
  host: string;
  port: number;
  /** What it says of its own accord, to everybody who is connected. */
  send(bytes: Uint8Array): void;
  close(): Promise<void>;
}

export interface ServeEmulatorOptions {
  /** As a person calls it, for messages. */
  name: string;
  /** TCP port; 0 (the default) takes a free one. */
  port?: number;
  /** Default 127.0.0.1: an emulator without any access control belongs to this machine only. */
  host?: string;
}

/**
 * An emulator on a TCP socket, for other people's programs, on wall time. There is one of it: everybody who connects talks to
 * the same one, one message after the other.
 *
 * @throws InputError `emulator-port` when the TCP port cannot be had
 */
export async function serveEmulator(
  emulator: SerialEmulator,
  { name, port: wanted = 0, host = '127.0.0.1' }: ServeEmulatorOptions,
): Promise<EmulatorServer> {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let busyUntilMilliseconds = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    // A client that vanishes is no error of the instrument.
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const { reply, busySeconds } = emulator.receive(bytes);
      const now = performance.now();
      busyUntilMilliseconds = Math.max(now, busyUntilMilliseconds) + busySeconds * 1000;
      const answer = () => {
        if (reply.length > 0 && socket.writable) socket.write(reply);
      };
      if (busyUntilMilliseconds <= now) {
        answer();
        return;
      }
      // An instrument reads no further while it works: what a flood of commands queues up stays with its sender.
      socket.pause();
      const timer = setTimeout(() => {
        timers.delete(timer);
        answer();
        socket.resume();
      }, busyUntilMilliseconds - now);
      timers.add(timer);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new InputError({
          code: 'emulator-port',
          place: `${host}:${wanted}`,
          message: `${name} cannot listen there: ${cause.message}`,
          remedy: 'Choose another TCP port, or 0 for any free one',
          cause,
        }),
      );
    });
    server.listen(wanted, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    send: (bytes) => {
      sockets.forEach((socket) => socket.write(bytes));
    },
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
