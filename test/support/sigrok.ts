import { execFile } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { resourcePath } from '../../src-main/common/resources.js';
import { temporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);

async function runs(program: string, ...options: string[]): Promise<boolean> {
  try {
    await run(program, options, { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** Why tests with sigrok-cli cannot run here, or false. */
export async function sigrokSkip(): Promise<string | false> {
  return (await runs('sigrok-cli', '--version'))
    ? false
    : 'sigrok-cli is not installed (Debian: apt-get install sigrok-cli)';
}

/** Its SCPI power supplies over a raw socket, which it can do by itself. @param address `tcp:HOST:PORT` */
export async function sigrokOnTcp(address: string, ...options: string[]): Promise<string> {
  const [, host, port] = address.split(':');
  const driver = `scpi-pps:conn=tcp-raw/${host}/${port}`;
  const { stdout, stderr } = await run('sigrok-cli', ['-d', driver, ...options], { timeout: 20_000 });
  return stdout + stderr;
}

/** Why tests with sigrok-cli on a pseudo-terminal cannot run here, or false. */
export async function sigrokSerialSkip(): Promise<string | false> {
  const programs: [string, string][] = [
    ['sigrok-cli', '--version'],
    ['socat', '-V'],
    ['cc', '--version'],
  ];
  for (const [program, option] of programs) {
    if (!(await runs(program, option))) return `${program} is not installed`;
  }
  return process.platform === 'linux' ? false : 'the trick with the pseudo-terminal needs Linux';
}

/**
 * sigrok-cli, which opens no pseudo-terminal by itself: its libserialport looks for the port below /sys and for modem
 * lines. A small library in front of it answers both.
 */
export async function sigrokOnPty(
  context: TestContext,
): Promise<(driver: string, link: string, ...options: string[]) => Promise<string>> {
  const library = join(await temporaryFolder(context), 'pty-as-serial.so');
  await run('cc', ['-shared', '-fPIC', '-o', library, resourcePath('test/support/pty-as-serial.c'), '-ldl']);
  return async (driver, link, ...options) => {
    const { stdout, stderr } = await run(
      'sigrok-cli',
      ['-d', `${driver}:conn=${await readlink(link)}`, ...options],
      { timeout: 60_000, env: { ...process.env, LD_PRELOAD: library } },
    );
    return stdout + stderr;
  };
}
