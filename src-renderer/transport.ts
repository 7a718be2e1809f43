/**
 * The way to the bench: the functions that Electron's preload offers, or the WebSocket of the browser host. Views know
 * neither.
 */
import type {
  CallArguments,
  CallName,
  CallResult,
  EventMessage,
  PlainError,
  Reply,
  WindowBridge,
} from '../src-main/service/manifest.js';

export type Connection = 'connecting' | 'open' | 'lost';

export interface Transport extends WindowBridge {
  onConnection(listener: (state: Connection) => void): void;
}

/** A refused call: what happened, where, and the remedy. */
export class CallError extends Error {
  readonly plain: PlainError;
  constructor(plain: PlainError) {
    super(plain.message);
    this.plain = plain;
  }
}

export interface Client {
  /** Resolves with the result; rejects with a CallError. */
  call<Name extends CallName>(name: Name, args: CallArguments<Name>): Promise<CallResult<Name>>;
}

declare global {
  interface Window {
    /** Put there by the preload of the Electron host. */
    bench?: WindowBridge;
  }
}

export function createTransport(): Transport {
  return window.bench ? preloadTransport(window.bench) : webSocketTransport(serviceAddress());
}

export function createClient(transport: Transport): Client {
  return {
    async call<Name extends CallName>(name: Name, args: CallArguments<Name>) {
      const reply = await transport.call(name, args);
      if (!reply.ok) {
        throw new CallError(reply.error);
      }
      // The manifest types both ends of the same call.
      return reply.result as CallResult<Name>;
    },
  };
}

/** The four fields for anything thrown in the window. */
export function plainErrorOf(error: unknown): PlainError {
  if (error instanceof CallError) {
    return error.plain;
  }
  return {
    code: 'window',
    place: 'window',
    message: error instanceof Error ? error.message : String(error),
    remedy: 'Reload the window. Stored runs are safe',
  };
}

function preloadTransport(bridge: WindowBridge): Transport {
  return {
    call: (name, args) => bridge.call(name, args),
    onEvent: (listener) => bridge.onEvent(listener),
    onConnection: (listener) => listener('open'),
  };
}

function serviceAddress(): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/service`;
}

const LOST: Reply = {
  ok: false,
  error: {
    code: 'connection-lost',
    place: 'window',
    message: 'the bench does not answer',
    remedy: 'Start it again (npm start) and open the address it prints; stored runs are safe',
  },
};

/** Reconnects by itself, slower and slower up to 5 s; calls made while there is no connection wait for the first one. */
function webSocketTransport(address: string): Transport {
  const pending = new Map<number, (reply: Reply) => void>();
  const listeners = new Set<(message: EventMessage) => void>();
  const connectionListeners = new Set<(state: Connection) => void>();
  const queue: string[] = [];
  let state: Connection = 'connecting';
  let nextId = 1;
  let attempts = 0;
  let socket = connect();

  function connect(): WebSocket {
    const created = new WebSocket(address);
    created.addEventListener('open', () => {
      attempts = 0;
      setState('open');
      for (const message of queue.splice(0)) {
        created.send(message);
      }
    });
    created.addEventListener('message', (event: MessageEvent<string>) => receive(event.data));
    created.addEventListener('close', () => {
      setState('lost');
      queue.length = 0;
      for (const resolve of pending.values()) {
        resolve(LOST);
      }
      pending.clear();
      attempts += 1;
      setTimeout(
        () => {
          socket = connect();
        },
        Math.min(5_000, 500 * attempts),
      );
    });
    return created;
  }

  function setState(next: Connection): void {
    if (state !== next) {
      state = next;
      for (const listener of connectionListeners) {
        listener(next);
      }
    }
  }

  function receive(text: string): void {
    const message = JSON.parse(text) as EventMessage | (Reply & { id: number });
    if ('event' in message) {
      for (const listener of listeners) {
        listener(message);
      }
      return;
    }
    const resolve = pending.get(message.id);
    pending.delete(message.id);
    resolve?.(message);
  }

  return {
    call: (name, args) => {
      if (state === 'lost') {
        return Promise.resolve(LOST);
      }
      return new Promise((resolve) => {
        const id = nextId;
        nextId += 1;
        pending.set(id, resolve);
        const message = JSON.stringify({ id, call: name, args });
        if (socket.readyState === WebSocket.OPEN) {
          socket.send(message);
        } else {
          queue.push(message);
        }
      });
    },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onConnection: (listener) => {
      connectionListeners.add(listener);
      listener(state);
    },
  };
}
