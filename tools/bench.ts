import { writeFile } from 'node:fs/promises';
import { benchCosts } from './costs/index.js';
import { benchCompile } from './bench/compile.js';
import { benchFaults } from './bench/faults.js';
import { benchHeadline } from './bench/headline.js';
import { benchKernels } from './bench/kernels.js';
import { benchHost } from './bench/host.js';
import { benchQuantize } from './bench/quantize.js';
import { benchPrediction } from './bench/prediction.js';
import { benchStrategies } from './bench/strategies.js';
import { benchVirtualBoard } from './bench/virtual-board.js';

/** `npm run bench [-- SECTION ...]`: prints tables and writes bench-results.json. */
const SECTIONS: Readonly<Record<string, (print: (line: string) => void) => Promise<unknown>>> = {
  compile: (print) => Promise.resolve(benchCompile(print)),
  costs: (print) => benchCosts(print),
  faults: (print) => benchFaults(print),
  headline: (print) => benchHeadline(print),
  host: (print) => benchHost(print),
  kernels: (print) => benchKernels(print),
  quantize: (print) => Promise.resolve(benchQuantize(print)),
  prediction: (print) => benchPrediction(print),
  strategies: (print) => benchStrategies(print),
  'virtual-board': (print) => benchVirtualBoard(print),
};

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown.length > 0) {
    console.error(`no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const results: Record<string, unknown> = {};
  for (const name of names.length > 0 ? names : Object.keys(SECTIONS)) {
    results[name] = await SECTIONS[name]((line) => console.log(line));
  }
  await writeFile('bench-results.json', `${JSON.stringify(results, null, 2)}\n`);
}

await main();
