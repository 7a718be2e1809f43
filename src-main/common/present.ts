/**
 * The value, where the program's own logic guarantees that there is one.
 *
 * @param what names it in the error that a defect would cause
 * @throws Error when it is missing: a defect of the bench, never of its input
 */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) {
    throw new Error(`there is no ${what}`);
  }
  return value;
}
