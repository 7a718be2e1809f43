/**
 * `npm run test:exhaustive -- fuzz`: damaged models for both parsers, a million of them, each of which must become a valid graph or
 * be refused with one clear error, within a second and with bounded memory. Exit status 1 if one does not.
 *
 *     --count N     inputs (default 1,000,000)
 *     --from N      the first of them (default 0): with --count 1 repeats an input that a failure names
 */
import { parseArgs } from 'node:util';
import { fuzzOriginals } from './fuzz/originals.js';
import { fuzz, type FuzzTally } from './fuzz/run.js';

const SECONDS_BETWEEN_NEWS = 30;

/** @param args after the word `fuzz` */
export function fuzzCommand(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: { count: { type: 'string', default: '1000000' }, from: { type: 'string', default: '0' } },
  });
  const originals = fuzzOriginals();
  const begin = performance.now();
  const names = new Set(originals.map(({ name }) => name));
  console.log(`${names.size} models: ${[...names].join(', ')}`);
  let news = begin;
  try {
    const tally = fuzz(originals, Number(values.from), Number(values.count), ({ inputs }) => {
      if (performance.now() - news > 1000 * SECONDS_BETWEEN_NEWS) {
        news = performance.now();
        console.log(`${inputs.toLocaleString('en')} inputs after ${seconds(begin)} s`);
      }
    });
    print(tally, begin);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

function print(tally: FuzzTally, begin: number): void {
  const line = (what: string, count: number): void =>
    console.log(`  ${what.padEnd(24)}${count.toLocaleString('en').padStart(12)}`);
  line('inputs', tally.inputs);
  Object.entries(tally.byKind).forEach(([kind, count]) => line(`  ${kind}`, count));
  line('became a valid graph', tally.imported);
  Object.entries(tally.refused).forEach(([code, count]) => line(`refused: ${code}`, count));
  line('crashed', 0);
  console.log(
    `  slowest ${tally.slowestMilliseconds.toFixed(1)} ms (input ${tally.slowestSeed}), ` +
      `largest memory ${Math.round(tally.peakMemoryBytes / 2 ** 20)} MB, ${seconds(begin)} s in all`,
  );
}

function seconds(begin: number): string {
  return ((performance.now() - begin) / 1000).toFixed(0);
}
