import { SvelteMap } from 'svelte/reactivity';
import type {
  AppInfo,
  CampaignProgress,
  CampaignText,
  EventMessage,
  LiveSamples,
  LogView,
  PlainError,
  ResultView,
  RunProgress,
} from '../src-main/service/manifest.js';
import { LiveSignals } from './live-signal.js';
import { createClient, plainErrorOf } from './transport.js';
import type { Client, Connection, Transport } from './transport.js';

const KEPT_ENTRIES = 200;

/**
 * What every view may know of the bench, kept up to date from its events. Signals are replaced as wholes (`raw`): they
 * come from outside and deep proxies over them would only cost time.
 */
export class Bench {
  readonly client: Client;
  connection = $state<Connection>('connecting');
  info = $state.raw<AppInfo | null>(null);
  campaign = $state.raw<CampaignProgress | null>(null);
  runs = $state.raw<RunProgress[]>([]);
  /** Results by run. */
  readonly results = new SvelteMap<number, ResultView[]>();
  log = $state.raw<LogView[]>([]);
  error = $state.raw<PlainError | null>(null);
  starting = $state(false);
  /** The run the user chose to look at; null follows what is on the bench. */
  chosenRunId = $state<number | null>(null);
  /** Counts changes of the signals, at most one per animation frame. */
  signalVersion = $state(0);
  /** Counts runs that ended, for lists that must look again. */
  endedRuns = $state(0);
  readonly signals = new LiveSignals();
  #framePending = false;

  constructor(transport: Transport) {
    this.client = createClient(transport);
    transport.onEvent((message) => this.#onEvent(message));
    transport.onConnection((state) => {
      this.connection = state;
      if (state === 'open') {
        void this.#refresh();
      }
    });
  }

  /** The run whose live signals are shown: the chosen one, else the first that is running, else the last. */
  get shownRun(): RunProgress | null {
    return (
      this.runs.find((run) => run.runId === this.chosenRunId) ??
      this.runs.find((run) => run.status === 'running') ??
      this.runs.at(-1) ??
      null
    );
  }

  get running(): boolean {
    return this.campaign?.status === 'running' || this.campaign?.status === 'cancelling';
  }

  async startExample(): Promise<void> {
    await this.#attempt(async () => this.#start(await this.client.call('campaigns.example', {})));
  }

  async start(text: CampaignText): Promise<void> {
    await this.#attempt(() => this.#start(text));
  }

  async cancel(): Promise<void> {
    await this.#attempt(async () => {
      const campaign = await this.client.call('campaigns.cancel', {});
      this.campaign = campaign ?? this.campaign;
    });
  }

  async #start(text: CampaignText): Promise<void> {
    const campaign = await this.client.call('campaigns.start', text);
    // Events of a short campaign may have overtaken the reply.
    if (this.campaign?.campaignId !== campaign.campaignId) {
      this.campaign = campaign;
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    this.starting = true;
    this.error = null;
    try {
      await work();
    } catch (error) {
      this.error = plainErrorOf(error);
    } finally {
      this.starting = false;
    }
  }

  /** After (re)connecting: everything that went on before. */
  async #refresh(): Promise<void> {
    try {
      this.info = await this.client.call('app.info', {});
      const current = await this.client.call('campaigns.current', {});
      this.#clear();
      this.campaign = current?.campaign ?? null;
      this.runs = current?.runs ?? [];
      this.log = current?.log ?? [];
      for (const live of current?.live ?? []) {
        this.results.set(live.runId, live.results);
        this.#apply(live);
      }
    } catch (error) {
      this.error = plainErrorOf(error);
    }
  }

  #onEvent(message: EventMessage): void {
    switch (message.event) {
      case 'campaign.progress':
        // A new one, whichever window started it. A start that is refused leaves what is shown as it is.
        if (message.payload.status === 'running' && message.payload.campaignId === null) {
          this.#clear();
        }
        this.campaign = message.payload;
        break;
      case 'run.progress':
        this.#setRun(message.payload);
        break;
      case 'run.samples':
        this.#apply(message.payload);
        break;
      case 'run.result': {
        const { runId, result } = message.payload;
        const kept = [...(this.results.get(runId) ?? []), result].slice(-KEPT_ENTRIES);
        this.results.set(runId, kept);
        break;
      }
      case 'run.finished':
        this.#setRun(message.payload);
        this.endedRuns += 1;
        break;
      case 'log':
        this.log = [...this.log, message.payload].slice(-KEPT_ENTRIES);
        break;
    }
  }

  #setRun(run: RunProgress): void {
    const position = this.runs.findIndex((known) => known.runId === run.runId);
    if (position < 0) {
      this.runs = [...this.runs, run].sort((a, b) => a.index - b.index);
    } else {
      this.runs = this.runs.with(position, run);
    }
  }

  #clear(): void {
    this.runs = [];
    this.results.clear();
    this.log = [];
    this.chosenRunId = null;
    this.signals.clear();
    this.signalVersion += 1;
  }

  #apply(samples: LiveSamples): void {
    this.signals.apply(samples);
    if (!this.#framePending) {
      this.#framePending = true;
      requestAnimationFrame(() => {
        this.#framePending = false;
        this.signalVersion += 1;
      });
    }
  }
}
