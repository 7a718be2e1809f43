/**
 * A campaign on a bench of other programs: a virtual supply and a virtual board, each a process of its own, joined by their
 * terminals, reached through real pseudo-terminals and serialport, in real time.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { checkRealBench } from '../../../src-main/campaign/bench/real-bench.js';
import { boardProfile } from '../../../src-main/board/profiles/index.js';
import { InputError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import { openStore } from '../../../src-main/store/store.js';
import { cableToTcp, type SerialCable } from '../../support/serial-cable.js';
import { smallCampaign } from '../../support/small-campaign.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const CLI = resourcePath('dist', 'src-main', 'hosts', 'cli.js');
/** What a supply prints when its output is off. */
const OFF = /^output off/;

interface RunningProgram {
  child: ChildProcess;
  lines: string[];
  /** First match in what it has printed or will print. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Another program of the bench, ended with the test. */
function start(context: TestContext, folder: string, ...words: string[]): RunningProgram {
  const child = spawn(process.execPath, [CLI, ...words], {
    env: { ...process.env, XDG_DATA_HOME: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  context.after(() => child.kill('SIGKILL'));
  return {
    child,
    lines,
    said: async (pattern) => {
      for (let waited = 0; waited < 20_000; waited += 20) {
        const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
        if (match) {
          return match;
        }
        await sleep(20);
      }
      throw new Error(`${words[0]} did not say ${String(pattern)}: ${lines.join(' | ')}`);
    },
  };
}

interface OtherPrograms {
  folder: string;
  supply: RunningProgram;
  supplyCable: SerialCable;
  boardCable: SerialCable;
}

/** Null, and the test is skipped, where socat is missing. */
async function otherPrograms(
  context: TestContext,
  driver: string,
  board: string[],
): Promise<OtherPrograms | null> {
  const folder = await temporaryFolder(context);
  const supply = start(context, folder, 'virtual-supply', '--driver', driver, '--terminals', '0');
  const terminals = (await supply.said(/^Its terminals at 127\.0\.0\.1:(\d+)/))[1];
  const supplyPort = Number((await supply.said(/at tcp:127\.0\.0\.1:(\d+)/))[1]);
  const powered = start(context, folder, 'virtual-board', '--powered-by', terminals, ...board);
  const boardPort = Number((await powered.said(/at 127\.0\.0\.1:(\d+)/))[1]);
  const supplyCable = await cableToTcp(context, supplyPort);
  const boardCable = supplyCable && (await cableToTcp(context, boardPort));
  return boardCable && { folder, supply, supplyCable, boardCable };
}

async function campaignFile(
  { folder, supplyCable, boardCable }: OtherPrograms,
  profile: string,
  mode: string,
  changes: Record<string, string>,
): Promise<string> {
  const examples = resourcePath('dist', 'examples');
  const model = ['digits.onnx', 'digits-eval.npz', 'digits-calibration.npz'].map((name) =>
    join(examples, name),
  );
  const path = join(folder, 'campaign.yaml');
  const bench = `{ board: ${boardCable.paths[0]}, supply: { port: ${supplyCable.paths[0]}, profile: ${profile} }, mode: ${mode} }`;
  const models = `[{ file: ${model[0]}, data: ${model[1]}, calibration: ${model[2]} }]`;
  await writeFile(path, smallCampaign({ models, bench, ...changes }));
  return path;
}

interface Expected {
  driver: string;
  mode: string;
  board: string[];
  changes: Record<string, string>;
  atLeastPowerCycles: number;
}

/** Runs a campaign of one cell with the command line, and looks at what it stored and at what the supply has then. */
async function runsThrough(context: TestContext, expected: Expected): Promise<void> {
  const { driver, mode, board, changes, atLeastPowerCycles } = expected;
  const programs = await otherPrograms(context, driver, board);
  if (!programs) {
    return;
  }
  const { folder, supply } = programs;
  const campaign = await campaignFile(programs, driver, mode, changes);
  const database = join(folder, 'runs.sqlite');
  await promisify(execFile)(process.execPath, [CLI, 'run', campaign, '--db', database], {
    env: { ...process.env, XDG_DATA_HOME: folder },
    timeout: 300_000,
  });
  const store = await openStore(database);
  context.after(() => store.close());
  const { row, measures, log, powerCycles } = await store.getRun(1);
  assert.equal(row.status, 'finished', row.reason ?? '');
  assert.ok(measures);
  assert.ok(measures.powerCycles >= atLeastPowerCycles, `${measures.powerCycles} power cycles`);
  assert.ok(powerCycles.length > 0);
  assert.equal(measures.inferences, Number(changes.samples));
  // The board's own count is compared at the end of each run; a difference is a warning.
  const complaints = log.filter(
    ({ level, message }) => level !== 'info' && !message.includes('cannot be asked'),
  );
  assert.deepEqual(complaints, []);
  await supply.said(OFF);
  assert.match(supply.lines.at(-1) ?? '', OFF);
}

test('the supply as the harvester of a real capacitor: ten power cycles and more', async (context) => {
  await runsThrough(context, {
    driver: 'rigol-dp800',
    mode: 'source',
    board: ['--capacitance', '1mF'],
    changes: {
      capacitances: '[1 mF]',
      harvests: '[{ constant: { volts: 5 V, amps: 6 mA } }]',
      samples: '18',
    },
    atLeastPowerCycles: 10,
  });
});

test('a virtual capacitor: the board counts the power cycles that were commanded', async (context) => {
  await runsThrough(context, {
    driver: 'ppk2',
    mode: 'virtual-capacitor',
    board: [],
    changes: {
      capacitances: '[2.2 mF]',
      harvests: '[{ constant: { volts: 5 V, amps: 3 mA } }]',
      samples: '15',
    },
    atLeastPowerCycles: 2,
  });
});

test('a program that is killed leaves the supply off, and a run on it as interrupted', async (context) => {
  const programs = await otherPrograms(context, 'rigol-dp800', ['--capacitance', '2.2mF']);
  if (!programs) {
    return;
  }
  const { folder, supply } = programs;
  const campaign = await campaignFile(programs, 'rigol-dp800', 'source', {
    capacitances: '[2.2 mF]',
    samples: '50',
  });
  const database = join(folder, 'runs.sqlite');
  const child = spawn(process.execPath, [CLI, 'run', campaign, '--db', database], {
    env: { ...process.env, XDG_DATA_HOME: folder },
    stdio: 'ignore',
  });
  await supply.said(/^output on {3}5\.000 V/);
  const before = supply.lines.length;
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (
    let waited = 0;
    waited < 20_000 && !supply.lines.slice(before).some((line) => OFF.test(line));
    waited += 50
  ) {
    await sleep(50);
  }
  assert.match(supply.lines.at(-1) ?? '', OFF);
});

test('a supply that reads too slowly to be the switch of a capacitor is refused, with one that it could be', () => {
  const options = (capacitanceFarads: number) => ({
    spec: {
      boardPort: '/dev/none',
      supplyPort: '/dev/none',
      supply: 'rigol-dp800',
      mode: 'virtual-capacitor' as const,
    },
    profile: boardProfile('pico-fram'),
    capacitanceFarads,
    turnOnVolts: 4.5,
    brownOutVolts: 2,
  });
  assert.throws(
    () => checkRealBench(options(1e-3)),
    (error: unknown) => error instanceof InputError && /at least 18\.\d mF/.test(error.remedy),
  );
  assert.equal(checkRealBench(options(19e-3)).driver, 'rigol-dp800');
});
