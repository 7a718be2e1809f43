/** doctor, self-test, virtual-board, serve. */
import { once } from 'node:events';
import { Option, type Command } from 'commander';
import { defaultDatabasePath } from '../../common/data-folder.js';
import { InputError } from '../../common/errors.js';
import { examine } from '../../service/doctor.js';
import {
  runSelfTest,
  VIRTUAL_FAULTS,
  type SelfTestRequest,
  type VirtualFault,
} from '../../service/self-test.js';
import { runOnVirtualBoard, serveBoard, type VirtualBoardRequest } from '../../service/virtual-board.js';
import { servePoweredBoard } from '../../service/powered-board.js';
import { serveLoader, VIRTUAL_LOADERS } from '../../service/virtual-loader.js';
import { electronState } from '../electron-runtime.js';
import { serve } from '../serve.js';
import { boardOption, countOption, jsonOption, portOption, quantityOption, wordOption } from './options.js';
import { cancellable, printJson } from './terminal.js';

const VIRTUAL_FAULT_NAMES = Object.keys(VIRTUAL_FAULTS) as VirtualFault[];

interface SelfTestCommandOptions {
  port?: string;
  virtual?: boolean;
  fault: VirtualFault;
  board: string;
  json?: boolean;
}

function selfTestRequest({ port, virtual, fault, board }: SelfTestCommandOptions): SelfTestRequest {
  if (port !== undefined && !virtual && fault === 'none') {
    return { board, kind: 'serial', portPath: port };
  }
  if (virtual && port === undefined) {
    return { board, kind: 'virtual', fault };
  }
  throw new InputError({
    code: 'self-test-board',
    place: 'self-test',
    message: 'one board is to be named, and only the virtual one can be given a fault',
    remedy: 'Give --port and the serial port of a board, or --virtual',
  });
}

interface VirtualBoardOptions {
  firmware?: string;
  loader?: (typeof VIRTUAL_LOADERS)[number];
  poweredBy?: { host: string; port: number };
  capacitance?: number;
  chip?: string;
  seconds: number;
  port?: number;
  seed: number;
  board: string;
  json?: boolean;
}

function terminalsOption(text: string): { host: string; port: number } {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  if (!match) {
    throw new InputError({
      code: 'option-value',
      place: '--powered-by',
      message: `'${text}' is no address of terminals`,
      remedy: 'Give the port that `virtual-supply --terminals` prints, as HOST:PORT',
    });
  }
  return { host: match[1] ?? '127.0.0.1', port: portOption(match[2]) };
}

/** The program's own output goes to standard output as it comes, figures to standard error; --json: all in one object. */
async function runProgramOnBoard(
  request: VirtualBoardRequest & { firmwarePath: string },
  { seconds, json }: VirtualBoardOptions,
): Promise<void> {
  const output: Uint8Array[] = [];
  const run = await cancellable(
    (signal) =>
      runOnVirtualBoard(
        { ...request, seconds },
        {
          signal,
          onOutput: (bytes) => {
            if (json) {
              output.push(bytes);
            } else {
              process.stdout.write(bytes);
            }
          },
        },
      ),
    'Stopping.',
  );
  if (json) {
    printJson({ ...run, output: Buffer.concat(output).toString('latin1') });
    return;
  }
  for (const note of run.notes) {
    console.error(`not modelled: ${note}`);
  }
  console.error(
    `\n${run.cycles} cycles, ${run.instructions} instructions, ${run.cacheMisses} words read from flash by the cache, ` +
      `${run.simulatedSeconds.toFixed(6)} s; ended by ${run.ended}`,
  );
}

export function addBenchCommands(program: Command): void {
  program
    .command('doctor')
    .description('what is usable here: virtual bench, database, serial ports, Electron')
    .option('--db <file>', 'database to look at', defaultDatabasePath())
    .addOption(jsonOption())
    .action(async ({ db, json }: { db: string; json?: boolean }) => {
      const checks = await examine({ databasePath: db, electron: electronState() });
      if (json) {
        printJson({ checks });
      } else {
        const marks = { ok: 'ok    ', absent: 'absent', broken: 'BROKEN' };
        for (const { label, state, detail, remedy } of checks) {
          console.log(`${marks[state]}  ${label.padEnd(34)} ${detail}`);
          if (remedy !== null) {
            console.log(`        ${remedy}.`);
          }
        }
      }
      if (checks.some((check) => check.state === 'broken')) {
        process.exitCode = 1;
      }
    });

  program
    .command('self-test')
    .description('examine a board: FRAM, flash, firmware, capacitor through the ADC, serial link')
    .option('--port <path>', 'serial port of the board, for example /dev/ttyACM0')
    .option('--virtual', 'the virtual board')
    .addOption(
      new Option(
        '--fault <name>',
        `break something of the virtual board first: ${VIRTUAL_FAULT_NAMES.join(', ')}`,
      )
        .default('none')
        .argParser(wordOption('--fault', VIRTUAL_FAULT_NAMES)),
    )
    .addOption(boardOption())
    .addOption(jsonOption())
    .action(async (options: SelfTestCommandOptions) => {
      const checks = await runSelfTest(selfTestRequest(options));
      if (options.json) {
        printJson({ checks });
      } else {
        for (const { label, passed, value, remedy } of checks) {
          const mark = passed === null ? 'not tried' : passed ? 'pass' : 'FAIL';
          console.log(`${mark.padEnd(9)}  ${label.padEnd(26)} ${value}`);
          if (remedy !== null) {
            console.log(`           ${remedy}`);
          }
        }
      }
      if (checks.some(({ passed }) => passed === false)) {
        process.exitCode = 1;
      }
    });

  program
    .command('virtual-board')
    .description('the virtual Pico: runs any program for the RP2040, or puts its serial line on a TCP port')
    .option(
      '--firmware <file>',
      'ELF, UF2, BIN or Intel HEX; without it the firmware of this bench, on a TCP port',
    )
    .addOption(
      new Option('--seconds <n>', 'simulated seconds to run a program for, until it executes BKPT')
        .default(5)
        .argParser(quantityOption('--seconds', 's')),
    )
    .addOption(
      new Option(
        '--port <n>',
        'put the serial line on this TCP port of this machine; 0 takes any free one',
      ).argParser(portOption),
    )
    .addOption(
      new Option(
        '--loader <name>',
        `the boot loader of another chip on the TCP port, for flashing programs: ${VIRTUAL_LOADERS.join(', ')}`,
      ).argParser(wordOption('--loader', VIRTUAL_LOADERS)),
    )
    .addOption(
      new Option(
        '--powered-by <host:port>',
        'terminals of `virtual-supply --terminals`: the board has power only while that supply gives it',
      ).argParser(terminalsOption),
    )
    .addOption(
      new Option(
        '--capacitance <f>',
        'with --powered-by: capacitor between supply and board; none when left out',
      ).argParser(quantityOption('--capacitance', 'F')),
    )
    .option('--chip <name>', 'which chip of that family, for example STM32F411 or MSP430FR5969')
    .addOption(
      new Option('--seed <n>', 'of what SRAM holds at power-on')
        .default(1)
        .argParser(countOption('--seed', 0)),
    )
    .addOption(boardOption())
    .addOption(jsonOption())
    .action(async (options: VirtualBoardOptions) => {
      const request = { firmwarePath: options.firmware ?? null, board: options.board, seed: options.seed };
      if (request.firmwarePath !== null && options.port === undefined) {
        await runProgramOnBoard({ ...request, firmwarePath: request.firmwarePath }, options);
        return;
      }
      if (options.poweredBy !== undefined) {
        const { board, seed, capacitance, poweredBy: terminals } = options;
        await cancellable(async (signal) => {
          const server = await servePoweredBoard({
            board,
            seed,
            port: options.port ?? 0,
            terminals,
            capacitanceFarads: capacitance ?? null,
          });
          console.log(`Serial line of the virtual board at ${server.host}:${server.port}. Ctrl+C ends it.`);
          await Promise.race([once(signal, 'abort'), server.done]);
          await server.close();
        }, 'Closing.');
        return;
      }
      if (options.loader !== undefined) {
        const { loader } = options;
        await cancellable(async (signal) => {
          const server = await serveLoader(loader, options.chip ?? null, options.port ?? 0);
          console.log(`Boot loader of the ${server.chip} at ${server.host}:${server.port}. Ctrl+C ends it.`);
          await once(signal, 'abort');
          await server.close();
        }, 'Closing.');
        return;
      }
      await cancellable(async (signal) => {
        const server = await serveBoard({ ...request, port: options.port ?? 0 }, (note) => {
          console.error(`brownout: not modelled: ${note}`);
        });
        console.log(`Serial line of the virtual board at ${server.host}:${server.port}. Ctrl+C ends it.`);
        await Promise.race([once(signal, 'abort'), server.done]);
        await server.close();
      }, 'Closing.');
    });

  program
    .command('serve')
    .description('the window in a browser on this machine')
    .option('--db <file>', 'database of runs', defaultDatabasePath())
    .addOption(new Option('--port <n>', 'port; any free one when left out').default(0).argParser(portOption))
    .option('--no-open', 'do not open a browser')
    .action(async (options: { db: string; port: number; open: boolean }) => {
      await serve({ port: options.port, databasePath: options.db, open: options.open, say: console.log });
    });
}
