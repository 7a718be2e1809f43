import type {
  AppInfo,
  CampaignProgress,
  CampaignText,
  EventMessage,
  LogView,
  PlainError,
  ResultView,
  RunProgress,
} from '../src-main/service/manifest.js';
import { LiveSignal } from './live-signal.js';
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
  results = $state.raw<ResultView[]>([]);
  log = $state.raw<LogView[]>([]);
  error = $state.raw<PlainError | null>(null);
  starting = $state(false);
  /** Counts changes of `signal`, at most one per animation frame. */
  signalVersion = $state(0);
  /** Counts runs that ended, for lists that must look again. */
  endedRuns = $state(0);
  readonly signal = new LiveSignal();
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

  /** The run that is on the bench, or the last one that was. */
  get liveRun(): RunProgress | null {
    return this.runs.at(-1) ?? null;
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
    this.runs = [];
    this.results = [];
    this.log = [];
    this.signal.clear(null);
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
      this.campaign = current?.campaign ?? null;
      this.runs = current?.runs ?? [];
      this.results = current?.results ?? [];
      this.log = current?.log ?? [];
      this.signal.clear(current?.live?.runId ?? null);
      if (current?.live) {
        this.signal.apply(current.live);
      }
      this.#signalChanged();
    } catch (error) {
      this.error = plainErrorOf(error);
    }
  }

  #onEvent(message: EventMessage): void {
    switch (message.event) {
      case 'campaign.progress':
        this.campaign = message.payload;
        break;
      case 'run.progress':
        this.#setRun(message.payload);
        break;
      case 'run.samples':
        this.signal.apply(message.payload);
        this.#signalChanged();
        break;
      case 'run.result':
        this.results = [...this.results, message.payload.result].slice(-KEPT_ENTRIES);
        break;
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
      this.runs = [...this.runs, run];
      this.results = [];
      this.signal.clear(run.runId);
      this.#signalChanged();
    } else {
      this.runs = this.runs.with(position, run);
    }
  }

  #signalChanged(): void {
    if (!this.#framePending) {
      this.#framePending = true;
      requestAnimationFrame(() => {
        this.#framePending = false;
        this.signalVersion += 1;
      });
    }
  }
}
