import { InputError } from '../../common/errors.js';
import { didYouMean } from '../../common/nearest.js';
import type { Port } from '../../common/port.js';
import type { SupplyDriver, SupplyLimits } from '../driver.js';
import type { SupplyProfile } from '../profiles/index.js';
import { SCPI_COMMANDS } from './scpi/commands.js';
import { ScpiSupply } from './scpi/scpi-supply.js';

export interface SupplyDriverKind {
  id: string;
  name: string;
  open(port: Port, options: { limits: SupplyLimits; replySeconds: number }): SupplyDriver;
}

export const SUPPLY_DRIVERS: readonly SupplyDriverKind[] = [
  {
    id: 'scpi',
    name: 'SCPI, one channel (VOLT, CURR, OUTP, MEAS)',
    open: (port, options) => new ScpiSupply(port, { ...options, commands: SCPI_COMMANDS }),
  },
];

/** @throws InputError `unknown-supply-driver` naming the nearest one */
export function supplyDriver(id: string, place = 'supply driver'): SupplyDriverKind {
  const found = SUPPLY_DRIVERS.find((kind) => kind.id === id);
  if (found === undefined) {
    const ids = SUPPLY_DRIVERS.map((kind) => kind.id);
    throw new InputError({
      code: 'unknown-supply-driver',
      place,
      message: `there is no supply driver "${id}"`,
      remedy: `${didYouMean(id, ids)}Known are ${ids.join(', ')}`,
    });
  }
  return found;
}

/** The driver that a profile asks for, on a port, within `limits` (by default the profile's own). */
export function openSupply(port: Port, profile: SupplyProfile, limits = profile.limits): SupplyDriver {
  return supplyDriver(profile.driver, profile.id).open(port, { limits, replySeconds: profile.replySeconds });
}
