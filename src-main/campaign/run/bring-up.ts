/** The first part of a run: bench power on, board identified and flashed, then the capacitor at its starting voltage. */
import { flashBoard } from '../../board/flashers/loader.js';
import type { BoardProfile } from '../../board/profile.js';
import type { PreparedRun } from '../prepare.js';
import type { RunConfig } from '../types.js';
import { log, type RunContext } from './context.js';

/** Bench power while flashing and for runs on continuous power, within the board profile's limits. */
export const BENCH_AMPS = 0.5;
const BENCH_HEADROOM_VOLTS = 0.2;

/** Switches bench power on, waits until it has charged the capacitor (C V / I), identifies supply and board, and loads image and samples. */
export async function bringUp(context: RunContext): Promise<void> {
  const { prepared, bench, link, progress, hooks } = context;
  const { profile, config, compiled, datasetImage } = prepared;
  progress.supply = await bench.supply.identify();
  log(context, 'info', `supply: ${progress.supply.manufacturer} ${progress.supply.model}`);
  const { volts, amps } = benchSetPoint(profile, config);
  await bench.supply.set(volts, amps);
  await bench.supply.output(true);
  await pass(context, (config.capacitanceFarads * config.turnOnVolts) / amps);
  const identity = await link.identify();
  log(context, 'info', `board ${profile.name}, firmware ${identity.firmwareMajor}.${identity.firmwareMinor}`);
  await flashBoard(
    link,
    { image: compiled.image, dataset: datasetImage },
    {
      signal: hooks.signal,
      onProgress: ({ doneBytes, totalBytes }) => {
        hooks.onEvent({ kind: 'stage', stage: 'flash', fraction: doneBytes / totalBytes });
      },
    },
  );
  log(
    context,
    'info',
    `flashed image (${compiled.image.length} bytes) and data set (${datasetImage.length} bytes)`,
  );
}

/**
 * Brings the capacitor to just the turn-on voltage with the switch closed, so that every run on harvested power starts
 * from the same energy.
 */
export async function settleAtTurnOn(context: RunContext): Promise<void> {
  const { prepared, bench } = context;
  const { profile, config } = prepared;
  await bench.supply.set(config.turnOnVolts, benchSetPoint(profile, config).amps);
  await pass(context, settlingSeconds(prepared));
}

/** Lets bench time pass. What the board reports meanwhile belongs to no run, and must not cut the wait short. */
async function pass({ bench, link }: RunContext, seconds: number): Promise<void> {
  const endSeconds = bench.now() + seconds;
  while (bench.now() < endSeconds) {
    await link.nextEvent(endSeconds - bench.now());
  }
}

/**
 * Time in which the sleeping board draws the capacitor from bench voltage down to the turn-on voltage: C dV / I, twice
 * over for the tolerance of a real capacitor.
 */
function settlingSeconds({ profile, config }: PreparedRun): number {
  const { sleepAmps, railVolts, converterEfficiency } = profile.power;
  const benchVolts = benchSetPoint(profile, config).volts;
  const capacitorAmps = (sleepAmps.value * railVolts.value) / converterEfficiency.value / benchVolts;
  return (2 * config.capacitanceFarads * Math.max(0, benchVolts - config.turnOnVolts)) / capacitorAmps;
}

/** Above turn-on, within what the board takes. */
function benchSetPoint(profile: BoardProfile, config: RunConfig): { volts: number; amps: number } {
  const { maximumVolts, maximumAmps } = profile.power;
  return {
    volts: Math.min(maximumVolts.value, config.turnOnVolts + BENCH_HEADROOM_VOLTS),
    amps: Math.min(maximumAmps.value, BENCH_AMPS),
  };
}
