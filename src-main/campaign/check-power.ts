/** Whether a run's electrical side makes sense, told before anything is switched on or stored. */
import type { BoardProfile } from '../board/profile.js';
import { InputError } from '../common/errors.js';
import { formatQuantity } from '../common/quantity.js';
import type { SupplyLimits } from '../supply/driver.js';
import type { Harvest } from '../supply/harvest.js';
import { Rail } from '../supply/rail/rail.js';
import type { RunConfig } from './types.js';

/** The capacitor nears the supply's voltage without end: so far below it the turn-on voltage must stay to be reached. */
const REACH_VOLTS = 0.05;
/** Longest charging on bench power that a run may begin with. */
const LONGEST_CHARGE_SECONDS = 3600;

/**
 * @param harvest null for continuous power
 * @param limits of the supply, with this board behind it
 * @throws InputError `bad-rail` of Rail; `bad-power` naming the value, the limit and what to change
 */
export function assertPowerPossible(
  config: RunConfig,
  profile: BoardProfile,
  harvest: Harvest | null,
  limits: SupplyLimits,
): void {
  const { power } = profile;
  // The rail's own checks: thresholds in order, more energy than turning on takes.
  new Rail({
    capacitanceFarads: config.capacitanceFarads,
    turnOnVolts: config.turnOnVolts,
    brownOutVolts: config.brownOutVolts,
    railVolts: power.railVolts.value,
    converterEfficiency: power.converterEfficiency.value,
    offAmps: power.offAmps.value,
    decouplingFarads: power.decouplingFarads.value,
  });
  const highest = limits.maximumVolts - REACH_VOLTS;
  if (config.turnOnVolts > highest) {
    throw badPower(
      `a turn-on voltage of ${formatQuantity(config.turnOnVolts, 'V')} cannot be reached: supply and board allow ${formatQuantity(limits.maximumVolts, 'V')}`,
      `Choose a turn-on voltage of at most ${formatQuantity(highest, 'V')}`,
    );
  }
  const chargeSeconds = (config.capacitanceFarads * config.turnOnVolts) / limits.maximumAmps;
  if (chargeSeconds > LONGEST_CHARGE_SECONDS) {
    throw badPower(
      `a capacitor of ${formatQuantity(config.capacitanceFarads, 'F')} takes ${formatQuantity(chargeSeconds, 's')} to charge even at ${formatQuantity(limits.maximumAmps, 'A')}`,
      'Use a smaller capacitor',
    );
  }
  const step = harvest?.steps.find(
    ({ volts, amps }) => volts > limits.maximumVolts || (!isTrace(config) && amps > limits.maximumAmps),
  );
  if (step !== undefined) {
    throw badPower(
      `the harvest gives ${formatQuantity(step.volts, 'V')} at ${formatQuantity(step.amps, 'A')}; supply and board allow ${formatQuantity(limits.maximumVolts, 'V')} and ${formatQuantity(limits.maximumAmps, 'A')}`,
      'Lower the harvest to within these limits',
    );
  }
}

/** Short peaks of a trace are merged to what the supply can follow, so its currents are not judged one by one. */
function isTrace({ power }: RunConfig): boolean {
  return power.kind === 'trace';
}

function badPower(message: string, remedy: string): InputError {
  return new InputError({ code: 'bad-power', place: 'power', message, remedy });
}
