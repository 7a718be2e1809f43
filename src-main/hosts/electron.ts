/**
 * The window in Electron. Thin on purpose: it opens one locked-down window on the built bundle and joins it to the
 * service; everything else works the same in a browser. The only file (with its preload) that imports electron.
 */
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { app, BrowserWindow, ipcMain, protocol, session } from 'electron';
import type { IpcMainInvokeEvent, WebContents } from 'electron';
import { defaultDatabasePath } from '../common/data-folder.js';
import { resourcePath } from '../common/resources.js';
import { openService } from '../service/open.js';
import type { Reply } from '../service/manifest.js';
import type { Service } from '../service/service.js';
import { SECURITY_HEADERS } from './security.js';
import { WINDOW_OPEN_LINE } from './electron-runtime.js';

const SCHEME = 'bench';
const PAGE = `${SCHEME}://window/index.html`;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
};

// A scheme of its own instead of file://, so that the page has an origin and cannot read the disk.
protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

if (app.requestSingleInstanceLock()) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    app.exit(1);
  });
} else {
  console.log('Brownout Bench is already open; its window comes to the front.');
  console.log(WINDOW_OPEN_LINE);
  app.quit();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { db: { type: 'string' } },
    strict: false,
    args: process.argv.slice(app.isPackaged ? 1 : 2),
  });
  const databasePath = typeof values.db === 'string' ? values.db : defaultDatabasePath();
  await app.whenReady();
  const service = await openService({
    databasePath,
    host: 'electron',
    electron: { usable: true, detail: `Electron ${process.versions['electron']}` },
  });
  lockDown();
  protocol.handle(SCHEME, (request) => answer(request.url));

  const window = new BrowserWindow({
    width: 1360,
    height: 900,
    minWidth: 720,
    minHeight: 520,
    title: 'Brownout Bench',
    show: false,
    webPreferences: {
      preload: join(import.meta.dirname, 'electron-preload.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  window.removeMenu();
  joinWindow(service, window);
  window.once('ready-to-show', () => {
    window.show();
    console.log(WINDOW_OPEN_LINE);
  });
  app.on('second-instance', () => {
    if (window.isMinimized()) {
      window.restore();
    }
    window.focus();
  });

  let closing = false;
  app.on('window-all-closed', () => app.quit());
  app.on('before-quit', (event) => {
    if (closing) {
      return;
    }
    // A run on the bench is first cancelled and stored; only then does the process end.
    event.preventDefault();
    closing = true;
    service.close().then(
      () => app.quit(),
      (error: unknown) => {
        console.error(error);
        app.exit(1);
      },
    );
  });
  await window.loadURL(PAGE);
}

/** Calls and events between this one window and the service. */
function joinWindow(service: Service, window: BrowserWindow): void {
  ipcMain.handle('bench:call', (event: IpcMainInvokeEvent, name: unknown, args: unknown): Promise<Reply> => {
    if (!fromOurPage(event, window.webContents) || typeof name !== 'string') {
      return Promise.resolve({
        ok: false,
        error: {
          code: 'foreign-sender',
          place: 'window',
          message: 'the call does not come from the page of the bench',
          remedy: 'Close the window and start again',
        },
      });
    }
    return service.dispatch(name, args);
  });
  const unsubscribe = service.subscribe((message) => {
    if (!window.isDestroyed()) {
      window.webContents.send('bench:event', message);
    }
  });
  window.on('closed', unsubscribe);
}

/** The one place that decides whom IPC is answered. */
function fromOurPage(event: IpcMainInvokeEvent, contents: WebContents): boolean {
  const frame = event.senderFrame;
  return (
    event.sender === contents &&
    frame !== null &&
    frame.parent === null &&
    frame.url.startsWith(`${SCHEME}://window/`)
  );
}

/** No permissions, no other pages, no other windows. */
function lockDown(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, grant) => grant(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.on('will-navigate', (event) => event.preventDefault());
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
  });
}

/** A file of the built window, by its address; never one outside of its folder. */
async function answer(address: string): Promise<Response> {
  const folder = resourcePath('dist', 'window');
  const { host, pathname } = new URL(address);
  const file = normalize(join(folder, decodeURIComponent(pathname)));
  if (host !== 'window' || !file.startsWith(folder + sep)) {
    return new Response('There is no such page.', { status: 404, headers: SECURITY_HEADERS });
  }
  try {
    const body = await readFile(file);
    const type = CONTENT_TYPES[extname(file)] ?? 'application/octet-stream';
    return new Response(new Uint8Array(body), { headers: { ...SECURITY_HEADERS, 'Content-Type': type } });
  } catch {
    return new Response('There is no such page.', { status: 404, headers: SECURITY_HEADERS });
  }
}
