/**
 * A process of its own for crash tests: stores runs in the database named by its argument until it is killed or has
 * stored as many as its second argument says. Prints `open`, then `started ID` and `stored ID` for each run.
 */
import { openStore } from '../../src-main/store/store.js';
import { exampleConfig, exampleOutcome } from './example-runs.js';

const [path, count] = process.argv.slice(2);
const store = await openStore(path);
const say = (line: string) => process.stdout.write(`${line}\n`);
say('open');
for (let index = 0; index < Number(count); index++) {
  const cell = `process ${process.pid} run ${index}`;
  const id = await store.createRun({ campaignId: null, cell, repeat: 1, config: exampleConfig() });
  say(`started ${id}`);
  await store.completeRun(id, exampleOutcome());
  say(`stored ${id}`);
}
await store.close();
