/** Times every task of a plan on the virtual Pico, to the cycle, by the commits between them. */
import { readFileSync } from 'node:fs';
import { RECORD_BYTES } from '../../src-main/board/record.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { crc32 } from '../../src-main/common/crc32.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { emitDataset } from '../../src-main/compiler/index.js';
import type { Plan, Task } from '../../src-main/compiler/plan.js';

export interface TimedTasks {
  /** From power-on to the record that counts the start, start-up of the profile left out. */
  bootCycles: number;
  /** Of these, with the NVM selected. */
  bootNvmCycles: number;
  /** By task that always commits: from the commit before it to its own. */
  taskCycles: number[];
  /** By task: cycles of these in which the NVM was selected, to within a slice of the simulation. */
  nvmCycles: number[];
}

/** Tasks that only commit, before the first that counts: the report of the start goes out meanwhile, byte by byte. */
const QUIET_TASKS = 60;
const SLICE_CYCLES = 500;
/** Longer than any inference here takes. */
const PATIENCE_CYCLES = 20e9;

const IMAGE_CRC_OFFSET = 12;
const STATE_RUNNING = 1;
const RECORD_MAGIC = 0x43524242;

const EMPTY_TASK: Task = { name: 'wait', restore: [], steps: [], save: [], commit: { when: 'always' } };

/**
 * Runs the plan once from its first task with steady power. Commits are those of the plan's kind.
 *
 * @param quiet false: the first task begins right after the start, with the report of the start still going out
 */
export function timeTasks(plan: Plan, sample: Int8Array, quiet = true): TimedTasks {
  const skipped = quiet ? QUIET_TASKS : 0;
  const image = emit(
    { ...plan, tasks: [...Array.from({ length: skipped }, () => EMPTY_TASK), ...plan.tasks] },
    { board: picoFram.imageBoard, modelSha256: new Uint8Array(32) },
  );
  const dataset = emitDataset([sample]);
  const firmware = readFileSync(resourcePath('firmware', 'prebuilt', `${picoFram.id}.bin`));
  const pico = createVirtualPico({ firmware, profile: picoFram, seed: 1 });
  pico.flash.set(image, picoFram.flashMap.imageOffset);
  pico.flash.set(dataset, picoFram.flashMap.datasetOffset);
  pico.nvm.set(runningRecord(image, dataset));
  pico.setCapacitorVolts(picoFram.power.turnOnVolts.value);
  const ticks = (): number => Math.round(pico.simulatedSeconds * pico.clockHertz);
  const commits: number[] = [];
  const nvmAtCommits: number[] = [];
  let nvmCycles = 0;
  pico.onCommit = () => {
    commits.push(ticks());
    nvmAtCommits.push(nvmCycles);
  };
  pico.powerOn();
  const begin = ticks();
  const startupTicks = picoFram.power.startupSeconds.value * picoFram.clockHertz;
  while (ticks() - begin < startupTicks) {
    pico.run(startupTicks - (ticks() - begin));
  }
  const { activeAmps, nvmAmps } = picoFram.power;
  const committing = plan.tasks.filter(({ commit }) => commit.when === 'always');
  while (commits.length < skipped + committing.length + 1) {
    const slice = pico.run(SLICE_CYCLES);
    // The core never sleeps between these commits: what is drawn on top of its current is the NVM's.
    nvmCycles += (slice.railCoulombs * pico.clockHertz - slice.cycles * activeAmps.value) / nvmAmps.value;
    if (ticks() - begin > PATIENCE_CYCLES) {
      throw new Error(`the board made ${commits.length} commits and then none`);
    }
  }
  const between = (values: readonly number[]): number[] =>
    committing.map((_, index) => values[skipped + index + 1] - values[skipped + index]);
  return {
    bootCycles: commits[0] - begin - startupTicks,
    bootNvmCycles: nvmAtCommits[0],
    taskCycles: between(commits),
    nvmCycles: between(nvmAtCommits),
  };
}

/** As if a run of one inference had been started and the power failed right afterwards: firmware/SPEC.md, section 5. */
function runningRecord(image: Uint8Array, dataset: Uint8Array): Uint8Array {
  const record = new Uint8Array(RECORD_BYTES);
  const view = new DataView(record.buffer);
  const crcOf = (bytes: Uint8Array): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(IMAGE_CRC_OFFSET, true);
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, 1, true);
  view.setUint32(12, crcOf(image), true);
  view.setUint32(20, 1, true);
  view.setUint8(36, STATE_RUNNING);
  view.setUint32(40, 1, true);
  view.setUint32(60, crcOf(dataset), true);
  view.setUint32(RECORD_BYTES - 4, crc32(record.subarray(0, RECORD_BYTES - 4)), true);
  return record;
}
