/**
 * The window in a browser: the same bundle and the same service over HTTP and a WebSocket on 127.0.0.1.
 *
 * Who may use it: whoever has the token of the address that was printed. The first page load with `?token=` sets a
 * cookie (HttpOnly, SameSite=Strict, named after the port since cookies ignore ports); everything else needs that
 * cookie. A foreign page in the same browser is kept out by the Origin check, and one that points its own host name at
 * 127.0.0.1 by the Host check.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sirv from 'sirv';
import { WebSocketServer } from 'ws';
import type { RawData, WebSocket } from 'ws';
import { InputError, RunError } from '../common/errors.js';
import { resourcePath } from '../common/resources.js';
import type { EventMessage } from '../service/manifest.js';
import type { Service } from '../service/service.js';
import { newToken, sameToken, SECURITY_HEADERS } from './security.js';

const LOOPBACK = '127.0.0.1';
const MAXIMUM_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A window that is this far behind is cut off; it connects again by itself and asks for the present state. */
const LONGEST_BACKLOG_BYTES = 64 * 1024 * 1024;

export interface BrowserHostOptions {
  service: Service;
  /** 0 takes any free port. */
  port: number;
  /** Folder of the built window; another one only for tests. */
  windowFolder?: string;
}

export interface BrowserHost {
  /** Address with the token; whoever has it may use the bench. */
  url: string;
  port: number;
  /** Closes connections and the port; the service stays as it is. */
  close(): Promise<void>;
}

/**
 * Serves the window. Throws InputError when the window was not built or the port cannot be had.
 */
export async function startBrowserHost(options: BrowserHostOptions): Promise<BrowserHost> {
  const folder = options.windowFolder ?? resourcePath('dist', 'window');
  if (!existsSync(join(folder, 'index.html'))) {
    throw new InputError({
      code: 'window-not-built',
      place: folder,
      message: 'the window was not built',
      remedy: 'Run `npm run build` and start again',
    });
  }
  const token = newToken();
  const files = sirv(folder, {
    etag: true,
    setHeaders: (response) => {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
        response.setHeader(name, value);
      }
      // The token rules who may read; nothing of it belongs into a shared cache.
      response.setHeader('Cache-Control', 'private, no-cache');
    },
  });

  const server = createServer((request, response) => {
    const refusal = refusalOf(request, token, portOf(server.address()));
    if (refusal) {
      refuse(response, refusal);
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, { status: 405, message: 'Only GET is served here.' });
      return;
    }
    if (tokenOfAddress(request) !== null) {
      const name = cookieName(portOf(server.address()));
      response.setHeader('Set-Cookie', `${name}=${token}; HttpOnly; SameSite=Strict; Path=/`);
    }
    files(request, response, () => refuse(response, { status: 404, message: 'There is no such page.' }));
  });
  // Slow or silent clients may not hold connections open for ever.
  server.headersTimeout = 10_000;

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAXIMUM_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request, token, portOf(server.address()), { originRequired: true });
    if (refusal || addressOf(request)?.pathname !== '/service') {
      const status = refusal?.status ?? 404;
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => attach(client, options.service));
  });

  await listen(server, options.port);
  const port = portOf(server.address());
  return {
    url: `http://${LOOPBACK}:${port}/?token=${token}`,
    port,
    close: async () => {
      for (const client of sockets.clients) {
        client.close(1001, 'the bench closes');
      }
      sockets.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const client of sockets.clients) {
        client.terminate();
      }
      await closed;
    },
  };
}

/** Joins one window to the service: calls in, replies and events out. */
function attach(client: WebSocket, service: Service): void {
  const send = (message: unknown): void => {
    if (client.readyState === client.OPEN) {
      client.send(JSON.stringify(message));
    }
  };
  const unsubscribe = service.subscribe((message: EventMessage) => {
    if (client.bufferedAmount > LONGEST_BACKLOG_BYTES) {
      client.terminate();
    } else {
      send(message);
    }
  });
  client.on('close', unsubscribe);
  client.on('error', () => client.terminate());
  client.on('message', (data: RawData, isBinary: boolean) => {
    const request = isBinary ? null : parseRequest(data);
    if (!request) {
      client.close(1008, 'not a call');
      return;
    }
    service.dispatch(request.call, request.args).then(
      (reply) => send({ id: request.id, ...reply }),
      () => client.terminate(),
    );
  });
}

function parseRequest(data: RawData): { id: number; call: string; args: unknown } | null {
  try {
    const value: unknown = JSON.parse(textOf(data));
    if (typeof value !== 'object' || value === null) {
      return null;
    }
    const { id, call, args } = value as Record<string, unknown>;
    return typeof id === 'number' && typeof call === 'string' ? { id, call, args } : null;
  } catch {
    return null;
  }
}

/** A message comes as one buffer, or in the parts it was sent in. */
function textOf(data: RawData): string {
  return Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as Buffer).toString();
}

interface Refusal {
  status: number;
  message: string;
}

/** Why this request is not answered, or null. The order goes from what any page can cause to what only a user can. */
function refusalOf(
  request: IncomingMessage,
  token: string,
  port: number,
  { originRequired = false } = {},
): Refusal | null {
  const host = request.headers.host ?? '';
  if (host !== `${LOOPBACK}:${port}` && host !== `localhost:${port}`) {
    return { status: 421, message: 'This bench answers to 127.0.0.1 only.' };
  }
  const origin = request.headers.origin;
  if ((originRequired || origin !== undefined) && origin !== `http://${host}`) {
    return { status: 403, message: 'Another page may not use this bench.' };
  }
  const given = tokenOfAddress(request) ?? cookiesOf(request).get(cookieName(port));
  if (!sameToken(given, token)) {
    return {
      status: 401,
      message:
        'This address lacks the token of the running bench. Open the full address, with “?token=”, that the terminal shows; every start makes a new one.',
    };
  }
  return null;
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, {
    ...SECURITY_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(`Brownout Bench: ${refusal.message}\n`);
}

/** The token of the page's own address; other addresses do not carry it. */
function tokenOfAddress(request: IncomingMessage): string | null {
  const url = addressOf(request);
  return url?.pathname === '/' ? url.searchParams.get('token') : null;
}

/** Null for a request line that is no address at all. */
function addressOf(request: IncomingMessage): URL | null {
  try {
    return new URL(request.url ?? '/', 'http://localhost');
  } catch {
    return null;
  }
}

function cookieName(port: number): string {
  return `bench-${port}`;
}

function cookiesOf(request: IncomingMessage): Map<string, string> {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.split('='));
  return new Map(pairs.map(([name = '', value = '']) => [name.trim(), value.trim()]));
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new InputError({
              code: 'port-not-available',
              place: `port ${port}`,
              message:
                error.code === 'EACCES' ? 'this user may not open the port' : 'the port is already in use',
              remedy: 'Choose another one with --port, or leave it away to get a free one',
              cause: error,
            })
          : new RunError({
              code: 'cannot-listen',
              place: LOOPBACK,
              message: error.message,
              remedy: 'Check that the loopback network of this machine works',
              cause: error,
            }),
      );
    });
    server.listen(port, LOOPBACK, resolve);
  });
}
