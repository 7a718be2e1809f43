/** What the service needs of the parts below it, so that it can be put together from others in a test. */
import type { CampaignEvent, StartedCampaign } from '../campaign/engine.js';
import type { Store } from '../store/store.js';
import type { CampaignSummary, CampaignText } from './manifest.js';

/** What the service reads of the store. */
export interface RunArchive extends Pick<Store, 'listRuns' | 'getRun' | 'getTrace' | 'close'> {
  /** One self-contained page about these runs. */
  reportHtml(ids: readonly number[]): Promise<string>;
}

export type { CampaignEvent };

export interface CampaignEngine {
  /** Throws InputError with line and column. */
  check(text: CampaignText): CampaignSummary;
  /** Rejects with InputError before anything is stored, when the campaign cannot be run as it is written. */
  start(
    text: CampaignText,
    options: { onEvent: (event: CampaignEvent) => void; signal: AbortSignal },
  ): Promise<Pick<StartedCampaign, 'campaignId' | 'done'>>;
}
