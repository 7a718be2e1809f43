/**
 * A bench of real instruments: a board on a serial line, a programmable supply, the clock on the wall. The harvest reaches the
 * board in one of two ways: `source`, the supply is the harvester and charges the board's own capacitor; or
 * `virtual-capacitor`, the host is the capacitor and the supply its output.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoardProfile } from '../../board/profile.js';
import { openSerialPort } from '../../board/serial-port.js';
import { RunError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type { Port } from '../../common/port.js';
import { openTcpPort } from '../../common/tcp-port.js';
import type { BenchSupply, ShutdownOutcome, SupplyDriver } from '../../supply/driver.js';
import { openSupply } from '../../supply/drivers/index.js';
import { limitsForBoard, supplyProfileFor, type SupplyProfile } from '../../supply/profiles/index.js';
import { TraceRecorder } from '../trace-recorder.js';
import type { BenchSample, PowerCycle, RealBenchSpec, TraceChannel } from '../types.js';
import type { Bench, BenchObservation } from './bench.js';
import { openSupplyPort } from './supply-port.js';
import { startSupplyWatchdog, type SupplyWatchdog } from './supply-watchdog.js';
import { SwitchEstimate } from './switch-estimate.js';
import { assertFastEnough, VirtualCapacitor } from './virtual-capacitor.js';

export interface RealBenchOptions {
  spec: RealBenchSpec;
  profile: BoardProfile;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  /** Cancels: waiting on the board's port then rejects. */
  signal: AbortSignal;
  onSample: (sample: BenchSample) => void;
}

/** How long a cancelled run may wait for the board before it notices. */
const CANCEL_SECONDS = 0.1;
/** Over-voltage protection above the highest voltage that a command can set. */
const PROTECTION_ROOM = 1.05;
/** In mode `source` readings are for charts only, and must not delay the harvest's own commands by much. */
const LONGEST_READING_PERIOD_SECONDS = 0.1;

/** @throws InputError for a supply that is not known or too slow for the mode, before any port is opened */
export function checkRealBench(options: Omit<RealBenchOptions, 'signal' | 'onSample'>): SupplyProfile {
  const profile = supplyProfileFor(options.spec.supply, 'bench.supply');
  if (options.spec.mode === 'virtual-capacitor') {
    const { activeAmps, railVolts, converterEfficiency } = options.profile.power;
    const loadAmps = (activeAmps.value * railVolts.value) / converterEfficiency.value / options.brownOutVolts;
    assertFastEnough(profile, options, loadAmps);
  }
  return profile;
}

/**
 * Opens both ports; the supply is found off or switched off, and protected, before this resolves, and a watchdog process
 * switches it off should this one die.
 *
 * @throws InputError as checkRealBench; RunError when a port cannot be opened or the supply does not answer
 */
export async function openRealBench(options: RealBenchOptions): Promise<RealBench> {
  const profile = checkRealBench(options);
  const { spec } = options;
  const { power } = options.profile;
  const limits = limitsForBoard(profile.limits, {
    maximumVolts: power.maximumVolts.value,
    maximumAmps: power.maximumAmps.value,
  });
  const watchdog = await startSupplyWatchdog({ address: spec.supplyPort, profile: profile.id });
  const ports: Port[] = [];
  try {
    const supplyPort = await openSupplyPort(spec.supplyPort, profile);
    ports.push(supplyPort);
    const supply = openSupply(supplyPort, profile, limits);
    await supply.identify();
    // Whatever a program that died has left behind.
    if ((await supply.state()).on !== false) {
      await supply.output(false);
    }
    await supply.protect({ overVolts: limits.maximumVolts * PROTECTION_ROOM, overAmps: null });
    const boardPort = await openBoardPort(spec.boardPort, options.profile);
    ports.push(boardPort);
    return new RealBench(options, { profile, supply, ports, boardPort, watchdog });
  } catch (error) {
    await Promise.all(ports.map((port) => port.close().catch(() => undefined)));
    await watchdog.disarm();
    throw error;
  }
}

/** A serial port, or `tcp:HOST:PORT` for a board on a serial server. */
function openBoardPort(address: string, profile: BoardProfile): Promise<Port> {
  const tcp = /^tcp:(.+):(\d+)$/.exec(address);
  return tcp ? openTcpPort(tcp[1], Number(tcp[2])) : openSerialPort(address, profile.serialBaud);
}

interface Parts {
  profile: SupplyProfile;
  supply: BenchSupply;
  ports: Port[];
  boardPort: Port;
  watchdog: SupplyWatchdog;
}

export class RealBench implements Bench {
  readonly boardPort: Port;
  readonly supply: SupplyDriver;
  readonly #options: RealBenchOptions;
  readonly #parts: Parts;
  readonly #capacitor: VirtualCapacitor | null;
  readonly #switch: SwitchEstimate;
  #originSeconds = NaN;
  #recorder = new TraceRecorder();
  #activeSeconds = 0;
  #joules = 0;
  #progress = 0;
  #onWindows: Pick<PowerCycle, 'onSeconds' | 'offSeconds'>[] = [];
  #powered = false;
  #closing = false;
  #readings: Promise<void> | null = null;
  #readingFailure: string | null = null;

  constructor(options: RealBenchOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#switch = new SwitchEstimate(options);
    const { supply, boardPort } = parts;
    this.boardPort = {
      name: boardPort.name,
      now: () => this.now(),
      write: (bytes) => boardPort.write(bytes),
      read: (timeoutSeconds) => this.#read(timeoutSeconds),
      close: () => boardPort.close(),
    };
    this.#capacitor = options.spec.mode === 'virtual-capacitor' ? this.#virtualCapacitor() : null;
    this.supply = this.#capacitor ?? supply;
  }

  now(): number {
    return performance.now() / 1000;
  }

  startMeasuring(): void {
    this.#originSeconds = this.now();
    this.#recorder = new TraceRecorder();
    this.#activeSeconds = 0;
    this.#joules = 0;
    // Runs begin with the board powered: it has just been flashed and told to run.
    this.#powered = this.#capacitor?.powered ?? true;
    this.#onWindows = this.#powered ? [{ onSeconds: 0, offSeconds: null }] : [];
    if (this.#capacitor === null) {
      this.#switch.take(Infinity);
      // Readings are for charts and energy; the run itself goes on without them, and says so.
      this.#readings ??= this.#readSource().catch((error: unknown) => {
        this.#readingFailure = error instanceof Error ? error.message : String(error);
      });
    }
  }

  observe(): BenchObservation {
    return {
      activeSeconds: this.#activeSeconds,
      energyJoules: this.#joules,
      cycles: this.#activeSeconds * this.#options.profile.clockHertz,
      powerCycles: this.#onWindows.length,
      powerCyclesSeen: this.#capacitor !== null,
    };
  }

  noteProgress(progress: number): void {
    this.#progress = progress;
  }

  onWindows(): Pick<PowerCycle, 'onSeconds' | 'offSeconds'>[] {
    return this.#onWindows;
  }

  traces(): TraceChannel[] {
    return this.#recorder.finish();
  }

  /** What a reader of the run has to know of how it was measured. */
  notes(): string[] {
    const { spec } = this.#options;
    if (this.#capacitor === null) {
      return [
        `bench: supply ${this.#parts.profile.name} at ${spec.supplyPort} as the harvester; energy is what it gave, powered time is estimated from its voltage`,
        ...(this.#readingFailure === null
          ? []
          : [`bench: readings ended early, energy and powered time are incomplete: ${this.#readingFailure}`]),
      ];
    }
    const { count, totalSeconds, worstSeconds } = this.#capacitor.readings;
    return [
      `bench: virtual capacitor behind ${this.#parts.profile.name} at ${spec.supplyPort}: ${count} readings, ` +
        `${formatQuantity(count === 0 ? 0 : totalSeconds / count, 's')} apart, at most ${formatQuantity(worstSeconds, 's')}`,
    ];
  }

  async close(): Promise<ShutdownOutcome> {
    this.#closing = true;
    const outcome = await this.supply.shutdown();
    await this.#readings;
    const { ports, watchdog } = this.#parts;
    await Promise.all(ports.map((port) => port.close().catch(() => undefined)));
    // What could not be switched off is left to the watchdog, which has more patience: it acts when this process ends.
    const silent = outcome === 'sent' && this.#parts.profile.confirmsOff;
    if (outcome === 'failed' || silent) {
      return 'failed';
    }
    await watchdog.disarm();
    return outcome;
  }

  get #runSeconds(): number {
    return this.now() - this.#originSeconds;
  }

  #virtualCapacitor(): VirtualCapacitor {
    const { capacitanceFarads, turnOnVolts, brownOutVolts, profile } = this.#options;
    const { power } = profile;
    return new VirtualCapacitor({
      supply: this.#parts.supply,
      rail: {
        capacitanceFarads,
        turnOnVolts,
        brownOutVolts,
        railVolts: power.railVolts.value,
        converterEfficiency: power.converterEfficiency.value,
        offAmps: power.offAmps.value,
        // The real board's decoupling is charged by the real supply, whose readings include it.
        decouplingFarads: 0,
      },
      boardAmps: power.maximumAmps.value,
      now: () => this.now(),
      onStep: ({ seconds, volts, loadAmps, boardJoules, powered }) => {
        this.#took(seconds, { volts, loadAmps, joules: boardJoules, powered });
      },
      onPower: (on) => {
        this.#notePower(on);
      },
    });
  }

  /** Mode `source`: voltage and current at the supply, as often as it can tell them. */
  async #readSource(): Promise<void> {
    const { supply, profile } = this.#parts;
    const periodSeconds = Math.max(LONGEST_READING_PERIOD_SECONDS, 2 / profile.readingsPerSecond);
    let last = this.now();
    while (!this.#closing) {
      await sleep(periodSeconds * 1000);
      const { volts, amps } = await supply.measure();
      const passed = this.now() - last;
      last += passed;
      if (this.#switch.take(volts)) {
        this.#notePower(this.#switch.closed);
      }
      this.#took(passed, {
        volts,
        loadAmps: amps,
        joules: volts * amps * passed,
        powered: this.#switch.closed,
      });
    }
  }

  #took(
    seconds: number,
    {
      volts,
      loadAmps,
      joules,
      powered,
    }: { volts: number; loadAmps: number; joules: number; powered: boolean },
  ): void {
    if (Number.isNaN(this.#originSeconds)) {
      return;
    }
    this.#activeSeconds += powered ? seconds : 0;
    this.#joules += joules;
    const sample: BenchSample = {
      timeSeconds: this.#runSeconds,
      capacitorVolts: volts,
      loadAmps,
      powered,
      progress: this.#progress,
    };
    this.#recorder.add(sample);
    this.#options.onSample(sample);
  }

  #notePower(on: boolean): void {
    if (Number.isNaN(this.#originSeconds)) {
      return;
    }
    if (on) {
      this.#onWindows.push({ onSeconds: this.#runSeconds, offSeconds: null });
    } else {
      const window = this.#onWindows.at(-1);
      if (window) {
        window.offSeconds = this.#runSeconds;
      }
    }
  }

  async #read(timeoutSeconds: number): Promise<Uint8Array> {
    const deadline = this.now() + timeoutSeconds;
    for (;;) {
      if (this.#options.signal.aborted) {
        throw new RunError({
          code: 'cancelled',
          place: this.#parts.boardPort.name,
          message: 'the run was cancelled',
          remedy: 'Start it again, or resume its campaign',
        });
      }
      const left = Math.min(CANCEL_SECONDS, deadline - this.now());
      const bytes = await this.#parts.boardPort.read(Math.max(0, left));
      if (bytes.length > 0 || this.now() >= deadline) {
        return bytes;
      }
    }
  }
}
