import { InputError } from '../../common/errors.js';

/** The bytes do not hold together: a cut, mixed-up or hostile file. `place` is the file, with the node where known. */
export function damagedModel(place: string, message: string, cause?: unknown): InputError {
  return new InputError({
    code: 'model-damaged',
    place,
    message,
    remedy: 'The file is cut or damaged; export or download the model again',
    cause,
  });
}

/** The file is sound, but uses its format in a way that the bench cannot run. `remedy` says how to change the model. */
export function unsupportedModel(place: string, message: string, remedy: string): InputError {
  return new InputError({ code: 'model-unsupported', place, message, remedy });
}

/** An operator that has no counterpart in the bench's representation. */
export interface UnknownOperator {
  /** The operator as its format names it, e.g. `LSTM` or `com.microsoft.Gelu`. */
  operator: string;
  /** The node, e.g. `node 7 "gate/out"`. */
  node: string;
}

/** Names of at most this many offending nodes go into the one line of the error. */
const LISTED_NODES = 12;

/** One error for all operators that are not known, so that nobody finds them one by one. */
export function unknownOperators(
  place: string,
  unknown: readonly UnknownOperator[],
  known: readonly string[],
): InputError {
  const listed = unknown.slice(0, LISTED_NODES).map(({ operator, node }) => `${operator} (${node})`);
  const more = unknown.length > LISTED_NODES ? ` and ${unknown.length - LISTED_NODES} more nodes` : '';
  const plural = unknown.length === 1 ? 'operator' : 'operators';
  return new InputError({
    code: 'unknown-operator',
    place,
    message: `unknown ${plural} ${listed.join(', ')}${more}`,
    remedy: `Replace or remove ${unknown.length === 1 ? 'it' : 'them'} in the model; known are ${known.join(', ')}`,
  });
}

/** A name out of a file, fit for one line of an error: control characters replaced, long names cut. */
export function printableName(name: string): string {
  const clean = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > 100 ? `${clean.slice(0, 97)}...` : clean;
}
