/** A process that runs a small campaign and says when its second run is under way, so that a test can kill it there. */
import { parseCampaign } from '../../src-main/campaign/definition.js';
import { startCampaign } from '../../src-main/campaign/engine.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { openStore } from '../../src-main/store/store.js';
import { smallCampaign } from './small-campaign.js';

const definition = parseCampaign(smallCampaign({ strategies: '[layer, tile]' }), {
  place: 'test',
  folder: resourcePath('dist', 'examples'),
});
let finished = 0;
const started = await startCampaign(definition, {
  store: await openStore(process.argv[2]),
  signal: new AbortController().signal,
  parallelRuns: 1,
  resume: true,
  onEvent: (event) => {
    finished += event.kind === 'run-finished' ? 1 : 0;
    if (finished === 1 && event.kind === 'run-event' && event.event.kind === 'samples') {
      process.send?.('second run');
    }
  },
});
await started.done;
