/** The prediction of a prepared run: plan, board, supply and harvest brought together. */
import { planningPower } from '../../board/planning.js';
import { timelineOf } from '../../compiler/index.js';
import { supplyProfile } from '../../supply/profiles/index.js';
import { COUPLING_VOLTS, HOLD_UP_SLICE_CYCLES } from '../bench/coupled-board.js';
import { VIRTUAL_SUPPLY, virtualSupplyLimits } from '../bench/virtual-bench.js';
import type { PreparedRun } from '../prepare.js';
import { BENCH_AMPS } from '../run/bring-up.js';
import type { RunConfig, RunPrediction } from '../types.js';
import { predict } from './predict.js';

/** Of the rail between supply and capacitor, as the virtual bench has it. */
const SERIES_OHMS = 1;

/**
 * Whether a prediction is good enough to stand beside a measurement: how long a board rests follows from what it senses of
 * its source, which is not played through. Such plans are predicted as if they worked on until the power fails.
 */
export function isExact({ compiled, harvest }: Pick<PreparedRun, 'compiled' | 'harvest'>): boolean {
  return compiled.plan.rest === null || harvest === null;
}

/** What the virtual bench will measure, by the board's fitted costs. */
export function predictRun({
  config,
  profile,
  compiled,
  harvest,
}: Pick<PreparedRun, 'profile' | 'compiled' | 'harvest'> & {
  config: Pick<RunConfig, 'capacitanceFarads' | 'turnOnVolts' | 'brownOutVolts' | 'sampleCount' | 'stop'>;
}): RunPrediction {
  const { costs } = planningPower(config, profile);
  const { capacitanceFarads, turnOnVolts, brownOutVolts, sampleCount, stop } = config;
  return predict({
    timeline: timelineOf(compiled.plan, costs),
    profile,
    capacitanceFarads,
    turnOnVolts,
    brownOutVolts,
    harvest,
    inferences: sampleCount,
    powerCyclesWithoutProgress: stop.powerCyclesWithoutProgress,
    maximumSeconds: stop.maximumSeconds,
    limits: virtualSupplyLimits(profile),
    commandSeconds: supplyProfile(VIRTUAL_SUPPLY).commandSeconds,
    benchAmps: BENCH_AMPS,
    seriesOhms: SERIES_OHMS,
    slices: { couplingVolts: COUPLING_VOLTS, holdUpCycles: HOLD_UP_SLICE_CYCLES },
  });
}
