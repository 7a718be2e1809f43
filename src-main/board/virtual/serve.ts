import { createServer, type AddressInfo, type Socket } from 'node:net';
import { InputError } from '../../common/errors.js';
import type { VirtualBoard } from '../virtual-board.js';

export interface VirtualBoardServer {
  host: string;
  port: number;
  /** Rejects when the simulated program faults; resolves when the server is closed. */
  done: Promise<void>;
  close(): Promise<void>;
}

/** How often simulated time catches up with the clock on the wall, and for how long it may hold the thread. */
const PERIOD_MILLISECONDS = 5;
const BUSY_MILLISECONDS = 20;
const SLICE_SECONDS = 0.25e-3;

/**
 * The serial line of a virtual board with steady power on a TCP socket, for other people's programs: raw bytes both ways,
 * on wall time, slower where the simulation cannot keep up. Everybody who connects hears the same board.
 *
 * @throws InputError `board-port` when the TCP port cannot be had
 */
export async function serveVirtualBoard(
  board: VirtualBoard,
  options: { port: number },
): Promise<VirtualBoardServer> {
  const host = '127.0.0.1';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => board.receive(bytes));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new InputError({
          code: 'board-port',
          place: `${host}:${options.port}`,
          message: `the virtual board cannot listen there: ${cause.message}`,
          remedy: 'Choose another TCP port, or 0 for any free one',
          cause,
        }),
      );
    });
    server.listen(options.port, host, resolve);
  });
  board.powerOn();
  const begin = performance.now();
  let simulatedMilliseconds = 0;
  let timer: NodeJS.Timeout | undefined;
  const stop = () =>
    new Promise<void>((resolve) => {
      clearInterval(timer);
      sockets.forEach((socket) => socket.destroy());
      server.close(() => resolve());
    });
  const done = new Promise<void>((resolve, reject) => {
    server.once('close', resolve);
    timer = setInterval(() => {
      const turn = performance.now();
      try {
        while (simulatedMilliseconds < turn - begin && performance.now() - turn < BUSY_MILLISECONDS) {
          const { cycles, transmitted } = board.run(SLICE_SECONDS * board.clockHertz);
          simulatedMilliseconds += (cycles / board.clockHertz) * 1e3;
          if (transmitted.length > 0) {
            sockets.forEach((socket) => socket.write(transmitted));
          }
        }
      } catch (error) {
        void stop();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }, PERIOD_MILLISECONDS);
  });
  return { host, port: (server.address() as AddressInfo).port, done, close: stop };
}
