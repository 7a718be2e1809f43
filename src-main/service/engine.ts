import { readFileSync } from 'node:fs';
import { parseCampaign } from '../campaign/definition.js';
import { startCampaign } from '../campaign/engine.js';
import { expandCampaign } from '../campaign/expand.js';
import { InputError } from '../common/errors.js';
import { resourcePath } from '../common/resources.js';
import type { Store } from '../store/store.js';
import type { CampaignEngine } from './backend.js';
import type { CampaignText } from './manifest.js';

/**
 * The campaign engine as the window uses it. What is started by hand runs anew, whether or not the same campaign was
 * run before; leaving out what is done is for the command line's `run`.
 */
export function campaignEngine(store: Store): CampaignEngine {
  return {
    check: (text) => {
      const definition = parseCampaign(text.yaml, text);
      return { name: definition.name, runs: expandCampaign(definition).map((cell) => cell.key) };
    },
    start: (text, { onEvent, signal }) =>
      startCampaign(parseCampaign(text.yaml, text), { store, onEvent, signal, resume: false }),
  };
}

/** The bundled example campaign. Throws InputError when it was not built. */
export function exampleCampaign(): CampaignText {
  const folder = resourcePath('dist', 'examples');
  const place = 'example-campaign.yaml';
  try {
    return { yaml: readFileSync(resourcePath('dist', 'examples', place), 'utf8'), place, folder };
  } catch (error) {
    throw new InputError({
      code: 'example-not-built',
      place: folder,
      message: 'the example campaign was not built',
      remedy: 'Run `npm run build` and start again',
      cause: error,
    });
  }
}
