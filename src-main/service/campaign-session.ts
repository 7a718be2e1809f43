import { InputError } from '../common/errors.js';
import type { BenchSample, RunEvent } from '../campaign/types.js';
import type { CampaignEngine, CampaignEvent, RunArchive } from './backend.js';
import { LiveHistory } from './live-history.js';
import { LIVE_CHANNELS, resultView } from './manifest.js';
import type {
  CampaignProgress,
  CampaignText,
  CurrentCampaign,
  EventMessage,
  LogView,
  ResultView,
  RunProgress,
} from './manifest.js';
import { plainError } from './plain-error.js';

/** Events of samples and progress leave at most this often. */
const BATCH_MILLISECONDS = 34;
/** A run of a minute is seen to 7 ms, and drawn well within a frame. */
const HISTORY_BUCKETS = 16_384;
const KEPT_ENTRIES = 200;

/**
 * The one campaign that may be on the bench: turns the engine's events into the window's, in batches, and remembers
 * enough of them that a window which opens or reloads in the middle shows the same as one that was there all along.
 */
export class CampaignSession {
  readonly #engine: CampaignEngine;
  readonly #archive: RunArchive;
  readonly #emit: (message: EventMessage) => void;
  #campaign: CampaignProgress | null = null;
  #abort: AbortController | null = null;
  #done: Promise<void> = Promise.resolve();
  #runs = new Map<number, RunProgress>();
  #liveRun: RunProgress | null = null;
  #liveChanged = false;
  readonly #history = new LiveHistory(LIVE_CHANNELS.length, HISTORY_BUCKETS);
  #results: ResultView[] = [];
  #log: LogView[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(engine: CampaignEngine, archive: RunArchive, emit: (message: EventMessage) => void) {
    this.#engine = engine;
    this.#archive = archive;
    this.#emit = emit;
  }

  /** Throws InputError `campaign-running` while one is on the bench, and whatever the engine refuses. */
  async start(text: CampaignText): Promise<CampaignProgress> {
    if (this.#abort) {
      throw new InputError({
        code: 'campaign-running',
        place: text.place,
        message: `campaign “${this.#campaign?.name ?? ''}” is still on the bench`,
        remedy: 'Wait for it to finish or cancel it first',
      });
    }
    const summary = this.#engine.check(text);
    const abort = new AbortController();
    this.#abort = abort;
    this.#campaign = {
      campaignId: null,
      name: summary.name,
      status: 'running',
      plannedRuns: summary.runs.length,
      endedRuns: 0,
      error: null,
    };
    this.#runs = new Map();
    this.#liveRun = null;
    this.#results = [];
    this.#log = [];
    this.#history.clear();
    try {
      const started = await this.#engine.start(text, {
        signal: abort.signal,
        onEvent: (event) => this.#onEvent(event),
      });
      this.#campaign.campaignId = started.campaignId;
      this.#done = started.done.then(
        () => this.#end(abort.signal.aborted ? 'cancelled' : 'finished', null),
        (error: unknown) => this.#end(abort.signal.aborted ? 'cancelled' : 'failed', error),
      );
    } catch (error) {
      this.#end('failed', error);
      throw error;
    }
    this.#emitCampaign();
    return { ...this.#campaign };
  }

  /** Null when nothing was ever started. */
  cancel(): CampaignProgress | null {
    if (this.#abort && this.#campaign && !this.#abort.signal.aborted) {
      this.#campaign.status = 'cancelling';
      this.#emitCampaign();
      this.#abort.abort();
    }
    return this.#campaign && { ...this.#campaign };
  }

  /** Resolves once no campaign is on the bench any more. */
  async close(): Promise<void> {
    this.cancel();
    await this.#done;
  }

  current(): CurrentCampaign | null {
    if (!this.#campaign) {
      return null;
    }
    // What leaves as an event from here on must continue what is told now.
    this.#flush();
    return {
      campaign: { ...this.#campaign },
      runs: [...this.#runs.values()].map((run) => ({ ...run })),
      live: this.#liveRun && {
        runId: this.#liveRun.runId,
        fromIndex: 0,
        columns: structuredClone(this.#history.columns),
      },
      results: [...this.#results],
      log: [...this.#log],
    };
  }

  #onEvent(event: CampaignEvent): void {
    switch (event.kind) {
      case 'run-started':
        this.#onRunStarted(event);
        break;
      case 'run-event':
        this.#onRunEvent(event.runId, event.event);
        break;
      case 'run-finished': {
        this.#flush();
        const run = this.#runs.get(event.runId);
        if (run && this.#campaign) {
          Object.assign(run, {
            status: event.status,
            reason: event.reason,
            measures: event.measures,
            stage: null,
          });
          this.#campaign.endedRuns += 1;
          this.#emit({ event: 'run.finished', payload: { ...run } });
          this.#emitCampaign();
        }
        break;
      }
      case 'campaign-finished':
        // The promise `done` of the engine is the one place that ends the session.
        break;
    }
  }

  #onRunStarted(event: Extract<CampaignEvent, { kind: 'run-started' }>): void {
    this.#flush();
    this.#history.clear();
    this.#results = [];
    const run: RunProgress = {
      runId: event.runId,
      cell: event.cell,
      label: event.label,
      index: event.index,
      status: 'running',
      reason: null,
      stage: null,
      stageFraction: 0,
      timeSeconds: 0,
      capacitorVolts: null,
      loadAmps: null,
      powered: false,
      progress: 0,
      powerCycles: 0,
      inferencesDone: 0,
      inferencesPlanned: 0,
      labelled: 0,
      correct: 0,
      turnOnVolts: null,
      brownOutVolts: null,
      measures: null,
    };
    this.#runs.set(event.runId, run);
    this.#liveRun = run;
    this.#emit({ event: 'run.progress', payload: { ...run } });
    // Thresholds and length come from the stored configuration; a window can do without them for a moment.
    this.#archive.getRun(event.runId).then(
      (stored) => {
        const { sampleCount, power, turnOnVolts, brownOutVolts } = stored.config;
        run.inferencesPlanned = sampleCount;
        if (power.kind !== 'continuous') {
          run.turnOnVolts = turnOnVolts;
          run.brownOutVolts = brownOutVolts;
        }
        this.#changed();
      },
      () => undefined,
    );
  }

  #onRunEvent(runId: number, event: RunEvent): void {
    const run = this.#runs.get(runId);
    if (!run) {
      return;
    }
    switch (event.kind) {
      case 'stage':
        run.stage = event.stage;
        run.stageFraction = event.fraction;
        break;
      case 'samples':
        for (const sample of event.samples) {
          this.#onSample(run, sample);
        }
        break;
      case 'result': {
        const result = resultView(event.result);
        run.inferencesDone += 1;
        if (result.label !== null) {
          run.labelled += 1;
          run.correct += result.label === result.predicted ? 1 : 0;
        }
        keepLast(this.#results, result);
        this.#emit({ event: 'run.result', payload: { runId, result } });
        break;
      }
      case 'log':
        this.#addLog({ runId, entry: event.entry });
        break;
    }
    this.#changed();
  }

  #onSample(run: RunProgress, sample: BenchSample): void {
    if (sample.powered && !run.powered) {
      run.powerCycles += 1;
    }
    run.powered = sample.powered;
    run.timeSeconds = sample.timeSeconds;
    run.capacitorVolts = sample.capacitorVolts;
    run.loadAmps = sample.loadAmps;
    run.progress = sample.progress;
    this.#history.append(sample.timeSeconds, [
      sample.capacitorVolts,
      sample.loadAmps,
      sample.powered ? 1 : 0,
      sample.progress,
    ]);
  }

  #addLog(line: LogView): void {
    keepLast(this.#log, line);
    this.#emit({ event: 'log', payload: line });
  }

  #changed(): void {
    this.#liveChanged = true;
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MILLISECONDS);
  }

  #flush(): void {
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    if (!this.#liveRun || !this.#liveChanged) {
      return;
    }
    this.#liveChanged = false;
    const change = this.#history.takeChange();
    if (change) {
      this.#emit({ event: 'run.samples', payload: { runId: this.#liveRun.runId, ...change } });
    }
    this.#emit({ event: 'run.progress', payload: { ...this.#liveRun } });
  }

  #end(status: CampaignProgress['status'], error: unknown): void {
    this.#flush();
    this.#abort = null;
    if (this.#campaign) {
      this.#campaign.status = status;
      this.#campaign.error =
        error === null || status === 'cancelled' ? null : plainError(error, this.#campaign.name);
    }
    this.#emitCampaign();
  }

  #emitCampaign(): void {
    if (this.#campaign) {
      this.#emit({ event: 'campaign.progress', payload: { ...this.#campaign } });
    }
  }
}

function keepLast<Entry>(list: Entry[], entry: Entry): void {
  list.push(entry);
  if (list.length > KEPT_ENTRIES) {
    list.shift();
  }
}
