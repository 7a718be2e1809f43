import { createServer, type AddressInfo, type Socket } from 'node:net';
import { InputError } from '../../common/errors.js';
import { VirtualSupply, type VirtualSupplyOptions } from './virtual-supply.js';

export interface VirtualSupplyServer {
  host: string;
  port: number;
  supply: VirtualSupply;
  close(): Promise<void>;
}

export interface ServeOptions extends VirtualSupplyOptions {
  /** TCP port; 0 (the default) takes a free one. SCPI over a raw socket is usually at 5025. */
  port?: number;
  /** Default 127.0.0.1: a supply without any access control belongs to this machine only. */
  host?: string;
}

/**
 * A virtual supply on a TCP socket, for other people's programs, on wall time. One instrument: everybody who connects
 * talks to the same one, one message after the other.
 *
 * @throws InputError `supply-port` when the TCP port cannot be had
 */
export async function serveVirtualSupply(options: ServeOptions = {}): Promise<VirtualSupplyServer> {
  const supply = new VirtualSupply(options);
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let busyUntilMilliseconds = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that vanishes is no error of the instrument.
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const { reply, busySeconds } = supply.receive(bytes);
      const now = performance.now();
      busyUntilMilliseconds = Math.max(now, busyUntilMilliseconds) + busySeconds * 1000;
      // An instrument reads no further while it works: what a flood of commands queues up stays with its sender.
      socket.pause();
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (reply.length > 0 && socket.writable) socket.write(reply);
        socket.resume();
      }, busyUntilMilliseconds - now);
      timers.add(timer);
    });
  });
  const host = options.host ?? '127.0.0.1';
  const wanted = options.port ?? 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new InputError({
          code: 'supply-port',
          place: `${host}:${wanted}`,
          message: `the virtual supply cannot listen there: ${cause.message}`,
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
    supply,
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
