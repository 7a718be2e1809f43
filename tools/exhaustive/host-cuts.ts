/**
 * Cuts the power of the host board at chosen instants and proves that nothing of it shows in the results.
 *
 * A power failure is fully described by what it leaves behind: NVM, and what the host has seen by then. Between two writes
 * NVM does not change, so cutting at each byte of each write is cutting at every instant. A reference run without failures
 * records each write (`#0`, `#1`, ...); NVM at any cut is then put together from that log, without running up to it.
 *
 * What follows a cut is executed by the board itself: start, restore, the task again, its commit. The rest is not executed
 * a second time when its outcome is known already. The argument: right after a commit, all that decides how a run without
 * further failures goes on is (a) the record without its counters and its sequence number, as the board has it in RAM, (b)
 * NVM behind the records, (c) every byte of the arena and what the board knows of its harvest, with the number of readings of
 * the capacitor since that commit, since a sensor here answers by it, and (d) which results the host has. Code, image and samples are
 * constants; the noise in SRAM after a start is fixed and part of (c); slots hold older records that nobody reads while the
 * power stays. So when two executions agree in (a) to (d), byte for byte (a SHA-256 of them stands for the bytes), they do
 * the same for ever after. The first one to reach such a state is followed to the end of all runs, with all its results
 * checked; only then does the state count as proven, and only then may others stop there. A state that nobody has reached
 * before is followed to the end again, so that a wrong assumption costs time and not truth.
 *
 * On top of that, NVM behind the records is compared with the reference run's at the same commit. Plans that choose their
 * commits by what they sense may lawfully differ there.
 */
import { createHash } from 'node:crypto';
import { HostBoard, PowerFailure } from '../../src-main/board/host/host-board.js';
import { RECORD_BYTES, type BoardRecord } from '../../src-main/board/record.js';
import { NoiseSource } from '../../src-main/board/virtual/random.js';
import type { CrashModel } from './models.js';

/** Records, full and light, lie below; results and preserved activations from here on: firmware/SPEC.md section 2. */
const NVM_DATA_OFFSET = 0x0400;
/** States that a resumed run may pass before it is simply followed to its end. */
const COMMITS_TO_CONVERGE = 3;
/** Voltages that the random sensor shows: below and above any threshold between brown-out and turn-on. */
const LOWEST_MILLIVOLTS = 1_800;
const SENSED_SPAN = 3_400;
/** No run of these models comes near; a board that does nothing for ever is caught here. */
const ACTIONS_AT_MOST = 1_000_000;

/** One run that the host orders, as in firmware/SPEC.md section 6, RUN. */
interface Order {
  runId: number;
  firstSample: number;
  inferences: number;
}

/** What the host knows; it outlives power failures of the board. */
interface HostView {
  /** Index of the order in progress. */
  order: number;
  /** The board has said yes to it. */
  started: boolean;
  /** Results of this order that the host has. */
  taken: number;
  /** Most tasks of this order that the board has said were executed and committed. */
  tasks: number;
  /** Power failures so far. */
  failures: number;
}

/** A write of the reference run. */
interface LoggedWrite {
  offset: number;
  data: Uint8Array;
  view: HostView;
}

/** State of the reference run after a commit. */
interface ReferenceCommit {
  nvmDigest: string;
  record: BoardRecord;
}

/** The power fails when `bytes` bytes of write `write` are in NVM. */
export interface Cut {
  write: number;
  bytes: number;
}

/** What the host does with a result that the board reports at this instant, before anything else is written. */
export type ReportMishap =
  'cut before the report' | 'report arrived, acknowledgement lost' | 'acknowledged twice';

export interface HostCutCounts {
  /** Cuts, first or second ones, after which the runs were verified to the end. */
  cuts: number;
  /** Second ones among them. */
  secondCuts: number;
  /** Those around a report and its acknowledgement. */
  reportCuts: number;
  /** Left NVM and host exactly as the cut before: the byte written is the byte that was there. Not in `cuts`. */
  sameAsBefore: number;
  /** Writes and bytes of the reference run, all of them tried. */
  writes: number;
  bytes: number;
  /** Cuts that ended in a state proven by another, and runs that were followed to their end. */
  converged: number;
  followed: number;
}

/** Something that must never be: the text says what, and at which cut. */
export class CrashFailure extends Error {
  override readonly name = 'CrashFailure';
}

export interface HostCutOptions {
  /** Another core than the bench's own, for planted faults. */
  core?: WebAssembly.Module;
  /** What the board senses of its capacitor: always the same, or (default) anything. */
  sensedMillivolts?: number;
}

export function noCounts(): HostCutCounts {
  return {
    cuts: 0,
    secondCuts: 0,
    reportCuts: 0,
    sameAsBefore: 0,
    writes: 0,
    bytes: 0,
    converged: 0,
    followed: 0,
  };
}

/** A model on a host board, with the log of its undisturbed runs: one inference, then all samples in a run of their own. */
export class HostCuts {
  readonly counts: HostCutCounts = noCounts();
  readonly writes: readonly LoggedWrite[];
  /** Host's view and NVM at each instant at which a result is reported for the first time. */
  private readonly reports: { view: HostView; nvm: Uint8Array }[] = [];
  private readonly commits = new Map<string, ReferenceCommit>();
  private readonly proven = new Set<string>();
  private readonly board: HostBoard;
  private readonly orders: readonly Order[];
  private readonly noise: Uint8Array;
  private readonly factoryNvm: Uint8Array;
  /** NVM before write `shadowAt` of the reference run. */
  private readonly shadow: Uint8Array;
  private shadowAt = 0;
  private committed = false;

  /** @throws CrashFailure when not even the undisturbed runs are right */
  constructor(
    private readonly model: CrashModel,
    private readonly options: HostCutOptions = {},
  ) {
    const samples = model.expected.length;
    this.orders = [
      { runId: 6, firstSample: samples - 1, inferences: 1 },
      { runId: 7, firstSample: 0, inferences: samples },
    ];
    this.board = new HostBoard({
      image: model.image,
      dataset: model.dataset,
      senseMillivolts: () => this.sense(),
      ...(options.core ? { core: options.core } : {}),
    });
    const { nvm, arena } = this.board;
    this.noise = noiseBytes(arena.length, 1);
    this.factoryNvm = noiseBytes(nvm.length, 2);
    this.writes = this.runReference();
    this.counts.writes = this.writes.length;
    this.counts.bytes = this.writes.reduce((sum, { data }) => sum + data.length, 0);
    this.shadow = this.factoryNvm.slice();
  }

  /**
   * Cuts at one instant of the reference run and verifies the rest.
   *
   * @param second cuts once more, at a write counted from the restart
   * @throws CrashFailure
   */
  try(cut: Cut, second?: Cut): void {
    this.seek(cut.write);
    const { offset, data, view } = this.writes[cut.write];
    const { nvm } = this.board;
    nvm.set(this.shadow);
    nvm.set(data.subarray(0, cut.bytes), offset);
    const known = { ...view, failures: 1 };
    this.explained(
      `${cut.write}:${cut.bytes}${second ? ` then ${second.write}:${second.bytes}` : ''}`,
      () => {
        if (second === undefined) {
          this.resume(known);
        } else {
          this.resumeAndCut(known, second);
        }
      },
    );
    this.counts.cuts++;
    this.counts.secondCuts += second ? 1 : 0;
  }

  /**
   * The first cut at one instant, then one at every write from the restart to the first commit, at the bytes that
   * `bytesOf` chooses of each.
   *
   * @throws CrashFailure
   */
  tryAllSecond(cut: Cut, bytesOf: (length: number) => number[]): void {
    this.writesAfter(cut).forEach((length, write) => {
      for (const bytes of bytesOf(length)) {
        this.try(cut, { write, bytes });
      }
    });
  }

  /** Whether a write of the reference run is a record, full or light. */
  isRecord(write: number): boolean {
    return this.writes[write].offset < NVM_DATA_OFFSET;
  }

  /** Every byte of a write; those that change nothing are only counted. @throws CrashFailure */
  tryEveryByte(write: number): void {
    const { offset, data } = this.writes[write];
    this.seek(write);
    for (let bytes = 0; bytes < data.length; bytes++) {
      if (bytes > 0 && this.shadow[offset + bytes - 1] === data[bytes - 1]) {
        this.counts.sameAsBefore++;
      } else {
        this.try({ write, bytes });
      }
    }
  }

  /** Everything that can go wrong between the commit of a result and the commit after it. @throws CrashFailure */
  tryReports(): void {
    const mishaps: ReportMishap[] = [
      'cut before the report',
      'report arrived, acknowledgement lost',
      'acknowledged twice',
    ];
    this.reports.forEach(({ view, nvm }, report) => {
      for (const mishap of mishaps) {
        for (const times of [1, 2, 3]) {
          this.explained(`report ${report}, ${times} times "${mishap}"`, () =>
            this.tryReport(view, nvm, mishap, times),
          );
          this.counts.cuts++;
          this.counts.reportCuts++;
        }
      }
    });
  }

  /**
   * A host whose line loses, doubles and delays what it carries, and power that fails at any byte.
   *
   * @returns power failures that happened
   * @throws CrashFailure
   */
  tryHostileLine(seed: number): number {
    const random = new NoiseSource(seed);
    const below = (limit: number): number => (random.next() >>> 0) % limit;
    const { board } = this;
    board.nvm.set(this.factoryNvm);
    const view = newView();
    const late: { runId: number; inference: number }[] = [];
    // About one failure in the writes of an inference, sometimes a burst of them.
    const span = Math.ceil((2 * this.counts.bytes) / (this.model.expected.length + 1));
    this.explained(`hostile line with seed ${seed}`, () => {
      for (let cycle = 0; cycle < 1000; cycle++) {
        try {
          this.powerOn(cycle > 200 ? null : below(below(3) === 0 ? 300 : span));
          while (view.order < this.orders.length) {
            const stale = late[below(8)];
            if (stale) {
              board.acknowledge(stale.runId, stale.inference);
            }
            const { runId } = this.orders[view.order];
            const pending = this.isReported(view) ? board.pendingResult() : null;
            if (pending === null) {
              this.act(view);
              continue;
            }
            if (below(4) > 0) {
              this.take(view, pending.inference, pending.output);
              late.push({ runId, inference: pending.inference });
              for (let copies = below(4); copies > 0; copies--) {
                board.acknowledge(runId, pending.inference);
              }
            }
          }
          board.powerOff();
          return;
        } catch (error) {
          if (!(error instanceof PowerFailure)) {
            throw error;
          }
          view.failures++;
          this.counts.cuts++;
        }
      }
      throw new CrashFailure('the runs do not come to an end');
    });
    return view.failures;
  }

  /** Lengths of the writes from the restart after a cut to the first commit of a task. */
  private writesAfter(cut: Cut): number[] {
    this.seek(cut.write);
    const { offset, data, view } = this.writes[cut.write];
    const { board } = this;
    board.nvm.set(this.shadow);
    board.nvm.set(data.subarray(0, cut.bytes), offset);
    const lengths: number[] = [];
    const watched = { ...view, failures: 1 };
    this.explained(`${cut.write}:${cut.bytes}`, () => {
      this.powerOn(null, (_offset, written) => lengths.push(written.length));
      this.committed = false;
      while (!this.committed && watched.order < this.orders.length) {
        this.act(watched);
      }
    });
    board.powerOff();
    return lengths;
  }

  private resumeAndCut(view: HostView, { write, bytes }: Cut): void {
    const { board } = this;
    let index = 0;
    try {
      this.powerOn(null, (offset, data) => {
        if (index++ === write) {
          board.nvm.set(data.subarray(0, bytes), offset);
          throw new PowerFailure('second cut');
        }
      });
      while (view.order < this.orders.length) {
        this.act(view);
      }
    } catch (error) {
      if (!(error instanceof PowerFailure)) {
        throw error;
      }
      board.powerOff();
      view.failures++;
      this.resume(view);
      return;
    }
    throw new CrashFailure(`there is no write ${write} after the restart`);
  }

  private tryReport(reported: HostView, nvm: Uint8Array, mishap: ReportMishap, times: number): void {
    const { board } = this;
    const view = { ...reported };
    const { runId } = this.orders[view.order];
    board.nvm.set(nvm);
    for (let time = 0; time < times; time++) {
      this.powerOn(null);
      view.failures++;
      const pending = board.pendingResult();
      if (pending === null) {
        throw new CrashFailure('a result that nobody has acknowledged is not there any more');
      }
      if (mishap !== 'cut before the report') {
        this.take(view, pending.inference, pending.output);
      }
      if (mishap === 'acknowledged twice') {
        const last = view.taken === this.orders[view.order].inferences;
        board.acknowledge(runId, pending.inference);
        board.acknowledge(runId, pending.inference);
        board.acknowledge(runId + 1, pending.inference);
        if (last) {
          // Durable at once; a repetition of the report has no board to come from.
          break;
        }
      }
      board.powerOff();
    }
    view.failures++;
    this.resume(view);
  }

  /** Power that stays, until all runs are done or the rest is known. */
  private resume(view: HostView): void {
    const passed: string[] = [];
    this.powerOn(null);
    while (view.order < this.orders.length) {
      this.committed = false;
      this.act(view);
      if (this.committed && passed.length < COMMITS_TO_CONVERGE && view.order < this.orders.length) {
        this.compareWithReference(view);
        const digest = this.stateDigest(view);
        if (this.proven.has(digest)) {
          this.counts.converged++;
          passed.forEach((state) => this.proven.add(state));
          this.board.powerOff();
          return;
        }
        passed.push(digest);
      }
    }
    this.counts.followed++;
    passed.forEach((state) => this.proven.add(state));
    this.board.powerOff();
  }

  private runReference(): LoggedWrite[] {
    const { board } = this;
    const writes: LoggedWrite[] = [];
    const view = newView();
    board.nvm.set(this.factoryNvm);
    this.explained('no cut at all', () => {
      this.powerOn(null, (offset, data) => writes.push({ offset, data: data.slice(), view: { ...view } }));
      while (view.order < this.orders.length) {
        if (this.isReported(view)) {
          this.reports.push({ view: { ...view }, nvm: board.nvm.slice() });
        }
        this.committed = false;
        this.act(view);
        if (this.committed && view.order < this.orders.length) {
          const record = board.record();
          this.commits.set(positionOf(record), { nvmDigest: this.nvmDigest(), record });
        }
      }
    });
    board.powerOff();
    return writes;
  }

  /** Start of the board with the SRAM noise that is always the same, and a sensor that depends on nothing but progress. */
  private powerOn(limit: number | null, onWrite?: (offset: number, data: Uint8Array) => void): void {
    const { board } = this;
    this.sensed = 0;
    board.onNvmWrite = (offset, data) => {
      if (offset < NVM_DATA_OFFSET) {
        this.committed = true;
        this.sensed = 0;
      }
      onWrite?.(offset, data);
    };
    board.boot(limit);
    board.arena.set(this.noise);
  }

  /**
   * Any voltage, but the same one whenever the board asks for the nth time after the same commit: what it senses is then
   * part of the state that it is in.
   */
  private sense(): number {
    const { sensedMillivolts } = this.options;
    if (sensedMillivolts !== undefined) {
      return sensedMillivolts;
    }
    const { runId, inference, task } = this.board.record();
    const mixed = [runId, inference, task, this.sensed++].reduce(
      (hash, value) => Math.imul(hash ^ value, 0x01000193) ^ (hash >>> 15),
      0x811c9dc5,
    );
    return LOWEST_MILLIVOLTS + ((mixed >>> 0) % SENSED_SPAN);
  }

  /** One thing that the host or the board does next: start a run, execute a task, report a result and acknowledge it. */
  private act(view: HostView): void {
    const { board } = this;
    const order = this.orders[view.order];
    const record = board.record();
    if (++this.actions > ACTIONS_AT_MOST) {
      throw new CrashFailure('the runs do not come to an end');
    }
    if (record.runId !== order.runId) {
      must(!view.started, `run ${order.runId} was started and is forgotten`);
      const { code } = board.start(order.runId, order.firstSample, order.inferences);
      must(code === 0, `run ${order.runId} is refused with code ${code}`);
      view.started = true;
      return;
    }
    view.started = true;
    if (record.state === 'finished') {
      must(
        view.taken === order.inferences,
        `run ${order.runId} is finished, the host has ${view.taken} results`,
      );
      this.checkCounters(record, view);
      Object.assign(view, { order: view.order + 1, started: false, taken: 0, tasks: 0 });
      return;
    }
    must(record.state === 'running', `run ${order.runId} is ${record.state}`);
    must(record.tasksExecuted >= view.tasks, 'progress that was committed once is gone');
    view.tasks = record.tasksExecuted;
    const pending = board.pendingResult();
    if (pending === null) {
      board.advance();
      return;
    }
    this.take(view, pending.inference, pending.output);
    board.acknowledge(order.runId, pending.inference);
  }

  private isReported(view: HostView): boolean {
    const record = this.board.record();
    return (
      record.runId === this.orders[view.order].runId &&
      record.state === 'running' &&
      record.acknowledged < record.inference
    );
  }

  /** The host's side of exactly once: results are known by their number, the first one counts. */
  private take(view: HostView, inference: number, output: Int8Array): void {
    const { firstSample } = this.orders[view.order];
    must(inference <= view.taken, `result ${inference} is reported while the host waits for ${view.taken}`);
    must(
      inference >= view.taken - 1,
      `result ${inference} is reported again, though a later one was acknowledged`,
    );
    const expected = this.model.expected[firstSample + inference];
    must(sameBytes(output, expected), `result ${inference} is [${output.join()}], not [${expected.join()}]`);
    view.taken = Math.max(view.taken, inference + 1);
  }

  private checkCounters(record: BoardRecord, { failures }: HostView): void {
    const { inferences } = this.orders[this.orders.findIndex(({ runId }) => runId === record.runId)];
    const { powerCycles, restores, tasksExecuted, tasksReexecuted, checkpoints } = record;
    const tasks = inferences * this.model.tasksPerInference;
    must(
      record.acknowledged === inferences && record.inference === inferences,
      'the last record is not complete',
    );
    must(tasksExecuted === tasks, `${tasksExecuted} tasks are counted, ${tasks} were executed`);
    must(
      !this.model.fixedCommits ? checkpoints <= tasks : checkpoints === tasks,
      `${checkpoints} checkpoints are counted for ${tasks} tasks`,
    );
    must(
      powerCycles >= 1 && powerCycles <= failures + 1,
      `${powerCycles} power cycles are counted after ${failures} failures`,
    );
    must(
      restores <= tasksReexecuted && tasksReexecuted < powerCycles,
      `${restores} restores and ${tasksReexecuted} tasks executed again are counted in ${powerCycles} power cycles`,
    );
  }

  /** At a commit that the reference run has too: same NVM, same progress, counters that only failures can have raised. */
  private compareWithReference(view: HostView): void {
    const record = this.board.record();
    const reference = this.commits.get(positionOf(record));
    if (reference === undefined) {
      must(!this.model.fixedCommits, `there is no commit ${positionOf(record)} in the undisturbed run`);
      return;
    }
    if (this.model.fixedCommits) {
      must(
        this.nvmDigest() === reference.nvmDigest,
        `NVM differs at ${positionOf(record)} from the undisturbed run`,
      );
      must(
        record.checkpoints === reference.record.checkpoints,
        `${record.checkpoints} checkpoints are counted, not ${reference.record.checkpoints}`,
      );
    }
    must(
      record.tasksExecuted === reference.record.tasksExecuted,
      `${record.tasksExecuted} tasks are counted, not ${reference.record.tasksExecuted}`,
    );
    must(
      record.powerCycles <= reference.record.powerCycles + view.failures,
      `${record.powerCycles} power cycles are counted after ${view.failures} failures`,
    );
    if (this.model.fixedCommits) {
      const written = record.nvmBytesWritten - reference.record.nvmBytesWritten;
      must(
        written >= 0 && written <= RECORD_BYTES * view.failures,
        `${record.nvmBytesWritten} NVM bytes written are counted, ${reference.record.nvmBytesWritten} without a failure`,
      );
      // Each start reads records, at most everything that is preserved, and a result.
      const read = record.nvmBytesRead - reference.record.nvmBytesRead;
      must(
        read >= 0 && read <= this.board.nvm.length * view.failures,
        `${record.nvmBytesRead} NVM bytes read are counted, ${reference.record.nvmBytesRead} without a failure`,
      );
    }
  }

  private nvmDigest(): string {
    return createHash('sha256').update(this.board.nvm.subarray(NVM_DATA_OFFSET)).digest('base64');
  }

  /** Everything that decides how it goes on; see the head of this file. */
  private stateDigest(view: HostView): string {
    const { board } = this;
    const record = board.recordBytes();
    for (const [begin, end] of COUNTERS) {
      record.fill(0, begin, end);
    }
    return createHash('sha256')
      .update(JSON.stringify([view.order, view.started, view.taken, this.sensed]))
      .update(record)
      .update(board.nvm.subarray(NVM_DATA_OFFSET))
      .update(board.arena)
      .update(board.restBytes())
      .digest('base64');
  }

  /** Brings `shadow` to the state before a write of the reference run; cheap when they are asked for in order. */
  private seek(write: number): void {
    if (write < this.shadowAt) {
      this.shadow.set(this.factoryNvm);
      this.shadowAt = 0;
    }
    for (; this.shadowAt < write; this.shadowAt++) {
      const { offset, data } = this.writes[this.shadowAt];
      this.shadow.set(data, offset);
    }
  }

  private explained(where: string, action: () => void): void {
    this.actions = 0;
    try {
      action();
    } catch (error) {
      // Whatever the board throws (a record that is none, a trap of the program) is a failure at this cut.
      throw new CrashFailure(`cut ${where}: ${(error as Error).message}`, { cause: error });
    }
  }

  private actions = 0;
  /** Readings of the sensor since the last commit or start. */
  private sensed = 0;
}

/** Bytes of a record that count or number, and decide nothing: sequence, counters, NVM traffic, CRC. */
const COUNTERS = [
  [4, 8],
  [40, 60],
  [64, 80],
  [84, 96],
  [124, 128],
] as const;

function newView(): HostView {
  return { order: 0, started: false, taken: 0, tasks: 0, failures: 0 };
}

function positionOf({ runId, inference, task, acknowledged, state }: BoardRecord): string {
  return `run ${runId} inference ${inference} task ${task} acknowledged ${acknowledged} ${state}`;
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) {
    throw new CrashFailure(otherwise);
  }
}

function sameBytes(a: Int8Array, b: Int8Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

function noiseBytes(length: number, seed: number): Uint8Array {
  const words = new Int32Array(Math.ceil(length / 4));
  new NoiseSource(seed).fill(words);
  return new Uint8Array(words.buffer, 0, length);
}
