import assert from 'node:assert/strict';
import { type BenchError, InputError, RunError } from '../../src-main/common/errors.js';

/** Waits for an InputError with this code, checks that it is fit to be shown, and returns it. */
export async function rejectsWithInputError(work: Promise<unknown>, code: string): Promise<InputError> {
  const error = await rejection(work);
  assert.ok(error instanceof InputError, `an InputError, not ${String(error)}`);
  return fitToBeShown(error, code);
}

export async function rejectsWithRunError(work: Promise<unknown>, code: string): Promise<RunError> {
  const error = await rejection(work);
  assert.ok(error instanceof RunError, `a RunError, not ${String(error)}`);
  return fitToBeShown(error, code);
}

export function throwsInputError(work: () => unknown, code: string): InputError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof InputError, `an InputError, not ${String(error)}`);
    return fitToBeShown(error, code);
  }
  assert.fail('no error was thrown');
}

async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  assert.fail('no error was thrown');
}

function fitToBeShown<Shown extends BenchError>(error: Shown, code: string): Shown {
  assert.equal(error.code, code, error.message);
  assert.ok(error.place.length > 0 && error.reason.length > 0 && error.remedy.length > 0);
  assert.doesNotMatch(error.message, /\n/);
  return error;
}
