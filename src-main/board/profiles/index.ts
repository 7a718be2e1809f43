import { InputError } from '../../common/errors.js';
import type { BoardProfile } from '../profile.js';
import { picoFram } from './pico-fram.js';

/** Every board that the bench knows, in the order in which to offer them. */
export const boardProfiles: readonly BoardProfile[] = [picoFram];

/** @throws InputError naming the known ids when there is no board `id` */
export function boardProfile(id: string): BoardProfile {
  const profile = boardProfiles.find((candidate) => candidate.id === id);
  if (!profile) {
    throw new InputError({
      code: 'unknown-board',
      place: 'board',
      message: `there is no board "${id}"`,
      remedy: `Known boards: ${boardProfiles.map((known) => known.id).join(', ')}.`,
    });
  }
  return profile;
}
