import { InputError } from '../common/errors.js';
import { MinMaxHistory } from '../common/min-max-history.js';
import type { BenchSample, RunEvent } from '../campaign/types.js';
import type { CampaignEngine, CampaignEvent, RunArchive } from './backend.js';
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
/** Results of a run and lines of the log that are kept for windows which open later. */
const KEPT_ENTRIES = 200;
/** Ended runs whose live history is kept, the latest; that of runs on the bench always is. */
const KEPT_RUNS = 16;

/** A run of the current campaign as it goes on. Several may, each on its own core. */
interface LiveRun {
  progress: RunProgress;
  history: MinMaxHistory;
  results: ResultView[];
  /** Whether something happened since the last batch of events. */
  changed: boolean;
}

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
  #runs = new Map<number, LiveRun>();
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
    this.#log = [];
    // Inputs are checked and models compiled before the first run: that takes its time, and other windows may know.
    this.#emitCampaign();
    const starting = this.#engine.start(text, {
      signal: abort.signal,
      onEvent: (event) => this.#onEvent(event),
    });
    // From here on, not only once it has started: `close` must wait until the engine has let go of the store.
    this.#done = starting
      .then(({ done }) => done)
      .then(
        () => this.#end(abort.signal.aborted ? 'cancelled' : 'finished', null),
        (error: unknown) => this.#end(abort.signal.aborted ? 'cancelled' : 'failed', error),
      );
    try {
      this.#campaign.campaignId = (await starting).campaignId;
    } catch (error) {
      await this.#done;
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
      runs: [...this.#runs.values()].map(({ progress }) => ({ ...progress })),
      live: this.#withHistory().map(({ progress: { runId }, history, results }) => ({
        runId,
        fromIndex: 0,
        columns: structuredClone(history.columns),
        results: [...results],
      })),
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
        const progress = this.#runs.get(event.runId)?.progress;
        if (progress && this.#campaign) {
          const { status, reason, measures } = event;
          Object.assign(progress, { status, reason, measures, stage: null } satisfies Partial<RunProgress>);
          this.#campaign.endedRuns += 1;
          this.#emit({ event: 'run.finished', payload: { ...progress } });
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
    const progress: RunProgress = {
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
    const run: LiveRun = {
      progress,
      history: new MinMaxHistory(LIVE_CHANNELS.length, HISTORY_BUCKETS),
      results: [],
      changed: false,
    };
    this.#runs.set(event.runId, run);
    const kept = new Set(this.#withHistory());
    for (const old of this.#runs.values()) {
      if (!kept.has(old)) {
        old.history.clear();
        old.results = [];
      }
    }
    this.#emit({ event: 'run.progress', payload: { ...progress } });
    // Thresholds and length come from the stored configuration; a window can do without them for a moment.
    this.#archive.getRun(event.runId).then(
      (stored) => {
        const { sampleCount, power, turnOnVolts, brownOutVolts } = stored.config;
        progress.inferencesPlanned = sampleCount;
        if (power.kind !== 'continuous') {
          progress.turnOnVolts = turnOnVolts;
          progress.brownOutVolts = brownOutVolts;
        }
        this.#changed(run);
      },
      () => undefined,
    );
  }

  #onRunEvent(runId: number, event: RunEvent): void {
    const run = this.#runs.get(runId);
    if (!run) {
      return;
    }
    const { progress } = run;
    switch (event.kind) {
      case 'stage':
        progress.stage = event.stage;
        progress.stageFraction = event.fraction;
        break;
      case 'samples':
        for (const sample of event.samples) {
          this.#onSample(run, sample);
        }
        break;
      case 'result': {
        const result = resultView(event.result);
        progress.inferencesDone += 1;
        if (result.label !== null) {
          progress.labelled += 1;
          progress.correct += result.label === result.predicted ? 1 : 0;
        }
        keepLast(run.results, result);
        this.#emit({ event: 'run.result', payload: { runId, result } });
        break;
      }
      case 'log':
        this.#addLog({ runId, entry: event.entry });
        break;
    }
    this.#changed(run);
  }

  #onSample({ progress, history }: LiveRun, sample: BenchSample): void {
    if (sample.powered && !progress.powered) {
      progress.powerCycles += 1;
    }
    progress.powered = sample.powered;
    progress.timeSeconds = sample.timeSeconds;
    progress.capacitorVolts = sample.capacitorVolts;
    progress.loadAmps = sample.loadAmps;
    progress.progress = sample.progress;
    history.append(sample.timeSeconds, [
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

  /** Runs whose live history has not been given up. */
  #withHistory(): LiveRun[] {
    const runs = [...this.#runs.values()];
    return runs.filter(
      ({ progress }, index) => progress.status === 'running' || index >= runs.length - KEPT_RUNS,
    );
  }

  #changed(run: LiveRun): void {
    run.changed = true;
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MILLISECONDS);
  }

  #flush(): void {
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    for (const run of this.#withHistory()) {
      if (run.changed) {
        run.changed = false;
        const change = run.history.takeChange();
        if (change) {
          this.#emit({ event: 'run.samples', payload: { runId: run.progress.runId, ...change } });
        }
        this.#emit({ event: 'run.progress', payload: { ...run.progress } });
      }
    }
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
