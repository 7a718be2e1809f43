/** What `npm run test:exhaustive` does, cut into pieces that one worker thread each can do. */
import { readFileSync } from 'node:fs';
import { resourcePath } from '../../src-main/common/resources.js';
import { STRATEGIES, type Strategy } from '../../src-main/compiler/plan.js';
import { PLANTED_FAULTS, type PlantedFault } from '../firmware/host.js';
import { CrashFailure, HostCuts, type Cut, type HostCutOptions } from './host-cuts.js';
import { availableModels, crashModel, type CrashModel, type ModelName } from './models.js';
import { cutVirtualBoard } from './virtual-cuts.js';

/** `host`: cuts at NVM writes. `line`: the same with a hostile serial line. `pico`: virtual board. `fault`: planted. */
export type JobKind = 'host' | 'line' | 'pico' | 'fault';

export interface Job {
  /** `kind:model:strategy` and what else tells it from others. */
  id: string;
  kind: JobKind;
  model: ModelName;
  strategy: Strategy;
  /** Of every random choice in it. */
  seed: number;
  /** host: every so-manyth write. */
  stride: number;
  /** line: schedules. pico: cuts. */
  amount: number;
  /** host: what the board senses, where that matters; null = anything. */
  sensedMillivolts: number | null;
  fault: PlantedFault | null;
}

export type Tally = Partial<Record<string, number>>;

export interface JobContext {
  /** Core with a planted fault; null where no compiler is. */
  faultyCore: (fault: PlantedFault) => WebAssembly.Module | null;
  onProgress: (share: number) => void;
  /** Only this cut, to look at a failure again. */
  only: { cut: Cut; second: Cut | null } | null;
}

export interface JobOptions {
  seed: number;
  /** 1 = everything, n = about an nth of it. */
  sample: number;
}

/** Every byte of every write is tried on these; on the others every byte of a record and some of each other write. */
const SMALL: readonly ModelName[] = ['hello_world', 'digits', 'digits_tiled', 'micro_speech'];
const SAMPLES = 2;
const LINE_SCHEDULES = 2_000;
/** Cuts on the virtual board, over all strategies. */
const PICO_CUTS: readonly { model: ModelName; cuts: number; shard: number }[] = [
  { model: 'hello_world', cuts: 100_000, shard: 5_000 },
  { model: 'digits', cuts: 2_000, shard: 500 },
  { model: 'digits_tiled', cuts: 1_000, shard: 250 },
  { model: 'kws_ds_cnn', cuts: 1_000, shard: 100 },
];
const PICO_SAMPLES: Partial<Record<ModelName, number>> = { hello_world: 5, digits: 3, digits_tiled: 3 };
/** Only these decide by what they sense. */
const SENSING: readonly string[] = ['adaptive'];
const NEVER_LOW_MILLIVOLTS = 0xffff;

/** The long ones first, so that no core waits at the end. */
export function listJobs({ seed, sample }: JobOptions): Job[] {
  const models = availableModels();
  const jobs: Job[] = [];
  const add = (job: Partial<Job> & Pick<Job, 'kind' | 'model' | 'strategy'>, suffix = ''): void => {
    const id = `${job.kind}:${job.model}:${job.strategy}${suffix}`;
    jobs.push({ id, seed, stride: 1, amount: 0, sensedMillivolts: null, fault: null, ...job });
  };
  for (const { model, cuts, shard } of [...PICO_CUTS].reverse()) {
    if (models.includes(model)) {
      const perStrategy = Math.ceil(cuts / STRATEGIES.length / sample);
      for (const [index, strategy] of STRATEGIES.entries()) {
        for (let part = 0; part * shard < perStrategy; part++) {
          const amount = Math.min(shard, perStrategy - part * shard);
          // Some strategies have the same plan for a small model: other instants for each, all the same.
          add(
            { kind: 'pico', model, strategy, amount, seed: 1_000_000 * seed + 1_000 * index + part },
            `:${part}`,
          );
        }
      }
    }
  }
  for (const model of [...models].reverse()) {
    for (const strategy of STRATEGIES) {
      add({ kind: 'host', model, strategy, stride: sample });
      if (SENSING.includes(strategy)) {
        // The two ways in which a sensor is wrong all the time.
        add({ kind: 'host', model, strategy, stride: sample, sensedMillivolts: 0 }, ':low');
        const sensedMillivolts = NEVER_LOW_MILLIVOLTS;
        add({ kind: 'host', model, strategy, stride: sample, sensedMillivolts }, ':high');
      }
      if (model === 'hello_world' || model === 'digits') {
        add({ kind: 'line', model, strategy, amount: Math.ceil(LINE_SCHEDULES / sample) });
      }
    }
  }
  const faults = Object.keys(PLANTED_FAULTS) as PlantedFault[];
  for (const fault of faults) {
    for (const strategy of STRATEGIES) {
      add({ kind: 'fault', model: 'digits', strategy, fault }, `:${fault.replaceAll(' ', '-')}`);
    }
  }
  return jobs;
}

/**
 * @returns what was done, by name
 * @throws CrashFailure when the power failed and it showed; for a planted fault, when it did not show
 */
export function doJob(job: Job, context: JobContext): Tally {
  switch (job.kind) {
    case 'host':
      return cutHost(job, context);
    case 'line':
      return annoyHost(job, context);
    case 'pico':
      return cutPico(job, context);
    case 'fault':
      return catchFault(job, context);
  }
}

function cutHost(job: Job, { onProgress, only }: JobContext): Tally {
  const host = new HostCuts(crashModel(job.model, job.strategy, SAMPLES), optionsOf(job));
  if (only) {
    host.try(only.cut, only.second ?? undefined);
    return { cuts: host.counts.cuts };
  }
  const every = SMALL.includes(job.model);
  for (let write = 0; write < host.writes.length; write += job.stride) {
    const { length } = host.writes[write].data;
    if (every || host.isRecord(write)) {
      host.tryEveryByte(write);
    } else {
      for (const bytes of someBytes(length)) {
        host.try({ write, bytes });
      }
    }
    for (const bytes of every ? distinct([0, length >> 1, length - 1]) : [length >> 1]) {
      host.tryAllSecond({ write, bytes }, every ? someBytes : (second) => distinct([0, second - 1]));
    }
    onProgress(write / host.writes.length);
  }
  host.tryReports();
  const { counts } = host;
  return {
    writes: Math.ceil(counts.writes / job.stride),
    bytes: every && job.stride === 1 ? counts.bytes : 0,
    cuts: counts.cuts,
    'second cuts': counts.secondCuts,
    'around reports': counts.reportCuts,
    'bytes equal to what was there': counts.sameAsBefore,
    'followed to the end': counts.followed,
  };
}

function annoyHost(job: Job, { onProgress }: JobContext): Tally {
  const host = new HostCuts(crashModel(job.model, job.strategy, SAMPLES), optionsOf(job));
  for (let schedule = 0; schedule < job.amount; schedule++) {
    host.tryHostileLine(job.seed * 100_000 + schedule);
    onProgress(schedule / job.amount);
  }
  return { schedules: job.amount, cuts: host.counts.cuts };
}

function cutPico(job: Job, { onProgress }: JobContext): Tally {
  const model = crashModel(job.model, job.strategy, PICO_SAMPLES[job.model] ?? SAMPLES);
  const counts = cutVirtualBoard(model, {
    firmware: readFileSync(resourcePath('firmware', 'prebuilt', 'pico-fram.bin')),
    seed: job.seed,
    cuts: job.amount,
    onProgress: (cuts) => onProgress(cuts / job.amount),
  });
  return {
    cuts: counts.cuts,
    'before the first record of a power cycle': counts.beforeFirstCommit,
    runs: counts.runs,
    results: counts.results,
    'results repeated': counts.repeated,
    'million cycles': Math.round(counts.cycles / 1e6),
  };
}

/** Coarse to fine until the fault shows: between all writes, in the middle of each, then at every byte. */
function catchFault(job: Job, { faultyCore }: JobContext): Tally {
  const core = job.fault === null ? null : faultyCore(job.fault);
  if (core === null) {
    return { 'not built (needs clang and lld)': 1 };
  }
  const cuts = cutsUntilCaught(crashModel(job.model, job.strategy, SAMPLES), { ...optionsOf(job), core });
  if (cuts === null) {
    throw new CrashFailure(`planted fault "${job.fault}" is not noticed`);
  }
  return { caught: 1, 'cuts until caught': cuts };
}

/** @returns how many cuts it took to notice that the core is wrong; null if it was not noticed, as for a right one */
export function cutsUntilCaught(model: CrashModel, options: HostCutOptions): number | null {
  let tried = 0;
  try {
    const host = new HostCuts(model, options);
    const passes: ((length: number) => number[])[] = [
      () => [0],
      (length) => [length >> 1],
      (length) => Array.from({ length }, (_, byte) => byte),
    ];
    for (const bytesOf of passes) {
      host.writes.forEach(({ data }, write) => {
        for (const bytes of bytesOf(data.length)) {
          tried++;
          host.try({ write, bytes });
        }
      });
    }
    return null;
  } catch (error) {
    if (error instanceof CrashFailure) {
      return tried;
    }
    throw error;
  }
}

function optionsOf({ sensedMillivolts }: Job): HostCutOptions {
  return sensedMillivolts === null ? {} : { sensedMillivolts };
}

function someBytes(length: number): number[] {
  return distinct([0, 1, length >> 1, length - 1]);
}

function distinct(values: number[]): number[] {
  return [...new Set(values)].filter((value) => value >= 0);
}
