/** What a run will measure, computed from its plan, the board's costs and the physics of its power. */
import { boardCosts } from '../../board/planning.js';
import type { BoardProfile } from '../../board/profile.js';
import type { Timeline, TimedTask } from '../../compiler/index.js';
import type { SupplyLimits } from '../../supply/driver.js';
import type { Harvest } from '../../supply/harvest.js';
import type { RunPrediction } from '../types.js';
import { HarvestSchedule } from './harvest-schedule.js';
import { PoweredNode, type BenchSlices } from './powered-node.js';

export interface PredictionRequest {
  timeline: Timeline;
  profile: BoardProfile;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  /** Null: continuous power. */
  harvest: Harvest | null;
  inferences: number;
  /** As of a run's stop rules. */
  powerCyclesWithoutProgress: number;
  maximumSeconds: number;
  /** The supply that plays the harvest. */
  limits: SupplyLimits;
  commandSeconds: number;
  /** What the supply gives until the harvest begins. */
  benchAmps: number;
  seriesOhms: number;
  slices: BenchSlices;
}

const RECORD_BYTES = 128;
const LIGHT_RECORD_BYTES = 16;
/** Both records and both light records are read at a start. */
const START_BYTES = 2 * RECORD_BYTES + 2 * LIGHT_RECORD_BYTES;

/** Plays a run through. Takes milliseconds: its time grows with tasks and power cycles, not with the time that passes. */
export function predict(request: PredictionRequest): RunPrediction {
  return new Player(request).play();
}

class Player {
  readonly #request: PredictionRequest;
  readonly #node: PoweredNode;
  readonly #costs;
  /** The record of the start. */
  readonly #bytes = { read: 0, written: RECORD_BYTES };
  #checkpoints = 0;
  #restores = 0;
  #reexecuted = 0;
  #stuck = 0;
  /** As in the record: what the next start of the board goes by. */
  #task = 0;
  #inference = 0;
  #acknowledged = 0;
  #starts = 0;
  #careful = false;
  /** Operators that have run since the start of the board. */
  #warm = new Set<number>();
  #arenaValid = false;
  #justStarted = false;
  #position = 0;
  #latencySeconds = 0;
  /** Work that was done while the board's word on the order to run was on its way: before the measurement begins. */
  #aheadCycles = 0;

  constructor(request: PredictionRequest) {
    this.#request = request;
    const { profile, capacitanceFarads, turnOnVolts, brownOutVolts, harvest, limits } = request;
    this.#costs = boardCosts(profile);
    this.#aheadCycles = this.#costs.report.orderCycles;
    const { activeAmps, railVolts, converterEfficiency } = profile.power;
    const bench = { volts: turnOnVolts, amps: request.benchAmps };
    // The board has just taken the order to run, on bench power at its turn-on voltage.
    const amps = (activeAmps.value * railVolts.value) / converterEfficiency.value / turnOnVolts;
    this.#node = new PoweredNode({
      profile,
      capacitanceFarads,
      turnOnVolts,
      brownOutVolts,
      initialVolts: turnOnVolts - amps * request.seriesOhms,
      schedule: harvest === null ? null : new HarvestSchedule(harvest, limits, bench, request.commandSeconds),
      slices: request.slices,
      maximumSeconds: request.maximumSeconds,
    });
    this.#node.setSource(bench);
  }

  play(): RunPrediction {
    const { inferences } = this.#request;
    while (!this.#gaveUp && this.#acknowledged < inferences) {
      if (!this.#inferOrReport()) {
        this.#start();
      }
    }
    const node = this.#node;
    const terminates = this.#acknowledged >= inferences;
    return {
      latencySeconds: this.#acknowledged > 0 ? this.#latencySeconds / this.#acknowledged : null,
      totalSeconds: node.nowSeconds,
      activeSeconds: node.activeSeconds,
      energyJoules: node.energyJoules,
      cycles: Math.round(node.activeSeconds * this.#request.profile.clockHertz),
      powerCycles: node.powerCycles,
      checkpoints: this.#checkpoints,
      restores: this.#restores,
      tasksReexecuted: this.#reexecuted,
      nvmBytesRead: this.#bytes.read,
      nvmBytesWritten: this.#bytes.written,
      inferences: this.#acknowledged,
      terminates,
    };
  }

  get #gaveUp(): boolean {
    return this.#node.isOver || this.#stuck >= this.#request.powerCyclesWithoutProgress;
  }

  /** @returns false when the power has failed */
  #inferOrReport(): boolean {
    return this.#inference > this.#acknowledged ? this.#report() : this.#infer();
  }

  /** From turn-on to where work goes on; again if the power fails meanwhile. */
  #start(): void {
    const { startupSeconds, startupAmps } = this.#request.profile.power;
    const { bootCycles, bootNvmCycles } = this.#costs;
    do {
      if (this.#node.isOver) {
        return;
      }
      this.#stuck++;
      if (this.#gaveUp) {
        return;
      }
    } while (
      !this.#node.run(startupSeconds.value, startupSeconds.value * startupAmps.value) ||
      !this.#work({ cycles: bootCycles, nvmCycles: bootNvmCycles })
    );
    this.#bytes.read += START_BYTES;
    this.#bytes.written += RECORD_BYTES;
    this.#starts++;
    this.#careful ||= this.#starts >= 2;
    this.#warm = new Set();
    this.#arenaValid = false;
    this.#justStarted = true;
    if (this.#inference === this.#acknowledged) {
      this.#reexecuted++;
      this.#restores += this.#task > 0 ? 1 : 0;
    }
  }

  #infer(): boolean {
    const { tasks, senseCycles } = this.#request.timeline;
    if (!this.#arenaValid) {
      this.#position = this.#task;
      if (!this.#work(tasks[this.#position].restore)) {
        return false;
      }
      this.#bytes.read += tasks[this.#position].restoreBytes;
      this.#arenaValid = true;
    }
    for (;;) {
      const task = tasks[this.#position];
      if (!this.#execute(task)) {
        return false;
      }
      this.#position++;
      const ends = this.#position === tasks.length;
      if (task.rule.when === 'below' && !this.#work({ cycles: senseCycles, nvmCycles: 0 })) {
        return false;
      }
      if (this.#mustCommit(task)) {
        if (!this.#work(task.save) || !this.#work(task.commit)) {
          return false;
        }
        this.#commit(task, ends);
      }
      if (ends) {
        return true;
      }
    }
  }

  #execute(task: TimedTask): boolean {
    let extra = 0;
    for (const { operator, cycles } of task.cold) {
      if (!this.#warm.has(operator)) {
        this.#warm.add(operator);
        extra += cycles;
      }
    }
    if (this.#justStarted) {
      extra += this.#costs.reportCycles;
      this.#justStarted = false;
    }
    return this.#work({ cycles: task.work.cycles + extra, nvmCycles: task.work.nvmCycles });
  }

  #mustCommit({ rule }: TimedTask): boolean {
    return (
      rule.when === 'always' ||
      (rule.planned && this.#careful) ||
      this.#sensedMillivolts() < rule.goMillivolts
    );
  }

  /** As board and virtual board round it. */
  #sensedMillivolts(): number {
    const { adcBits, adcReferenceVolts, capacitorDivider } = this.#request.profile.timing;
    const full = 2 ** adcBits.value;
    const volts = this.#node.capacitorVolts / capacitorDivider.value / adcReferenceVolts.value;
    const steps = Math.min(full - 1, Math.max(0, Math.round(volts * full)));
    return Math.floor((steps * 1000 * adcReferenceVolts.value * capacitorDivider.value) / full);
  }

  #commit(task: TimedTask, ends: boolean): void {
    const isLight = task.commit.nvmCycles < this.#costs.commit.nvmCycles;
    this.#bytes.written +=
      task.saveBytes + task.workBytesWritten + (isLight ? LIGHT_RECORD_BYTES : RECORD_BYTES);
    this.#checkpoints++;
    this.#stuck = 0;
    this.#starts = 0;
    this.#task = ends ? 0 : this.#position;
    if (ends) {
      this.#inference++;
      this.#careful = false;
      this.#position = 0;
    }
  }

  /** Sends the result until the host has it, and takes the acknowledgement. */
  #report(): boolean {
    const { report } = this.#costs;
    const { outputBytes } = this.#request.timeline;
    const result = {
      activeCycles: report.result.activeCycles + outputBytes * report.resultByte.activeCycles,
      sleepCycles: report.result.sleepCycles + outputBytes * report.resultByte.sleepCycles,
    };
    const isLast = this.#inference === this.#request.inferences;
    if (!this.#idle(result)) {
      return false;
    }
    const latency = this.#node.nowSeconds;
    this.#bytes.read += outputBytes;
    if (!this.#idle(isLast ? report.finish : report.acknowledge)) {
      return false;
    }
    this.#latencySeconds = latency;
    this.#acknowledged++;
    this.#stuck = 0;
    this.#bytes.written += isLast ? RECORD_BYTES : 0;
    return true;
  }

  #work({ cycles, nvmCycles }: { cycles: number; nvmCycles: number }): boolean {
    const { clockHertz, power } = this.#request.profile;
    const done = Math.min(this.#aheadCycles, cycles);
    this.#aheadCycles -= done;
    const share = cycles > 0 ? 1 - done / cycles : 0;
    return this.#node.run(
      (share * cycles) / clockHertz,
      (share * (cycles * power.activeAmps.value + nvmCycles * power.nvmAmps.value)) / clockHertz,
    );
  }

  #idle({ activeCycles, sleepCycles }: { activeCycles: number; sleepCycles: number }): boolean {
    const { clockHertz, power } = this.#request.profile;
    return this.#node.run(
      (activeCycles + sleepCycles) / clockHertz,
      (activeCycles * power.activeAmps.value + sleepCycles * power.sleepAmps.value) / clockHertz,
    );
  }
}
