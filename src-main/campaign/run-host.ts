/**
 * Where a run is executed apart from window and terminal: a thread, or, for real instruments, a process of its own, since the
 * native part of `serialport` can only be used on the main thread of a process.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FromRunWorker, RunWorkerData, ToRunWorker } from './run-in-worker.js';

export interface RunHost {
  send(message: ToRunWorker): void;
  onMessage(listener: (message: FromRunWorker) => void): void;
  /** It has ended by itself, with what is known of why. */
  onEnd(listener: (error: Error | null) => void): void;
  stop(): Promise<void>;
}

const ENTRY = new URL('./run-worker.js', import.meta.url);

export function startThread(workerData: RunWorkerData): RunHost {
  const worker = new Worker(ENTRY, { workerData });
  return {
    send: (message) => {
      worker.postMessage(message);
    },
    onMessage: (listener) => {
      worker.on('message', listener);
    },
    onEnd: (listener) => {
      worker.on('error', listener);
      worker.on('exit', () => {
        listener(null);
      });
    },
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** The process switches its supply off before it ends, also when this one dies; `stop` therefore waits for it. */
export function startProcess(data: RunWorkerData): RunHost {
  const child = fork(fileURLToPath(ENTRY), {
    serialization: 'advanced',
    // In the desktop application this executable is Electron, which then behaves as Node.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  child.send(data);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  return {
    send: (message) => {
      child.send(message);
    },
    onMessage: (listener) => {
      child.on('message', (message) => {
        listener(message as FromRunWorker);
      });
    },
    onEnd: (listener) => {
      child.on('error', listener);
      child.on('exit', () => {
        listener(null);
      });
    },
    stop: async () => {
      if (child.connected) {
        child.disconnect();
      }
      await ended;
    },
  };
}
