import assert from 'node:assert/strict';
import { InputError } from '../../src-main/common/errors.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { lower } from '../../src-main/compiler/2-quantize/index.js';
import { inspectGraph } from '../../src-main/compiler/inspect.js';
import { validateGraph } from '../../src-main/compiler/validate.js';
import { mutated } from './mutate.js';

/** No mutation may take longer than this many milliseconds; most take far less than one. */
const LIMIT_MILLISECONDS = 2_000;

/** Mutations of models, in turn, either import, lower and stay valid, or are refused with an InputError that names the file. */
export function assertRobust(originals: readonly Uint8Array[], fileName: string, mutations: number): void {
  const outcomes = { imported: 0, refused: 0 };
  for (let seed = 0; seed < mutations; seed++) {
    const start = performance.now();
    try {
      const graph = importModel(mutated(originals[seed % originals.length], seed), fileName);
      outcomes.imported += 1;
      const lowered = lower(graph);
      validateGraph(lowered, fileName);
      inspectGraph(lowered);
    } catch (error) {
      assert.ok(
        error instanceof InputError,
        `mutation ${seed}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      assert.ok(error.place.startsWith(fileName), `mutation ${seed}: ${error.place}`);
      assert.ok(
        !/[\p{Cc}]/u.test(error.message),
        `mutation ${seed}: more than one line: ${JSON.stringify(error.message)}`,
      );
      outcomes.refused += 1;
    }
    const elapsed = performance.now() - start;
    assert.ok(elapsed < LIMIT_MILLISECONDS, `mutation ${seed} took ${Math.round(elapsed)} ms`);
  }
  // Both outcomes must occur, else the mutations test nothing.
  assert.ok(outcomes.imported > 0 && outcomes.refused > mutations / 20, JSON.stringify(outcomes));
}
