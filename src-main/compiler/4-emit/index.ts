/** Phase 4: a plan to the bytes that a board executes: firmware/SPEC.md, sections 3 and 4. */
import { crc32 } from '../../common/crc32.js';
import { encodeDataset } from '../../common/dataset.js';
import { InputError } from '../../common/errors.js';
import { present } from '../../common/present.js';
import { elementCount, type Operator } from '../graph.js';
import { KERNEL_SETS, STRATEGIES, type Plan, type Scratch, type Step, type Task } from '../plan.js';
import { ConstantPool } from './constants.js';
import {
  CHECKED_FROM,
  HEADER,
  HEADER_BYTES,
  IMAGE_MAGIC,
  IMAGE_VERSION,
  SECTION_ALIGNMENT,
  STEP_BYTES,
  STEP_KINDS,
  TASK_BYTES,
} from './layout.js';
import { encodeOperator } from './operators.js';

export { describeImage, type ImageDescription } from './describe.js';

export interface EmitOptions {
  /** Board number of the image header; 0 = any board. */
  board: number;
  /** SHA-256 of the model file, 32 bytes. */
  modelSha256: Uint8Array;
}

/**
 * Emits the image of a plan; the same plan gives the same bytes.
 *
 * @throws InputError `operator-not-encodable` when the model has a value that the format cannot hold
 */
export function emit(plan: Plan, options: EmitOptions): Uint8Array {
  const { graph } = plan;
  const placements = new Map(plan.placements.map((placement) => [placement.tensor, placement.arenaOffset]));
  const constants = new ConstantPool(SECTION_ALIGNMENT);
  const arenaOffsetOf = (tensor: number): number =>
    present(placements.get(tensor), `place of tensor ${tensor}`);
  const scratch = new Map(plan.scratch.map((scratch) => [graph.operators[scratch.operator], scratch]));
  const scratchOf = (operator: Operator): Scratch | null => scratch.get(operator) ?? null;
  const context = { graph, arenaOffsetOf, constants, kernels: plan.kernels, scratchOf };
  // A RESHAPE is not executed, so operators have other numbers in the image than in the graph.
  const executed = graph.operators.flatMap(({ kind }, index) => (kind === 'RESHAPE' ? [] : [index]));
  const numberOf = new Map(executed.map((operator, number) => [operator, number]));
  const operators = executed.map((index) => encodeOperator(graph.operators[index], context));

  const steps: Uint8Array[] = [];
  const append = (list: readonly Step[]): [number, number] => {
    const first = steps.length;
    steps.push(...list.map((step) => encodeStep(step, numberOf)));
    return [first, list.length];
  };
  const tasks = plan.tasks.map((task) =>
    encodeTask(task, [...append(task.restore), ...append(task.steps), ...append(task.save)]),
  );

  const sections = [
    {
      bytes: concatenate(operators),
      offset: 'operatorsOffset',
      count: operators.length,
      size: 'operatorCount',
    },
    { bytes: concatenate(tasks), offset: 'tasksOffset', count: tasks.length, size: 'taskCount' },
    { bytes: concatenate(steps), offset: 'stepsOffset', count: steps.length, size: 'stepCount' },
    { bytes: constants.toBytes(), offset: 'constantsOffset', count: null, size: 'constantsBytes' },
  ] as const;
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  let end = HEADER_BYTES;
  for (const { bytes, offset, count, size } of sections) {
    view.setUint32(HEADER[offset], end, true);
    view.setUint32(HEADER[size], count ?? bytes.length, true);
    end += Math.ceil(bytes.length / SECTION_ALIGNMENT) * SECTION_ALIGNMENT;
  }
  view.setUint32(HEADER.magic, IMAGE_MAGIC, true);
  view.setUint16(HEADER.version, IMAGE_VERSION, true);
  view.setUint16(HEADER.headerBytes, HEADER_BYTES, true);
  view.setUint32(HEADER.imageBytes, end, true);
  view.setUint32(HEADER.board, options.board, true);
  view.setUint8(HEADER.strategy, STRATEGIES.indexOf(plan.strategy));
  view.setUint8(HEADER.kernels, KERNEL_SETS.indexOf(plan.kernels));
  view.setUint8(HEADER.lightCommits, plan.commits === 'light' ? 1 : 0);
  view.setUint32(HEADER.bankBytes, plan.bankBytes, true);
  if (plan.rest) {
    view.setUint16(HEADER.brownOutMillivolts, plan.rest.brownOutMillivolts, true);
    view.setUint16(HEADER.restMillivolts, plan.rest.restMillivolts, true);
    view.setUint16(HEADER.wakeMillivolts, plan.rest.wakeMillivolts, true);
    view.setUint32(HEADER.napMicros, plan.rest.napMicros, true);
  }
  header.set(options.modelSha256.subarray(0, 16), HEADER.modelSha256);
  view.setUint32(HEADER.arenaBytes, plan.arenaBytes, true);
  view.setUint32(HEADER.nvmBytes, plan.nvmBytes, true);
  view.setUint32(HEADER.inputBytes, elementCount(graph.tensors[graph.inputs[0]].shape), true);
  view.setUint32(HEADER.outputBytes, elementCount(graph.tensors[graph.outputs[0]].shape), true);

  const image = new Uint8Array(end);
  image.set(header);
  sections.forEach(({ bytes, offset }) => image.set(bytes, view.getUint32(HEADER[offset], true)));
  new DataView(image.buffer).setUint32(HEADER.crc, crc32(image.subarray(CHECKED_FROM)), true);
  return image;
}

/**
 * The data set of a run as a board's flash holds it.
 *
 * @throws InputError `dataset-shape` when there is no sample or their lengths differ
 */
export function emitDataset(samples: readonly Int8Array[]): Uint8Array {
  try {
    return encodeDataset(samples);
  } catch (cause) {
    throw new InputError({
      code: 'dataset-shape',
      place: 'data set',
      message: `${samples.length} samples of ${[...new Set(samples.map(({ length }) => length))].join(', ')} bytes`,
      remedy: 'Give at least one sample, all of the size of the model input',
      cause,
    });
  }
}

function encodeStep(step: Step, numberOf: ReadonlyMap<number, number>): Uint8Array {
  const bytes = new Uint8Array(STEP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, STEP_KINDS.indexOf(step.kind));
  if (step.kind === 'EXECUTE') {
    view.setUint16(2, present(numberOf.get(step.operator), `operator ${step.operator}`), true);
    view.setUint32(4, step.unitBegin, true);
    view.setUint32(8, step.unitEnd, true);
    return bytes;
  }
  view.setUint32(4, step.arenaOffset, true);
  view.setUint32(
    8,
    'nvmOffset' in step ? step.nvmOffset : step.kind === 'INPUT' ? step.sampleOffset : 0,
    true,
  );
  view.setUint32(12, step.bytes, true);
  return bytes;
}

/** @param stepRanges first and count of restore, steps and save */
function encodeTask({ commit, outlook }: Task, stepRanges: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(TASK_BYTES);
  const view = new DataView(bytes.buffer);
  stepRanges.forEach((value, index) => view.setUint32(4 * index, value, true));
  if (commit.when === 'below') {
    view.setUint16(24, commit.millivolts, true);
    view.setUint8(26, commit.planned ? 1 : 0);
    view.setUint16(28, commit.goMillivolts, true);
  }
  view.setUint16(30, outlook?.beginMillivolts ?? 0, true);
  view.setUint32(32, outlook?.leftSquareMillivolts ?? 0, true);
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
