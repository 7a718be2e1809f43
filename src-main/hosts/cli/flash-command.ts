/** flash: an image and its samples through the bench's own firmware, or any program through the boot loader in a chip's ROM. */
import { createInterface } from 'node:readline/promises';
import { Option, type Command } from 'commander';
import { InputError } from '../../common/errors.js';
import { flashProgram, ROM_FLASHERS, type RomFlasher } from '../../service/flash-program.js';
import { flashOverSerial } from '../../service/flash.js';
import { datasetPathOf } from '../../service/models.js';
import { boardOption, jsonOption, wordOption } from './options.js';
import { cancellable, printJson, ProgressLine } from './terminal.js';

const FLASHERS = ['loader', ...ROM_FLASHERS] as const;

interface FlashOptions {
  port: string;
  flasher: 'loader' | RomFlasher;
  data?: string;
  board: string;
  lines: 'none' | 'dtr-rts';
  password?: string;
  allowErase?: boolean;
  json?: boolean;
}

export function addFlashCommand(program: Command): void {
  program
    .command('flash <file>')
    .description('load an image and its samples onto a board, or a program through the boot loader in a chip')
    .requiredOption('--port <path>', 'serial port of the board, for example /dev/ttyACM0')
    .addOption(
      new Option(
        '--flasher <name>',
        'loader: an image, through the firmware of this bench; stm32, msp430: an ELF, Intel HEX or BIN, through the boot loader in ROM',
      )
        .default('loader')
        .argParser(wordOption('--flasher', FLASHERS)),
    )
    .option('--data <file>', 'loader: data set that `compile --data` wrote (default: FILE.dataset)')
    .addOption(boardOption())
    .addOption(
      new Option('--lines <use>', 'dtr-rts: the adapter brings the chip into its boot loader by DTR and RTS')
        .default('none')
        .argParser(wordOption('--lines', ['none', 'dtr-rts'] as const)),
    )
    .option('--password <file>', 'msp430: the 32 bytes at 0xffe0 of the program that is on the chip')
    .option('--allow-erase', 'msp430: send the password though a wrong one erases the program on the chip')
    .addOption(jsonOption())
    .action(async (file: string, options: FlashOptions) => {
      if (options.flasher === 'loader') {
        await flashImage(file, options);
      } else {
        await flashRom(file, options.flasher, options);
      }
    });
}

async function flashImage(file: string, { port, data, board, json }: FlashOptions): Promise<void> {
  const progress = new ProgressLine();
  const result = await cancellable((signal) =>
    flashOverSerial(
      { imagePath: file, datasetPath: data ?? datasetPathOf(file), portPath: port, board },
      {
        signal,
        onProgress: (fraction) => {
          progress.show(fraction, `flashing ${port}`);
        },
      },
    ),
  ).finally(() => {
    progress.clear();
  });
  if (json) {
    printJson(result);
  } else {
    console.log(`Flashed and verified ${result.imageBytes + result.datasetBytes} bytes on ${port}.`);
  }
}

async function flashRom(file: string, flasher: RomFlasher, options: FlashOptions): Promise<void> {
  const { port, lines, password, json } = options;
  if (flasher !== 'msp430' && (password !== undefined || options.allowErase)) {
    throw new InputError({
      code: 'flash-options',
      place: password === undefined ? '--allow-erase' : '--password',
      message: `--flasher ${flasher} has no password`,
      remedy: 'Leave it away, or give --flasher msp430',
    });
  }
  const progress = new ProgressLine();
  const report = await cancellable(
    (signal) =>
      flashProgram(
        { flasher, programPath: file, portPath: port, lines, passwordPath: password ?? null },
        {
          signal,
          onProgress: (fraction, label) => {
            progress.show(fraction, `${label} ${port}`);
          },
          mayErase: async () => options.allowErase ?? (await askToErase(port, signal)),
        },
      ),
    'Stopping; what is written stays, and flashing again goes on from there.',
  ).finally(() => {
    progress.clear();
  });
  if (json) {
    printJson(report);
    return;
  }
  const { chip, loader, programBytes, blocks, blocksWritten, started } = report;
  console.log(
    `Flashed and verified ${programBytes} bytes on the ${chip}, boot loader ${loader}: ` +
      `${blocksWritten} of ${blocks} blocks were different.` +
      (started ? '' : ' Not started: it has no reset vector.'),
  );
}

/** Without a terminal there is nobody to ask, and silence is no consent. */
async function askToErase(port: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) {
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(
      `The password goes to ${port} next. If it is not that of the program on the chip, the chip erases that program. Go on? [y/N] `,
      { signal },
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
