import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { startBrowserHost, type BrowserHost } from '../../src-main/hosts/browser.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { openTestService } from '../support/test-service.js';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Plain HTTP with any headers, as neither fetch nor a browser would send them. */
function get(
  host: BrowserHost,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: host.port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Status of a refused upgrade, or the open socket. */
function upgrade(
  host: BrowserHost,
  path: string,
  headers: Record<string, string>,
): Promise<WebSocket | number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}${path}`, { headers });
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.resume();
    });
    socket.on('error', reject);
  });
}

async function startHost(
  context: TestContext,
): Promise<{ host: BrowserHost; token: string; cookie: string }> {
  const windowFolder = join(await temporaryFolder(context), 'window');
  await mkdir(windowFolder);
  await writeFile(join(windowFolder, 'index.html'), '<!doctype html><title>window</title>');
  await writeFile(join(windowFolder, 'main.js'), 'export {};');
  await writeFile(join(windowFolder, '..', 'secret.txt'), 'not served');
  const { service } = await openTestService(context);
  const host = await startBrowserHost({ service, port: 0, windowFolder });
  context.after(() => host.close());
  const token = new URL(host.url).searchParams.get('token') ?? '';
  return { host, token, cookie: `bench-${host.port}=${token}` };
}

test('the address with the token serves the page, sets the cookie, and carries every protecting header', async (context) => {
  const { host, token } = await startHost(context);
  const page = await get(host, `/?token=${token}`);
  assert.equal(page.status, 200);
  assert.match(page.body, /<title>window/);
  const cookie = String(page.headers['set-cookie']);
  assert.match(cookie, new RegExp(`^bench-${host.port}=`));
  assert.match(cookie, /HttpOnly/);
  assert.match(cookie, /SameSite=Strict/);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.match(policy, /connect-src 'self'(;|$)/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.equal(page.headers['referrer-policy'], 'no-referrer');
});

test('the cookie opens the other files, and nothing outside of the folder of the window', async (context) => {
  const { host, cookie } = await startHost(context);
  assert.equal((await get(host, '/main.js', { cookie })).status, 200);
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '//secret.txt']) {
    const answer = await get(host, path, { cookie });
    assert.notEqual(answer.status, 200, path);
    assert.doesNotMatch(answer.body, /not served/, path);
  }
});

test('without the token, or with a wrong one, nothing is served and the message says what to open', async (context) => {
  const { host, token } = await startHost(context);
  const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
  for (const [path, headers] of [
    ['/', {}],
    [`/?token=${wrong}`, {}],
    ['/?token=', {}],
    ['/main.js', { cookie: `bench-${host.port}=${wrong}` }],
    [`/main.js?token=${token}`, {}],
  ] as const) {
    const answer = await get(host, path, headers);
    assert.equal(answer.status, 401, path);
    assert.match(answer.body, /\?token=/);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
});

test('a foreign Host or Origin is refused even with the right token', async (context) => {
  const { host, token, cookie } = await startHost(context);
  const own = `http://127.0.0.1:${host.port}`;
  assert.equal((await get(host, `/?token=${token}`, { host: 'evil.example' })).status, 421);
  assert.equal((await get(host, `/?token=${token}`, { host: `evil.example:${host.port}` })).status, 421);
  assert.equal((await get(host, '/main.js', { cookie, origin: 'http://evil.example' })).status, 403);
  assert.equal((await get(host, '/main.js', { cookie, origin: 'null' })).status, 403);
  assert.equal((await get(host, '/main.js', { cookie, origin: own })).status, 200);
  assert.equal((await get(host, '/main.js', { cookie }, 'POST')).status, 405);
});

test('the WebSocket opens only with own Origin, own Host and the cookie', async (context) => {
  const { host, cookie } = await startHost(context);
  const origin = `http://127.0.0.1:${host.port}`;
  assert.equal(await upgrade(host, '/service', { cookie }), 403, 'no Origin');
  assert.equal(await upgrade(host, '/service', { cookie, origin: 'http://evil.example' }), 403);
  assert.equal(await upgrade(host, '/service', { origin }), 401, 'no cookie');
  assert.equal(await upgrade(host, '/service', { cookie, origin, host: 'evil.example' }), 421);
  assert.equal(await upgrade(host, '/elsewhere', { cookie, origin }), 404);

  const socket = await upgrade(host, '/service', { cookie, origin });
  assert.ok(socket instanceof WebSocket);
  const reply = new Promise<string>((resolve) =>
    socket.once('message', (data) => resolve((data as Buffer).toString())),
  );
  socket.send(JSON.stringify({ id: 7, call: 'app.info', args: {} }));
  assert.match(await reply, /^\{"id":7,"ok":true,"result":\{"name":"Brownout Bench",/);

  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.send('{"no": "call"}');
  assert.equal(await closed, 1008);
});

test('request lines and messages that are no requests do not end the host', async (context) => {
  const { host, cookie } = await startHost(context);
  const origin = `http://127.0.0.1:${host.port}`;
  for (const path of ['//', '/%', '/%zz?token=%', `/?token=${'x'.repeat(4000)}`]) {
    assert.ok((await get(host, path)).status >= 400, path);
    assert.ok((await get(host, path, { cookie })).status >= 200, path);
  }
  const socket = await upgrade(host, '/service', { cookie, origin });
  assert.ok(socket instanceof WebSocket);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.send(Buffer.from([0, 1, 2]));
  await closed;
  assert.equal((await get(host, '/main.js', { cookie })).status, 200);
});

test('a port that is taken is an error with a remedy', async (context) => {
  const { host } = await startHost(context);
  const { service } = await openTestService(context);
  const windowFolder = join(await temporaryFolder(context), 'window');
  await mkdir(windowFolder);
  await writeFile(join(windowFolder, 'index.html'), '');
  await assert.rejects(startBrowserHost({ service, port: host.port, windowFolder }), {
    name: 'InputError',
    code: 'port-not-available',
  });
  await assert.rejects(startBrowserHost({ service, port: 0, windowFolder: join(windowFolder, 'none') }), {
    name: 'InputError',
    code: 'window-not-built',
  });
});
