/** supply, virtual-supply. */
import { once } from 'node:events';
import { Option, type Command } from 'commander';
import { InputError } from '../../common/errors.js';
import { writeWhole } from '../../common/write-whole.js';
import { formatQuantity, parseQuantity } from '../../common/quantity.js';
import { listPorts, probePort, rememberedDriver } from '../../service/discover.js';
import {
  playList,
  prepareSupply,
  resolveSupply,
  switchOff,
  watchOutput,
  withPower,
  withSupply,
  type SupplyRequest,
} from '../../service/supply.js';
import { serveTerminals } from '../../service/terminals-wire.js';
import type { CurrentRecord, ListStep } from '../../supply/driver.js';
import { SUPPLY_PROFILES } from '../../supply/profiles/index.js';
import { SUPPLY_EMULATORS } from '../../supply/virtual/emulators.js';
import { VIRTUAL_SUPPLY_MODELS } from '../../supply/virtual/models.js';
import { serveVirtualSupply } from '../../supply/virtual/serve.js';
import { serveInstrumentOnPty, serveInstrumentOnTcp } from '../../supply/virtual/serve-instrument.js';
import { boardOption, countOption, jsonOption, portOption, quantityOption, wordOption } from './options.js';
import { cancellable, printFields, printJson } from './terminal.js';

interface SupplyOptions {
  port: string;
  driver?: string;
  board: string;
  json?: boolean;
}

interface PointOptions extends SupplyOptions {
  volts: number;
  amps?: number;
  overVolts?: number;
}

/** The driver may be left out for an instrument that `supply find` has met. */
async function request({ port, driver, board }: SupplyOptions): Promise<SupplyRequest> {
  const supply = driver ?? (await rememberedDriver(port));
  if (supply === null) {
    throw new InputError({
      code: 'supply-driver',
      place: '--driver',
      message: `it is not known what instrument is at ${port}`,
      remedy: `Name it, or find out with brownout supply find --port ${port}`,
    });
  }
  return { address: port, supply, board };
}

const volts = () =>
  new Option('--volts <v>', 'voltage, for example 3.3V')
    .argParser((text) => parseQuantity(text, 'V', { place: '--volts', minimum: 0 }))
    .makeOptionMandatory();

const amps = () =>
  new Option('--amps <a>', "current limit, for example 50mA (default: the board's)").argParser((text) =>
    parseQuantity(text, 'A', { place: '--amps', minimum: 0 }),
  );

const overVolts = () =>
  new Option('--over-volts <v>', "over-voltage protection (default: just above the board's limit)").argParser(
    quantityOption('--over-volts', 'V'),
  );

/** `3.3V,50mA,200ms`. */
function parseStep(text: string): ListStep {
  const parts = text.split(',');
  if (parts.length !== 3) {
    throw new InputError({
      code: 'supply-step',
      place: text,
      message: 'a step has three parts: voltage, current limit, time',
      remedy: 'Give steps such as 3.3V,50mA,2s',
    });
  }
  return {
    volts: parseQuantity(parts[0], 'V', { place: text, minimum: 0 }),
    amps: parseQuantity(parts[1], 'A', { place: text, minimum: 0 }),
    seconds: parseQuantity(parts[2], 's', { place: text, positive: true }),
  };
}

function print(json: boolean | undefined, value: Record<string, string | number | boolean | null>): void {
  if (json) {
    printJson(value);
  } else {
    printFields(
      Object.fromEntries(
        Object.entries(value).map(([key, each]) => [
          key,
          typeof each === 'boolean' ? (each ? 'yes' : 'no') : each,
        ]),
      ),
    );
  }
}

export function addSupplyCommands(program: Command): void {
  const supply = program
    .command('supply')
    .description(
      'a programmable supply: find, identify, state, set, on, off, measure, protect, errors, list, record',
    );
  const command = (name: string, description: string) =>
    supply
      .command(name)
      .description(description)
      .requiredOption('--port <address>', 'serial port such as /dev/ttyUSB0, or tcp:HOST:PORT')
      .option(
        '--driver <name>',
        'driver or instrument: korad, rigol-dp832, riden-rd6006, ... (default: what `supply find` found there)',
      )
      .addOption(boardOption())
      .addOption(jsonOption())
      .exitOverride()
      .showHelpAfterError('(add --help to see what the command takes)');

  command('identify', 'what instrument it is').action(async (options: SupplyOptions) =>
    withSupply(await request(options), async ({ supply }) => {
      print(options.json, { ...(await supply.identify()) });
    }),
  );

  command('state', 'set points, output, regulation, tripped protections; changes nothing').action(
    async (options: SupplyOptions) =>
      withSupply(await request(options), async ({ supply }) => {
        await supply.identify();
        print(options.json, { ...(await supply.state()) });
      }),
  );

  command('measure', 'voltage and current at its terminals').action(async (options: SupplyOptions) =>
    withSupply(await request(options), async ({ supply }) => {
      await supply.identify();
      const reading = await supply.measure();
      print(
        options.json,
        options.json
          ? { ...reading }
          : { volts: formatQuantity(reading.volts, 'V', 5), amps: formatQuantity(reading.amps, 'A', 5) },
      );
    }),
  );

  command('errors', "reads the instrument's error queue empty").action(async (options: SupplyOptions) =>
    withSupply(await request(options), async ({ supply }) => {
      const errors = await supply.errors();
      if (options.json) {
        printJson({ errors });
      } else {
        console.log(errors.length === 0 ? 'No errors.' : errors.join('\n'));
      }
    }),
  );

  command('set', 'voltage and current limit; the output stays as it is')
    .addOption(volts())
    .addOption(amps())
    .action(async (options: PointOptions) =>
      withSupply(await request(options), async ({ supply, limits }) => {
        await supply.identify();
        await supply.set(options.volts, options.amps ?? limits.maximumAmps);
        const { volts, amps } = await supply.state();
        print(options.json, { volts, amps });
      }),
    );

  command('protect', 'levels that switch the output off when they are passed')
    .addOption(overVolts())
    .addOption(
      new Option('--over-amps <a>', 'over-current protection').argParser(quantityOption('--over-amps', 'A')),
    )
    .action(async (options: SupplyOptions & { overVolts?: number; overAmps?: number }) =>
      withSupply(await request(options), async ({ supply }) => {
        await supply.identify();
        print(options.json, {
          ...(await supply.protect({
            overVolts: options.overVolts ?? null,
            overAmps: options.overAmps ?? null,
          })),
        });
      }),
    );

  command('off', 'output off, by whatever it takes').action(async (options: SupplyOptions) => {
    print(options.json, { off: await switchOff(await request(options)) });
  });

  command('on', 'output on, until Ctrl+C or --seconds; off at every end of this program')
    .addOption(volts())
    .addOption(amps())
    .addOption(overVolts())
    .addOption(
      new Option('--seconds <t>', 'switch off after this time').argParser(quantityOption('--seconds', 's')),
    )
    .option('--leave-on', 'end at once and leave the output on')
    .action(async (options: PointOptions & { seconds?: number; leaveOn?: boolean }) => {
      const leaveOn = options.leaveOn ?? false;
      const target = await request(options);
      const { off } = await interruptible((signal) =>
        withPower(target, { leaveOn }, async (open) => {
          const { found } = await prepareSupply(open, {
            volts: options.volts,
            amps: options.amps ?? open.limits.maximumAmps,
            overVolts: options.overVolts ?? null,
          });
          if (found.on === true) {
            console.error('The output was found on and has been switched off first.');
          }
          if (signal.aborted) return;
          await open.supply.output(true);
          console.error(leaveOn ? 'Output on.' : 'Output on. Ctrl+C switches it off.');
          if (leaveOn) return;
          await watchOutput(open, options.seconds ?? Infinity, signal, (reading) => {
            if (options.json) {
              printJson(reading);
            } else {
              console.log(
                `${formatQuantity(reading.volts, 'V', 5)}  ${formatQuantity(reading.amps, 'A', 5)}`,
              );
            }
          });
        }),
      );
      console.error(OFF_TEXTS[off]);
    });

  command(
    'list',
    "plays steps by the instrument's own clock: brownout supply list 3.3V,50mA,2s 0V,50mA,1s ...",
  )
    .argument('<steps...>', 'voltage, current limit and time of each step')
    .addOption(new Option('--repeat <n>', 'times').default(1).argParser(countOption('--repeat', 1)))
    .action(async (steps: string[], options: SupplyOptions & { repeat: number }) => {
      const parsed = steps.map(parseStep);
      const target = await request(options);
      const { result, off } = await interruptible((signal) =>
        withPower(target, { leaveOn: false }, (open) => playList(open, parsed, options.repeat, signal)),
      );
      print(options.json, { seconds: Number(result.seconds.toFixed(3)), off });
    });

  command('record', 'samples of the current, from an instrument that streams them; off at the end')
    .addOption(volts())
    .addOption(amps())
    .addOption(
      new Option('--seconds <t>', 'how long')
        .default(0.1, '100 ms')
        .argParser(quantityOption('--seconds', 's')),
    )
    .option('--out <file.csv>', 'every sample: seconds, amperes, digital inputs')
    .action(async (options: PointOptions & { seconds: number; out?: string }) => {
      const target = await request(options);
      const { result: record, off } = await interruptible((signal) =>
        withPower(target, { leaveOn: false }, async (open) => {
          const amps = options.amps ?? open.limits.maximumAmps;
          await prepareSupply(open, { volts: options.volts, amps, overVolts: null });
          // A long recording does not keep the output from going off.
          signal.addEventListener('abort', () => void open.supply.shutdown());
          if (signal.aborted) await open.supply.shutdown();
          await open.supply.output(true);
          return open.supply.record(options.seconds);
        }),
      );
      const { samplesPerSecond, lostSamples } = record;
      if (options.out !== undefined) {
        await writeWhole(options.out, recordCsv(record));
      }
      const seen = [...record.amps].filter((each) => !Number.isNaN(each));
      const sum = seen.reduce((total, each) => total + each, 0);
      const peak = seen.reduce((most, each) => Math.max(most, each), 0);
      print(options.json, {
        samples: record.amps.length,
        samplesPerSecond,
        lostSamples,
        meanAmps: sum / Math.max(1, seen.length),
        peakAmps: peak,
        coulombs: sum / samplesPerSecond,
        off,
      });
    });

  supply
    .command('find')
    .description(
      'serial ports with their USB identity; with --port, asks there what it is (switches nothing on)',
    )
    .option('--port <address>', 'serial port or tcp:HOST:PORT to ask')
    .addOption(jsonOption())
    .action(async ({ port, json }: { port?: string; json?: boolean }) => {
      if (port !== undefined) {
        const found = await probePort(port);
        if (json) {
          printJson(found);
        } else if (found.identity === null) {
          console.log(`${port}: ${found.reason ?? 'nothing found'}`);
        } else {
          console.log(
            `${port}: ${Object.values(found.identity).filter(Boolean).join(' ')}, driver ${found.driver}`,
          );
        }
        process.exitCode = found.identity === null ? 1 : 0;
        return;
      }
      const ports = await listPorts();
      if (json) {
        printJson({ ports });
        return;
      }
      for (const { address, usb, probably, remembered } of ports) {
        const usbName = usb?.vendorId ? `${usb.vendorId}:${usb.productId ?? ''}` : '';
        const name = remembered?.name ?? (probably === null ? 'unknown' : `probably ${probably.name}`);
        console.log(`${address.padEnd(20)} ${usbName.padEnd(10)} ${name}`);
      }
      if (ports.length === 0) console.log('No serial ports.');
    });

  supply
    .command('drivers')
    .description('the instruments that the bench knows, with their limits')
    .addOption(boardOption())
    .addOption(jsonOption())
    .action(({ board, json }: { board: string; json?: boolean }) => {
      if (json) {
        printJson({ supplies: SUPPLY_PROFILES });
        return;
      }
      for (const { id, driver, name } of SUPPLY_PROFILES) {
        const { limits } = resolveSupply({ supply: id, board });
        console.log(
          `${id.padEnd(20)} ${driver.padEnd(16)} ${name}; with ${board} up to ` +
            `${formatQuantity(limits.maximumVolts, 'V')}, ${formatQuantity(limits.maximumAmps, 'A')}`,
        );
      }
    });

  addVirtualSupplyCommand(program);
}

function recordCsv({ samplesPerSecond, amps, logic }: CurrentRecord): string {
  const lines = ['seconds,amperes,digital'];
  for (let index = 0; index < amps.length; index++) {
    const value = Number.isNaN(amps[index]) ? '' : amps[index].toExponential(6);
    lines.push(`${(index / samplesPerSecond).toFixed(5)},${value},${logic[index]}`);
  }
  return `${lines.join('\n')}\n`;
}

const OFF_TEXTS = {
  confirmed: 'Output off, confirmed by the supply.',
  sent: 'Output off was sent; this supply cannot confirm it.',
  failed: 'The output could not be switched off.',
  'left on': 'The output stays on.',
};

/**
 * Runs `work` with a signal that Ctrl+C, SIGTERM and a closed terminal abort. Further ones are told to wait: the output
 * goes off first. Killing is left to the watchdog.
 */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    try {
      console.error(
        controller.signal.aborted ? '\nStill switching the output off.' : '\nSwitching the output off.',
      );
    } catch {
      // The terminal may be gone.
    }
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  signals.forEach((signal) => process.on(signal, stop));
  // Writing to a closed terminal must not end the program before the output is off.
  const ignore = () => undefined;
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
  try {
    return await work(controller.signal);
  } finally {
    signals.forEach((signal) => process.off(signal, stop));
  }
}

function addVirtualSupplyCommand(program: Command): void {
  program
    .command('virtual-supply')
    .description('a virtual programmable supply on this machine, for other programs')
    .addOption(
      new Option('--port <n>', 'TCP port; any free one when left out').default(0).argParser(portOption),
    )
    .option('--pty <path>', 'a pseudo-terminal at this path instead of TCP (needs socat)')
    .addOption(
      new Option('--driver <name>', 'an instrument of a maker, byte by byte').argParser(
        wordOption(
          '--driver',
          SUPPLY_EMULATORS.map(({ id }) => id),
        ),
      ),
    )
    .addOption(
      new Option('--load <r>', 'resistor at its terminals, with --driver')
        .default(330, '330 ohm')
        .argParser(quantityOption('--load', 'Ω')),
    )
    .addOption(
      new Option(
        '--terminals <n>',
        'with --driver: offer its terminals on this TCP port to `virtual-board --powered-by`, instead of a resistor',
      ).argParser(portOption),
    )
    .addOption(
      new Option(
        '--model <name>',
        'without --driver: bench, or n5767a for programs that only talk to instruments they know',
      )
        .default('bench')
        .argParser(wordOption('--model', ['bench', 'n5767a'] as const)),
    )
    .action(
      async (options: {
        port: number;
        pty?: string;
        driver?: string;
        load: number;
        terminals?: number;
        model: 'bench' | 'n5767a';
      }) => {
        const emulator = SUPPLY_EMULATORS.find(({ id }) => id === options.driver);
        if (emulator === undefined && options.pty !== undefined) {
          throw new InputError({
            code: 'supply-pty',
            place: '--pty',
            message: 'only an instrument chosen with --driver can be on a pseudo-terminal',
            remedy: 'Name it, for example --driver korad',
          });
        }
        await cancellable(async (signal) => {
          if (emulator === undefined) {
            const server = await serveVirtualSupply({
              port: options.port,
              model: VIRTUAL_SUPPLY_MODELS[options.model],
            });
            console.log(`Virtual supply ${options.model} at 127.0.0.1:${server.port}. Ctrl+C ends it.`);
            await once(signal, 'abort');
            await server.close();
            return;
          }
          const load = { ohms: options.load };
          const instrument = emulator.create(load);
          const terminals =
            options.terminals === undefined
              ? null
              : await serveTerminals(instrument, load, options.terminals);
          const server =
            options.pty === undefined
              ? await serveInstrumentOnTcp(instrument, options.port)
              : await serveInstrumentOnPty(instrument, options.pty);
          console.log(`Virtual ${emulator.name} at ${server.address}. Ctrl+C ends it.`);
          if (terminals !== null) {
            console.log(`Its terminals at 127.0.0.1:${terminals.port}.`);
          }
          let shown = '';
          // So that a person sees what other programs do to it.
          const timer = setInterval(() => {
            const { on, volts, amps } = instrument.terminals;
            const text = `output ${on ? 'on ' : 'off'}  ${formatQuantity(volts, 'V', 4)}  ${formatQuantity(amps, 'A', 4)}`;
            if (text !== shown) console.log(text);
            shown = text;
          }, 20);
          await Promise.race([once(signal, 'abort'), server.done]).finally(() => clearInterval(timer));
          await terminals?.close();
          await server.close();
        }, 'Closing.');
      },
    );
}
