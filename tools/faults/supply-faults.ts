/** Every supply driver against its emulator over a faulty line: what happens, and whether the output goes off. */
import { BenchError } from '../../src-main/common/errors.js';
import type { SupplyReading } from '../../src-main/supply/driver.js';
import { openSupply } from '../../src-main/supply/drivers/index.js';
import { ensureOff } from '../../src-main/supply/ensure-off.js';
import { SUPPLY_PROFILES, limitsForBoard, type SupplyProfile } from '../../src-main/supply/profiles/index.js';
import { SUPPLY_EMULATORS, type SupplyEmulator } from '../../src-main/supply/virtual/emulators.js';
import { feed } from '../../src-main/supply/virtual/instrument.js';
import { FaultyLine } from './faulty-line.js';
import { LINE_FAULTS, type LineFault } from './line-faults.js';

/** The board whose limits hold: 5.5 V and 0.5 A, as the Pico's. */
const BOARD = { maximumVolts: 5.5, maximumAmps: 0.5 };
const LOAD = { ohms: 330 };
/** What a person would wait for an output to go off. */
const PATIENCE_SECONDS = 30;
/** Longer, or more calls, and a driver hangs. */
const LONGEST_SECONDS = 120;
const MOST_CALLS = 100_000;
/** Conversations with more messages or replies are tried at this many places. */
const MOST_POSITIONS = 60;

export interface FaultTrial {
  fault: string;
  driver: string;
  position: number;
  /** `recovered`: all done and right; `misread`: all done, but a reading was wrong and nothing could show it. */
  end: 'recovered' | 'misread' | 'error';
  /** Of the error; null without one. */
  code: string | null;
  /** How it was made sure that the output is off. */
  off: 'confirmed' | 'sent' | 'not possible';
  /** Whether it really is. */
  isOff: boolean;
  simulatedSeconds: number;
  /** Time that the terminals had more than the board's limit while on. */
  overLimitSeconds: number;
  /** Broken promises, in words; empty when the driver has kept all. */
  breaches: string[];
}

export function faultProfiles(): { profile: SupplyProfile; emulator: SupplyEmulator }[] {
  return SUPPLY_EMULATORS.map((emulator) => {
    const profile = SUPPLY_PROFILES.find(({ driver }) => driver === emulator.id);
    if (profile === undefined) throw new Error(`no profile of the driver ${emulator.id}`);
    return { profile, emulator };
  });
}

/** All trials of one fault with one driver. */
export async function tryFault(
  fault: LineFault,
  { profile, emulator }: { profile: SupplyProfile; emulator: SupplyEmulator },
): Promise<FaultTrial[]> {
  const clean = new FaultyLine(emulator.create(LOAD), null, 0, profile.replySeconds);
  await session(clean, profile, () => undefined);
  const places = fault.strikes === 'line' ? 1 : fault.strikes === 'message' ? clean.messages : clean.replies;
  const stride = Math.max(1, Math.ceil(places / MOST_POSITIONS));
  const trials: FaultTrial[] = [];
  for (let position = 0; position < places; position += stride) {
    trials.push(await tryOnce(fault, position, profile, emulator));
  }
  return trials;
}

async function tryOnce(
  fault: LineFault,
  position: number,
  profile: SupplyProfile,
  emulator: SupplyEmulator,
): Promise<FaultTrial> {
  const instrument = emulator.create(LOAD);
  // Somebody else's instrument of another wire protocol, and with its output off.
  const other = SUPPLY_EMULATORS.find(({ id }) => id === (emulator.id === 'korad' ? 'rs-hmp' : 'korad'));
  const far = fault.otherDevice === true && other !== undefined ? other.create(LOAD) : instrument;
  const line = new FaultyLine(far, fault, position, profile.replySeconds);
  const breaches: string[] = [];
  let overLimitSeconds = 0;
  let last = 0;
  line.onChange = () => {
    const { on, volts } = feedState();
    if (on && volts > BOARD.maximumVolts) overLimitSeconds += line.now - last;
    last = line.now;
  };
  function feedState() {
    return { on: far.terminals.on, volts: feed(far.terminals, LOAD).volts };
  }

  let end: FaultTrial['end'] = 'recovered';
  let code: string | null = null;
  try {
    const wrong = await session(line, profile, (reading) => {
      const really = feed(far.terminals, LOAD);
      const near =
        Math.abs(reading.volts - really.volts) < 0.05 && Math.abs(reading.amps - really.amps) < 0.001;
      return near ? undefined : 'misread';
    });
    if (wrong) end = 'misread';
  } catch (error) {
    end = 'error';
    if (error instanceof BenchError && error.remedy !== '') {
      code = error.code;
    } else {
      breaches.push(`an error that helps nobody: ${String(error)}`);
    }
  }
  const ended = await makeOff(line, profile);
  const isOff = !far.terminals.on;
  const lostForGood = line.isGone && fault.goneSeconds === Infinity;
  if (ended === 'confirmed' && !isOff) breaches.push('off was confirmed, but the output is on');
  if (!isOff && !lostForGood) breaches.push('the output stays on');
  if (ended === 'not possible' && !lostForGood && fault.strikes !== 'line') {
    breaches.push('off was not made sure on a line that works again');
  }
  if (fault.otherDevice === true && end !== 'error') breaches.push('took another device for its own');
  if (line.now > LONGEST_SECONDS) breaches.push(`took ${line.now.toFixed(0)} s`);
  if (line.calls > MOST_CALLS) breaches.push(`took ${line.calls} calls`);
  return {
    fault: fault.kind,
    driver: emulator.id,
    position,
    end,
    code,
    off: ended,
    isOff,
    simulatedSeconds: line.now,
    overLimitSeconds,
    breaches,
  };
}

/** What a run does with a supply. @returns whether a check of a reading has complained */
async function session(
  line: FaultyLine,
  profile: SupplyProfile,
  check: (reading: SupplyReading) => string | undefined,
): Promise<boolean> {
  const port = await line.open();
  const supply = openSupply(port, profile, limitsForBoard(profile.limits, BOARD));
  let wrong = false;
  let finished = false;
  try {
    await supply.identify();
    await supply.set(3.3, 0.05);
    await supply.protect({ overVolts: supply.limits.maximumVolts * 1.05, overAmps: null });
    await supply.output(true);
    wrong = check(await supply.measure()) !== undefined || wrong;
    await supply.set(2.5, 0.05);
    wrong = check(await supply.measure()) !== undefined || wrong;
    await supply.output(false);
    finished = true;
  } finally {
    if (!finished) await supply.shutdown();
    await port.close();
  }
  return wrong;
}

/** What the program and its watchdog do at the end, however it came. */
async function makeOff(line: FaultyLine, profile: SupplyProfile): Promise<FaultTrial['off']> {
  const { outcome } = await ensureOff({
    open: () => line.open(),
    profile,
    patienceSeconds: PATIENCE_SECONDS,
    pauseSeconds: 0.5,
    now: () => line.now,
    sleep: (seconds) => line.sleep(seconds),
  });
  if (outcome === 'confirmed') return 'confirmed';
  return outcome === 'sent' && !profile.confirmsOff ? 'sent' : 'not possible';
}

export interface FaultCell {
  fault: string;
  driver: string;
  trials: number;
  recovered: number;
  misread: number;
  errors: Record<string, number>;
  /** Trials after which the output could not be switched off, because the line was gone. */
  leftOn: number;
  overLimitSeconds: number;
  slowestSeconds: number;
  breaches: string[];
}

export function summarize(trials: readonly FaultTrial[]): FaultCell {
  const errors: Record<string, number> = {};
  for (const { code } of trials) {
    if (code !== null) errors[code] = (errors[code] ?? 0) + 1;
  }
  return {
    fault: trials[0].fault,
    driver: trials[0].driver,
    trials: trials.length,
    recovered: trials.filter(({ end }) => end === 'recovered').length,
    misread: trials.filter(({ end }) => end === 'misread').length,
    errors,
    leftOn: trials.filter(({ isOff }) => !isOff).length,
    overLimitSeconds: Math.max(...trials.map(({ overLimitSeconds }) => overLimitSeconds)),
    slowestSeconds: Math.max(...trials.map(({ simulatedSeconds }) => simulatedSeconds)),
    breaches: [...new Set(trials.flatMap(({ breaches }) => breaches))],
  };
}

/** Every fault with every driver. */
export async function tryAllFaults(
  onCell: (cell: FaultCell) => void = () => undefined,
): Promise<FaultCell[]> {
  const cells: FaultCell[] = [];
  for (const fault of LINE_FAULTS) {
    for (const driver of faultProfiles()) {
      const cell = summarize(await tryFault(fault, driver));
      cells.push(cell);
      onCell(cell);
    }
  }
  return cells;
}
