/**
 * The only code that stands between the sandboxed page and the main process: one function for calls and one for
 * events. The page never sees an Electron object, and the main process checks every argument again.
 */
import electron = require('electron');
import type { CallName, EventMessage, Reply, WindowBridge } from '../service/manifest.js' with {
  'resolution-mode': 'import',
};

const bridge: WindowBridge = {
  call: (name: CallName, args: unknown): Promise<Reply> =>
    electron.ipcRenderer.invoke('bench:call', name, args),
  onEvent: (listener: (message: EventMessage) => void) => {
    const forward = (_event: unknown, message: EventMessage): void => listener(message);
    electron.ipcRenderer.on('bench:event', forward);
    return () => {
      electron.ipcRenderer.removeListener('bench:event', forward);
    };
  },
};

electron.contextBridge.exposeInMainWorld('bench', bridge);
