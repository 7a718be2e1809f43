/** `brownout doctor`: what is usable on this machine, and what to do where it is not. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HostBoard } from '../board/host/host-board.js';
import { prebuiltFirmware } from '../board/prebuilt.js';
import { boardProfile } from '../board/profiles/index.js';
import { createVirtualPico } from '../board/virtual/virtual-pico.js';
import { VirtualBoardPort } from '../board/virtual/virtual-board-port.js';
import { BoardLink } from '../board/link/board-link.js';
import { defaultDatabasePath } from '../common/data-folder.js';
import { assertUsableDatabase } from '../store/store.js';
import { listPorts, type FoundPort } from './discover.js';

export interface DoctorCheck {
  id: string;
  label: string;
  /** `absent` is something optional that is not there; `broken` keeps the bench from working. */
  state: 'ok' | 'absent' | 'broken';
  detail: string;
  /** Null when nothing needs to be done. */
  remedy: string | null;
}

export interface DoctorSurroundings {
  databasePath: string;
  /** Of the window's runtime; null detail-free reason when it is usable. */
  electron: { usable: boolean; detail: string };
}

/** Tries every part that a run needs. Never throws; sends nothing to any real port. */
export async function examine(surroundings: DoctorSurroundings): Promise<DoctorCheck[]> {
  return Promise.all([
    attempt(
      'host-core',
      'Host build of the firmware core',
      'Reinstall: firmware/prebuilt/core.wasm is part of it',
      async () => {
        new HostBoard({ image: new Uint8Array(), dataset: new Uint8Array() });
        return Promise.resolve('loads');
      },
    ),
    attempt('virtual-bench', 'Virtual bench', 'Reinstall: firmware/prebuilt is part of it', async () => {
      const profile = boardProfile('pico-fram');
      const firmware = await prebuiltFirmware(profile);
      const board = createVirtualPico({ firmware, profile, seed: 1 });
      board.powerOn();
      const identity = await new BoardLink(new VirtualBoardPort(board)).identify();
      return `${profile.name} boots firmware ${identity.firmwareMajor}.${identity.firmwareMinor}`;
    }),
    attempt('database', 'Database', 'Choose another file with --db', async () => {
      const { databasePath } = surroundings;
      const folder = dirname(resolve(databasePath));
      if (databasePath === defaultDatabasePath() && (await nearestExisting(folder)) !== folder) {
        // The folder of this user's data is made when it is first needed.
        await access(await nearestExisting(folder), constants.W_OK);
      } else {
        await assertUsableDatabase(databasePath);
      }
      return databasePath;
    }),
    serialPorts(),
    Promise.resolve<DoctorCheck>({
      id: 'electron',
      label: 'Electron window',
      state: surroundings.electron.usable ? 'ok' : 'absent',
      detail: surroundings.electron.detail,
      remedy: surroundings.electron.usable
        ? null
        : 'Not needed: the same window opens in a browser (npm start)',
    }),
  ]);
}

async function attempt(
  id: string,
  label: string,
  remedy: string,
  work: () => Promise<string>,
): Promise<DoctorCheck> {
  try {
    return { id, label, state: 'ok', detail: await work(), remedy: null };
  } catch (error) {
    return {
      id,
      label,
      state: 'broken',
      detail: error instanceof Error ? error.message : String(error),
      remedy,
    };
  }
}

async function serialPorts(): Promise<DoctorCheck> {
  const check = { id: 'serial', label: 'Serial ports' };
  try {
    const ports = await listPorts();
    if (ports.length === 0) {
      return {
        ...check,
        state: 'absent',
        detail: 'none',
        remedy: 'Plug in a board or a supply; the virtual bench needs none',
      };
    }
    return { ...check, state: 'ok', detail: ports.map(describePort).join(', '), remedy: null };
  } catch (error) {
    return {
      ...check,
      state: 'broken',
      detail: String(error),
      remedy: 'Run `npm rebuild @serialport/bindings-cpp`',
    };
  }
}

/** `/dev/ttyUSB0 (Korad KA3005P, as last asked)`. */
function describePort({ address, probably, remembered }: FoundPort): string {
  if (remembered !== null) return `${address} (${remembered.name}, when last asked)`;
  return probably === null ? address : `${address} (by its USB identity ${probably.name})`;
}

/** The file itself, or the first folder above it that exists: where writing must be allowed. */
async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? path : nearestExisting(parent);
  }
}
