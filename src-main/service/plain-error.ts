import { BenchError } from '../common/errors.js';
import type { PlainError } from './manifest.js';

/** Any thrown thing as the four fields a window shows. What is not a BenchError is a defect of the bench itself. */
export function plainError(error: unknown, place: string): PlainError {
  if (error instanceof BenchError) {
    return { code: error.code, place: error.place, message: error.reason, remedy: error.remedy };
  }
  return {
    code: 'internal',
    place,
    message: error instanceof Error ? error.message : String(error),
    remedy:
      'This is a defect of the bench: stored runs are safe. Please report it with the output of the terminal',
  };
}
