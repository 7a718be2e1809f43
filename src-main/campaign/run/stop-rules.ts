/** When a run is given up: no progress in too many power cycles, or no end within the time it was given. */
import { formatQuantity } from '../../common/quantity.js';
import type { RunContext } from './context.js';

/**
 * @param deadlineSeconds bench time at which the run has had its `stop.maximumSeconds`
 * @returns why the run does not terminate, with the remedy; null while it may
 */
export function stallReason(
  { prepared, bench, progress }: Pick<RunContext, 'prepared' | 'bench' | 'progress'>,
  deadlineSeconds: number,
): string | null {
  const { powerCyclesWithoutProgress, maximumSeconds } = prepared.config.stop;
  const { inference, task } = progress.record ?? { inference: 0, task: 0 };
  // A board that dies before it can report a start is seen by the bench only.
  const { powerCycles, powerCyclesSeen } = bench.observe();
  const unreportedStarts = powerCyclesSeen ? powerCycles - progress.starts.length : 0;
  const starts = Math.max(progress.startsWithoutProgress, unreportedStarts);
  if (starts >= powerCyclesWithoutProgress) {
    return (
      `no progress in ${starts} power cycles, at inference ${inference}, task ${task}: ` +
      'the task needs more energy than one power cycle gives. Use a larger capacitor, a wider voltage window, or a strategy with smaller tasks'
    );
  }
  if (bench.now() >= deadlineSeconds) {
    return (
      `not finished after ${maximumSeconds} s of bench time, at inference ${inference}, task ${task}. ` +
      (neverTurnsOn(prepared) ?? 'Allow more time (stop.maximumTime, --max-time), or harvest more')
    );
  }
  return null;
}

/** Said of a harvest whose voltage never gets above the turn-on voltage: no time would be enough. */
function neverTurnsOn({ config, harvest }: RunContext['prepared']): string | null {
  if (harvest === null) {
    return null;
  }
  const highestVolts = harvest.steps.reduce(
    (most, { volts, amps }) => (amps > 0 ? Math.max(most, volts) : most),
    0,
  );
  return highestVolts > config.turnOnVolts
    ? null
    : `The harvest never exceeds ${formatQuantity(highestVolts, 'V')}, and the board turns on at ${formatQuantity(config.turnOnVolts, 'V')}: lower the turn-on voltage`;
}
