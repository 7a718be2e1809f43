/** doctor, flash, virtual-supply, serve. */
import { once } from 'node:events';
import { Option, type Command } from 'commander';
import { defaultDatabasePath } from '../../common/data-folder.js';
import { resourcePath } from '../../common/resources.js';
import { examine } from '../../service/doctor.js';
import { flashOverSerial } from '../../service/flash.js';
import { datasetPathOf } from '../../service/models.js';
import { VIRTUAL_SUPPLY_MODELS } from '../../supply/virtual/models.js';
import { serveVirtualSupply } from '../../supply/virtual/serve.js';
import { findElectron } from '../electron-runtime.js';
import { serve } from '../serve.js';
import { boardOption, countOption, jsonOption, wordOption } from './options.js';
import { cancellable, printJson, ProgressLine } from './terminal.js';

export function addBenchCommands(program: Command): void {
  program
    .command('doctor')
    .description('what is usable here: virtual bench, database, serial ports, Electron')
    .option('--db <file>', 'database to look at', defaultDatabasePath())
    .addOption(jsonOption())
    .action(async ({ db, json }: { db: string; json?: boolean }) => {
      const electron = findElectron(resourcePath('node_modules', 'electron'));
      const checks = await examine({
        databasePath: db,
        electron:
          electron.executable === null
            ? { usable: false, detail: electron.reason }
            : { usable: true, detail: electron.executable },
      });
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
    .command('flash <image>')
    .description('load an image and its samples onto a board over its serial line')
    .requiredOption('--port <path>', 'serial port of the board, for example /dev/ttyACM0')
    .option('--data <file>', 'data set that `compile --data` wrote (default: IMAGE.dataset)')
    .addOption(
      new Option('--flasher <name>', 'how the board is flashed')
        .default('loader')
        .argParser(wordOption('--flasher', ['loader'] as const)),
    )
    .addOption(boardOption())
    .addOption(jsonOption())
    .action(
      async (image: string, options: { port: string; data?: string; board: string; json?: boolean }) => {
        const progress = new ProgressLine();
        const result = await cancellable((signal) =>
          flashOverSerial(
            {
              imagePath: image,
              datasetPath: options.data ?? datasetPathOf(image),
              portPath: options.port,
              board: options.board,
            },
            {
              signal,
              onProgress: (fraction) => {
                progress.show(fraction, `flashing ${options.port}`);
              },
            },
          ),
        ).finally(() => {
          progress.clear();
        });
        if (options.json) {
          printJson(result);
        } else {
          console.log(
            `Flashed and verified ${result.imageBytes + result.datasetBytes} bytes on ${options.port}.`,
          );
        }
      },
    );

  program
    .command('virtual-supply')
    .description(
      'a virtual programmable supply that speaks SCPI over TCP on this machine, for other programs',
    )
    .addOption(
      new Option('--port <n>', 'TCP port; any free one when left out')
        .default(0)
        .argParser(countOption('--port', 0)),
    )
    .addOption(
      new Option('--model <name>', 'bench, or n5767a for programs that only talk to instruments they know')
        .default('bench')
        .argParser(wordOption('--model', ['bench', 'n5767a'] as const)),
    )
    .action(async ({ port, model }: { port: number; model: 'bench' | 'n5767a' }) => {
      await cancellable(async (signal) => {
        const server = await serveVirtualSupply({ port, model: VIRTUAL_SUPPLY_MODELS[model] });
        console.log(`Virtual supply ${model} at 127.0.0.1:${server.port}. Ctrl+C ends it.`);
        await once(signal, 'abort');
        await server.close();
      }, 'Closing.');
    });

  program
    .command('serve')
    .description('the window in a browser on this machine')
    .option('--db <file>', 'database of runs', defaultDatabasePath())
    .addOption(
      new Option('--port <n>', 'port; any free one when left out')
        .default(0)
        .argParser(countOption('--port', 0)),
    )
    .option('--no-open', 'do not open a browser')
    .action(async (options: { db: string; port: number; open: boolean }) => {
      await serve({ port: options.port, databasePath: options.db, open: options.open, say: console.log });
    });
}
