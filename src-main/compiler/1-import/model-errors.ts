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

/** Of one operator at most this many nodes are named in the one line of the error. */
const LISTED_NODES = 50;

/** One error for all operators that are not known, so that nobody finds them one by one. */
export function unknownOperators(
  place: string,
  unknown: readonly UnknownOperator[],
  known: readonly string[],
): InputError {
  const byOperator = new Map<string, string[]>();
  for (const { operator, node } of unknown) {
    const nodes = byOperator.get(operator) ?? [];
    nodes.push(node);
    byOperator.set(operator, nodes);
  }
  const listed = [...byOperator].slice(0, LISTED_NODES).map(([operator, nodes]) => {
    const more = nodes.length > LISTED_NODES ? ` and ${nodes.length - LISTED_NODES} more nodes` : '';
    return `${operator} (${nodes.slice(0, LISTED_NODES).join(', ')}${more})`;
  });
  const plural = byOperator.size === 1 ? 'operator' : 'operators';
  return new InputError({
    code: 'unknown-operator',
    place,
    message: `unknown ${plural} ${listed.join(', ')}`,
    remedy: `Replace or remove ${unknown.length === 1 ? 'it' : 'them'} in the model; known are ${known.join(', ')}`,
  });
}

/** More operators than this fit no board's flash; the limit keeps the time that a hostile file takes small. */
export const MAXIMUM_OPERATORS = 4096;

export function tooManyOperators(place: string, count: number): InputError {
  return unsupportedModel(
    place,
    `has ${count} operators`,
    `Models may have up to ${MAXIMUM_OPERATORS} operators`,
  );
}

/** A name out of a file, fit for one line of an error: control characters replaced, long names cut. */
export function printableName(name: string): string {
  const clean = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > 100 ? `${clean.slice(0, 97)}...` : clean;
}
