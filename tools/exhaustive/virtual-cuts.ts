/**
 * Cuts the power of the virtual Pico at random CPU cycles: while it boots, restores, executes, writes to FRAM bit by bit,
 * reports, or waits. A host on the serial line orders run after run, keeps the first result of each number, acknowledges,
 * and now and then loses an acknowledgement or says it twice.
 */
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { encodeFrame, FrameDecoder } from '../../src-main/board/link/frames.js';
import { decodeMessage, encodeCommand, type Command } from '../../src-main/board/link/messages.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import type { BoardRecord } from '../../src-main/board/record.js';
import type { VirtualBoard } from '../../src-main/board/virtual-board.js';
import { NoiseSource } from '../../src-main/board/virtual/random.js';
import { CrashFailure } from './host-cuts.js';
import type { CrashModel } from './models.js';

export interface VirtualCutOptions {
  /** First 256 KB of the board's flash. */
  firmware: Uint8Array;
  /** Of the instants, of the host's lapses, and of the noise in SRAM. */
  seed: number;
  /** Power failures to make; the run they end in is then finished with power that stays. */
  cuts: number;
  onProgress?: (cuts: number) => void;
}

export interface VirtualCutCounts {
  cuts: number;
  /** Of them, before the board had written its first record of that power cycle. */
  beforeFirstCommit: number;
  runs: number;
  results: number;
  /** Results that came more than once, as they may. */
  repeated: number;
  /** CPU cycles simulated, those of sleep and start-up included. */
  cycles: number;
}

/** A board that does not even finish with steady power has a defect. */
const SECONDS_AT_MOST = 60;
/** Power of this many steps of progress, at most, between two cuts: about every second power cycle gets somewhere. */
const STEPS_PER_POWER_CYCLE = 3;

/** @throws CrashFailure when anything but the right results, once each, in order, comes out */
export function cutVirtualBoard(model: CrashModel, options: VirtualCutOptions): VirtualCutCounts {
  return new VirtualCuts(model, options).run(options);
}

class VirtualCuts {
  private readonly board: VirtualBoard;
  private readonly random: NoiseSource;
  private readonly counts: VirtualCutCounts = {
    cuts: 0,
    beforeFirstCommit: 0,
    runs: 0,
    results: 0,
    repeated: 0,
    cycles: 0,
  };
  private decoder = new FrameDecoder();
  private runId = 1;
  /** The order was sent in this power cycle. */
  private ordered = false;
  /** The board is known to have taken the order. */
  private started = false;
  private finished: BoardRecord | null = null;
  private taken = 0;
  /** Power cycles of this run that wrote a record: what the board has to count. */
  private countedCycles = 0;
  private committedSincePowerOn = false;
  private undisturbed = true;

  constructor(
    private readonly model: CrashModel,
    { firmware, seed }: VirtualCutOptions,
  ) {
    this.random = new NoiseSource(seed);
    this.board = createVirtualPico({ firmware, profile: picoFram, seed });
    const { imageOffset, datasetOffset } = picoFram.flashMap;
    this.board.flash.set(model.image, imageOffset);
    this.board.flash.set(model.dataset, datasetOffset);
    new NoiseSource(seed).fill(new Int32Array(this.board.nvm.buffer));
    this.board.onCommit = () => {
      if (!this.committedSincePowerOn) {
        this.committedSincePowerOn = true;
        this.countedCycles++;
      }
    };
  }

  run({ cuts, onProgress }: VirtualCutOptions): VirtualCutCounts {
    const { board, counts } = this;
    const startup = Math.round(picoFram.power.startupSeconds.value * picoFram.clockHertz);
    const { startCycles, stepCycles, orderCycles } = this.measure();
    while (counts.cuts < cuts || this.started) {
      // Power that comes back after the last cut stays.
      const most = startCycles + STEPS_PER_POWER_CYCLE * stepCycles + (this.started ? 0 : 2 * orderCycles);
      const onCycles =
        counts.cuts < cuts ? startup + this.below(most) : SECONDS_AT_MOST * picoFram.clockHertz;
      this.powerCycle(onCycles);
      if (counts.cuts < cuts) {
        counts.cuts++;
        counts.beforeFirstCommit += this.committedSincePowerOn ? 0 : 1;
        onProgress?.(counts.cuts);
      } else if (this.started) {
        throw this.failure('does not finish with steady power');
      }
    }
    board.powerOff();
    return counts;
  }

  /** An undisturbed run: cycles to the first record after a start, the longest stretch between two records, and RUN. */
  private measure(): { startCycles: number; stepCycles: number; orderCycles: number } {
    const { board } = this;
    const times: number[] = [];
    const { onCommit } = board;
    let now = 0;
    board.onCommit = () => times.push(now);
    const startup = Math.round(picoFram.power.startupSeconds.value * picoFram.clockHertz);
    this.powerOn();
    // In small slices, since a commit is timed by the slice that it is in.
    const slice = 5_000;
    while (!this.finished) {
      now += this.runFor(slice);
      if (now > SECONDS_AT_MOST * picoFram.clockHertz) {
        throw this.failure('does not finish without a power failure');
      }
    }
    this.endRun(this.finished, false);
    board.powerOff();
    board.onCommit = onCommit;
    this.undisturbed = false;
    const gaps = times.slice(1).map((time, index) => time - times[index]);
    // A start takes about as long as it takes to hear of the first order, less the check of every byte.
    return { startCycles: 200_000, stepCycles: Math.max(slice, ...gaps), orderCycles: times[0] - startup };
  }

  private powerCycle(onCycles: number): void {
    const { board } = this;
    this.powerOn();
    // Parts of a cycle are no time in which a board does anything.
    for (let left = onCycles; left >= 1 && !this.finished;) {
      left -= this.runFor(left);
    }
    if (this.finished) {
      this.endRun(this.finished, true);
    }
    board.powerOff();
  }

  private powerOn(): void {
    this.committedSincePowerOn = false;
    this.ordered = false;
    this.decoder = new FrameDecoder();
    // Another voltage at each start, for strategies that look at it.
    this.board.setCapacitorVolts(2 + (this.below(256) / 256) * 2.5);
    this.board.powerOn();
  }

  /** Runs the board until it has said something or `cycles` are over, and answers it. */
  private runFor(most: number): number {
    const { cycles, transmitted } = this.board.run(most);
    this.counts.cycles += cycles;
    // The first byte that a board sends says that it listens.
    if (!this.ordered && !this.started && transmitted.length > 0) {
      this.ordered = true;
      this.send({ kind: 'run', runId: this.runId, firstSample: 0, inferences: this.model.expected.length });
    }
    this.listen(transmitted);
    return cycles;
  }

  private listen(bytes: Uint8Array): void {
    for (const frame of this.decoder.take(bytes)) {
      const message = decodeMessage(frame);
      switch (message?.kind) {
        case 'status':
          if (message.code !== 0) {
            throw this.failure(`was refused with code ${message.code}, detail ${message.detail}`);
          }
          this.started = true;
          break;
        case 'boot':
          this.started ||= message.record.runId === this.runId;
          this.checkRun(message.record);
          break;
        case 'result':
          this.checkRun(message.record);
          this.started = true;
          this.take(message.inference, message.output);
          break;
        case 'finished':
          if (message.record.runId === this.runId) {
            this.finished = message.record;
          } else if (this.started) {
            throw this.failure('is forgotten');
          }
          break;
        default:
      }
    }
  }

  private take(inference: number, output: Uint8Array): void {
    const expected = this.model.expected[inference];
    if (inference > this.taken || inference < this.taken - 1) {
      throw this.failure(`reported result ${inference}, the host waits for ${this.taken}`);
    }
    const values = new Int8Array(output.buffer, output.byteOffset, output.length);
    if (values.length !== expected.length || values.some((value, index) => value !== expected[index])) {
      throw this.failure(`gave [${values.join()}] for inference ${inference}, not [${expected.join()}]`);
    }
    this.counts.repeated += inference < this.taken ? 1 : 0;
    this.taken = Math.max(this.taken, inference + 1);
    // One in eight acknowledgements is lost, one in eight comes twice.
    const copies = this.undisturbed ? 1 : ([0, 2][this.below(8)] ?? 1);
    for (let copy = 0; copy < copies; copy++) {
      this.send({ kind: 'acknowledge', runId: this.runId, inference });
    }
  }

  private endRun(record: BoardRecord, counted: boolean): void {
    const { expected } = this.model;
    const { counts } = this;
    if (this.taken !== expected.length || record.acknowledged !== expected.length) {
      throw this.failure(`finished with ${this.taken} of ${expected.length} results`);
    }
    if (counted && record.powerCycles !== this.countedCycles) {
      throw this.failure(
        `counted ${record.powerCycles} power cycles, the FRAM bus saw ${this.countedCycles}`,
      );
    }
    if (record.tasksExecuted !== expected.length * this.model.tasksPerInference) {
      throw this.failure(`counted ${record.tasksExecuted} tasks`);
    }
    counts.runs++;
    counts.results += this.taken;
    this.runId++;
    this.started = false;
    this.finished = null;
    this.taken = 0;
    this.countedCycles = 0;
    this.committedSincePowerOn = false;
  }

  private checkRun(record: BoardRecord): void {
    if (record.runId !== this.runId && this.started) {
      throw this.failure(`is forgotten, the board is at run ${record.runId}`);
    }
  }

  private send(command: Command): void {
    const frame = encodeFrame({ ...encodeCommand(command), sequence: 0 });
    // A zero byte first ends what the board may have half received: a host does the same.
    this.board.receive(Uint8Array.of(0, ...frame));
  }

  private below(limit: number): number {
    return (this.random.next() >>> 0) % limit;
  }

  private failure(what: string): CrashFailure {
    return new CrashFailure(`cut ${this.counts.cuts}: run ${this.runId} ${what}`);
  }
}
