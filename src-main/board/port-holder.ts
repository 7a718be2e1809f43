import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

export interface PortHolder {
  pid: number;
  /** The program's name as the system has it. */
  name: string;
}

/**
 * Which processes have a port open, as far as this user may see: Linux tells it in /proc, elsewhere nobody is found. Never
 * throws.
 */
export async function portHolders(path: string): Promise<PortHolder[]> {
  const holders: PortHolder[] = [];
  try {
    const device = await realpath(path);
    const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    for (const pid of processes) {
      if (await hasOpen(join('/proc', pid, 'fd'), device)) {
        const name = (await readFile(join('/proc', pid, 'comm'), 'utf8')).trim();
        holders.push({ pid: Number(pid), name });
      }
    }
  } catch {
    // No /proc, or the process has ended meanwhile.
  }
  return holders;
}

async function hasOpen(folder: string, device: string): Promise<boolean> {
  try {
    for (const descriptor of await readdir(folder)) {
      if ((await readlink(join(folder, descriptor)).catch(() => '')) === device) return true;
    }
  } catch {
    // Somebody else's process.
  }
  return false;
}
