import { InputError } from '../../common/errors.js';
import { didYouMean } from '../../common/nearest.js';
import type { SupplyLimits } from '../driver.js';
import { INSTRUMENT_PROFILES } from './instruments.js';
import type { SupplyProfile } from './profile.js';

export type { SupplyLink, SupplyProfile } from './profile.js';

const OWN_PROFILES: readonly SupplyProfile[] = [
  {
    id: 'virtual-scpi',
    name: 'Virtual SCPI supply of the bench',
    driver: 'scpi',
    link: { baudRate: null, stopBits: 1, tcpPort: 5025 },
    limits: {
      maximumVolts: 6,
      maximumAmps: 3,
      minimumStepSeconds: 0.005,
      voltsResolution: 1e-4,
      ampsResolution: 1e-6,
    },
    replySeconds: 0.5,
    commandSeconds: 0.001,
    slewVoltsPerSecond: null,
    readingsPerSecond: 500,
    currentLimit: 'settable',
    confirmsOff: true,
    list: null,
    source:
      'chosen: ranges that suit batteryless boards; VOLT, CURR and one SYST:ERR? at 1 ms each, with room for more',
  },
  {
    id: 'generic-scpi',
    name: 'Any SCPI supply, within limits that are safe for a 3.3 V board',
    driver: 'scpi',
    link: { baudRate: 9600, stopBits: 1, tcpPort: 5025 },
    limits: {
      maximumVolts: 5.5,
      maximumAmps: 0.5,
      minimumStepSeconds: 0.1,
      voltsResolution: 1e-3,
      ampsResolution: 1e-3,
    },
    replySeconds: 1,
    commandSeconds: 0.02,
    slewVoltsPerSecond: null,
    readingsPerSecond: 10,
    currentLimit: 'settable',
    confirmsOff: true,
    list: null,
    source: 'chosen: careful figures for an instrument the bench knows nothing about; not measured',
  },
];

export const SUPPLY_PROFILES: readonly SupplyProfile[] = [...OWN_PROFILES, ...INSTRUMENT_PROFILES];

/** @throws InputError `unknown-supply-profile` naming the nearest one */
export function supplyProfile(id: string, place = 'supply profile'): SupplyProfile {
  const found = SUPPLY_PROFILES.find((profile) => profile.id === id);
  if (found === undefined) {
    const ids = SUPPLY_PROFILES.map((profile) => profile.id);
    throw new InputError({
      code: 'unknown-supply-profile',
      place,
      message: `there is no supply profile "${id}"`,
      remedy: `${didYouMean(id, ids)}Known are ${ids.join(', ')}`,
    });
  }
  return found;
}

/**
 * By the id of a profile, or by that of a driver: then the first instrument that it drives.
 *
 * @throws InputError `unknown-supply-profile` naming the nearest of both
 */
export function supplyProfileFor(word: string, place: string): SupplyProfile {
  const known = SUPPLY_PROFILES.find(({ id, driver }) => id === word || driver === word);
  if (known !== undefined) {
    return SUPPLY_PROFILES.find(({ id }) => id === word) ?? known;
  }
  const words = [...new Set(SUPPLY_PROFILES.flatMap(({ id, driver }) => [driver, id]))];
  throw new InputError({
    code: 'unknown-supply-profile',
    place,
    message: `there is no supply "${word}"`,
    remedy: `${didYouMean(word, words)}Known are ${words.join(', ')}`,
  });
}

/** The tighter of the instrument's limits and the board's: nothing beyond either can be set. */
export function limitsForBoard(
  limits: SupplyLimits,
  board: { maximumVolts: number; maximumAmps: number },
): SupplyLimits {
  return {
    ...limits,
    maximumVolts: Math.min(limits.maximumVolts, board.maximumVolts),
    maximumAmps: Math.min(limits.maximumAmps, board.maximumAmps),
  };
}
