/** Operator records of the image: firmware/SPEC.md, section 3.1. */
import { InputError } from '../../common/errors.js';
import { present } from '../../common/present.js';
import { elementCount, type Binary, type Graph, type Operator, type Tensor } from '../graph.js';
import { sameShape } from '../shapes.js';
import { broadcastStrides, collapse, neutral, stridesOf } from './dimensions.js';
import { quantizeMultiplier, requantize, type FixedPointMultiplier } from '../fixed-point.js';
import { isBroadcast } from '../3-plan/broadcast.js';
import { unitsOf, type Units } from '../3-plan/units.js';
import {
  paddedTaps,
  scratchBytes,
  STREAM_PASS_BYTES,
  streamBufferBytes,
  streamedScratchBytes,
  winogradScratchBytes,
} from '../3-plan/scratch.js';
import type { KernelSet } from '../plan.js';
import type { ConstantPool } from './constants.js';
import { OPERATOR_BYTES, OPERATOR_KINDS, type ImageOperatorKind } from './layout.js';
import {
  isWinogradExact,
  packChannels,
  packDepthwise,
  packFullyConnected,
  packPasses,
  type PackedChannel,
} from './packed.js';
import {
  activationRange,
  addMultipliers,
  channelMultipliers,
  meanMultiplier,
  quantizationOf,
  scaleOf,
  softmaxConstants,
  storedRange,
  storedValue,
  zeroPointOf,
} from './requantization.js';
import { constantTables, preluTables, productMultiplier, requantizationTable, unaryTable } from './tables.js';

type Windowed = Extract<Operator, { padding: unknown }>;
type OperatorOf<K extends Operator['kind']> = Extract<Operator, { kind: K }>;

const INT8_RANGE = { minimum: -128, maximum: 127 };
const CHANNEL_BYTES = 12;
/** Both inputs of ADD are brought to a common scale with 20 bits to spare. */
const ADD_HEAD_ROOM = 2 ** 20;
const LARGEST_U16 = 0xffff;
const SOFTMAX_DEPTH_LIMIT = 4095;
const TABLE_BYTES = 256;
/** More tables than this would take more flash than the kernel without them takes time. */
const LARGEST_TABLES = 64 << 10;
const NO_TABLE = 0xffffffff;
const NO_SCALING: FixedPointMultiplier = { multiplier: 0, shift: 0 };

/** What encoding an operator needs to know around it. */
export interface EncodingContext {
  graph: Graph;
  arenaOffsetOf(tensor: number): number;
  constants: ConstantPool;
  /** Arena offset of the scratch of an operator that is to run on the fast kernels, else null. */
  kernels: KernelSet;
  scratchOf(operator: Operator): { arenaOffset: number; bytes: number } | null;
}

/**
 * Encodes one operator of a plan.
 *
 * @throws InputError `operator-not-encodable` naming the operator, when a value does not fit the format
 */
export function encodeOperator(operator: Operator, context: EncodingContext): Uint8Array {
  const record = new RecordWriter(operator, context);
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D':
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      writeWindow(record, operator);
      break;
    case 'FULLY_CONNECTED':
      writeFullyConnected(record, operator);
      break;
    case 'ADD':
    case 'SUB':
    case 'MUL':
      writeBinary(record, operator);
      break;
    case 'LOGISTIC':
    case 'TANH':
    case 'HARD_SWISH':
    case 'HARD_SIGMOID':
    case 'LEAKY_RELU':
    case 'ELU':
    case 'GELU':
    case 'QUANTIZE':
      writeTables(record, [unaryTable(operator, record.input, record.output)]);
      break;
    case 'PRELU': {
      const slopes = record.tensor(operator.inputs[1]);
      writeTables(record, preluTables(record.input, slopes, record.output));
      break;
    }
    case 'TRANSPOSE':
      writeTranspose(record, operator);
      break;
    case 'SLICE':
      writeSlice(record, operator);
      break;
    case 'CONCATENATION':
      writeConcatenation(record, operator);
      break;
    case 'RESIZE_NEAREST':
      writeResize(record, operator);
      break;
    case 'PAD':
      writePad(record, operator);
      break;
    case 'MEAN':
      writeMean(record, operator);
      break;
    case 'SOFTMAX':
      writeSoftmax(record, operator);
      break;
    case 'CLAMP':
      writeClamp(record, operator);
      break;
    default:
      throw record.failure(`${operator.kind} has no kernel`);
  }
  return record.bytes;
}

/** One record with its tensors at hand; offsets are those of SPEC.md. */
class RecordWriter {
  readonly bytes = new Uint8Array(OPERATOR_BYTES);
  /** The first input; of an operator with a constant on the left, the activation. */
  input: Tensor;
  readonly output: Tensor;
  private readonly view = new DataView(this.bytes.buffer);

  constructor(
    private readonly operator: Operator,
    readonly context: EncodingContext,
  ) {
    this.input = this.tensor(operator.inputs[0]);
    this.output = this.tensor(operator.outputs[0]);
  }

  tensor(id: number): Tensor {
    return this.context.graph.tensors[id];
  }

  kind(kind: ImageOperatorKind): void {
    this.bytes[0] = OPERATOR_KINDS[kind];
  }

  units(): Units {
    return unitsOf(this.context.graph, this.operator);
  }

  common(
    kind: ImageOperatorKind,
    { minimum, maximum }: { minimum: number; maximum: number },
    units = this.units().count,
  ): void {
    this.kind(kind);
    this.words(4, [
      units,
      this.context.arenaOffsetOf(this.input.id),
      this.context.arenaOffsetOf(this.output.id),
      zeroPointOf(this.input),
      zeroPointOf(this.output),
      minimum,
      maximum,
    ]);
  }

  /** Consecutive 32-bit words, signed or not. */
  words(offset: number, values: readonly number[]): void {
    values.forEach((value, index) => this.view.setInt32(offset + 4 * index, value, true));
  }

  halves(offset: number, values: readonly number[]): void {
    values.forEach((value, index) => {
      if (!Number.isInteger(value) || value < 0 || value > LARGEST_U16) {
        throw this.failure(`a dimension, stride, dilation or padding of ${value} does not fit 16 bits`);
      }
      this.view.setUint16(offset + 2 * index, value, true);
    });
  }

  multiplier(offset: number, { multiplier, shift }: FixedPointMultiplier): void {
    this.words(offset, [multiplier, shift]);
  }

  failure(message: string): InputError {
    return new InputError({
      code: 'operator-not-encodable',
      place: this.context.graph.name,
      message: `${this.operator.kind} "${this.operator.name}": ${message}`,
      remedy: 'Change this operator in the model; docs/models.md lists what is supported',
    });
  }
}

/**
 * One number per dimension as height, width, channels: of four dimensions the first is the batch; what fewer lack is
 * filled in at the front.
 */
function asImage(record: RecordWriter, dimensions: readonly number[], missing: number): number[] {
  if (dimensions.length > 4) {
    throw record.failure(`a tensor of ${dimensions.length} dimensions is not supported`);
  }
  return [missing, missing, missing, ...dimensions].slice(-3);
}

function writeWindow(record: RecordWriter, operator: Windowed): void {
  const isPool = 'filterHeight' in operator;
  const [filterHeight, filterWidth] = isPool
    ? [operator.filterHeight, operator.filterWidth]
    : (record.tensor(operator.inputs[1]).shape.slice(1, 3) as [number, number]);
  record.common(operator.kind, activationRange(operator.activation, record.output));
  record.halves(32, [
    ...asImage(record, record.input.shape, 1),
    ...asImage(record, record.output.shape, 1),
    filterHeight,
    filterWidth,
    operator.strideHeight,
    operator.strideWidth,
    isPool ? 1 : operator.dilationHeight,
    isPool ? 1 : operator.dilationWidth,
    operator.padding.top,
    operator.padding.left,
    operator.kind === 'DEPTHWISE_CONV_2D' ? operator.depthMultiplier : 0,
  ]);
  if (!isPool && !writePacked(record, operator)) {
    writeWeights(record, 64, operator.inputs, record.output.shape[3], false);
  }
}

/**
 * Turns the record into that of the packed kernel, where there is one and it has the range for these weights.
 *
 * @returns false when the reference kernel has to do it
 */
function writePacked(
  record: RecordWriter,
  operator: Extract<Operator, { kind: 'CONV_2D' | 'DEPTHWISE_CONV_2D' }>,
): boolean {
  const { context, input } = record;
  const scratch = context.scratchOf(operator);
  if (scratch === null) {
    return false;
  }
  const channels = weightedChannels(record, operator, record.output.shape[3], false);
  const range = {
    inputZeroPoint: zeroPointOf(input),
    zeroPoint: zeroPointOf(record.output),
    ...activationRange(operator.activation, record.output),
  };
  const fits = (bytes: number | null) => bytes !== null && bytes <= scratch.bytes;
  const isWinograd = fits(winogradScratchBytes(context.graph, operator)) && isWinogradExact(channels);
  const taps = paddedTaps(context.graph, operator);
  const passes =
    !isWinograd && fits(streamedScratchBytes(context.graph, operator))
      ? packPasses(channels, taps, range, STREAM_PASS_BYTES)
      : null;
  if (passes !== null) {
    const { stream, passWords, passChannels } = passes;
    const offset = context.constants.add(stream);
    record.kind('CONV_2D_STREAMED');
    record.words(64, [offset, stream.length, scratch.arenaOffset, passWords, passChannels]);
    return true;
  }
  const stream =
    operator.kind === 'CONV_2D' ? packChannels(channels, taps, range) : packDepthwise(channels, range);
  if (stream === null) {
    return false;
  }
  record.kind(isWinograd ? 'CONV_2D_WINOGRAD' : `${operator.kind}_PACKED`);
  record.words(64, [context.constants.add(stream), stream.length, scratch.arenaOffset]);
  return true;
}

/** Bias, multiplier and weights of each of `count` output channels. */
function weightedChannels(
  record: RecordWriter,
  { kind, inputs: [, weightsId, biasId] }: Operator,
  count: number,
  perTensorInFloat: boolean,
): PackedChannel[] {
  const weights = record.tensor(weightsId);
  const bias = biasId === undefined ? null : (record.tensor(biasId).data as Int32Array);
  const data = present(weights.data, 'weights') as Int8Array;
  const taps = data.length / count;
  return channelMultipliers(record.input, weights, record.output, count, perTensorInFloat).map(
    (multiplier, channel) => ({
      bias: bias?.[channel] ?? 0,
      multiplier,
      weights:
        kind === 'DEPTHWISE_CONV_2D'
          ? data.filter((_, index) => index % count === channel)
          : data.subarray(channel * taps, (channel + 1) * taps),
    }),
  );
}

/** Offsets of weights and channels, which go to the constants. */
function writeWeights(
  record: RecordWriter,
  offset: number,
  [, weightsId, biasId]: readonly number[],
  count: number,
  perTensorInFloat: boolean,
): void {
  const weights = record.tensor(weightsId);
  if (quantizationOf(weights).zeroPoints.some((zeroPoint) => zeroPoint !== 0)) {
    throw record.failure(`weights "${weights.name}" have a zero point other than 0`);
  }
  const bias = biasId === undefined ? null : (record.tensor(biasId).data as Int32Array);
  const multipliers = channelMultipliers(record.input, weights, record.output, count, perTensorInFloat);
  const channels = new Uint8Array(count * CHANNEL_BYTES);
  const view = new DataView(channels.buffer);
  multipliers.forEach(({ multiplier, shift }, channel) => {
    view.setInt32(channel * CHANNEL_BYTES, bias?.[channel] ?? 0, true);
    view.setInt32(channel * CHANNEL_BYTES + 4, multiplier, true);
    view.setInt32(channel * CHANNEL_BYTES + 8, shift, true);
  });
  const data = present(weights.data, 'weights');
  const { constants } = record.context;
  record.words(offset, [
    constants.add(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    constants.add(channels),
  ]);
}

function writeFullyConnected(record: RecordWriter, operator: OperatorOf<'FULLY_CONNECTED'>): void {
  const [outputs, inputs] = record.tensor(operator.inputs[1]).shape as [number, number];
  const rows = elementCount(record.input.shape) / inputs;
  const range = activationRange(operator.activation, record.output);
  if (rows === 1) {
    record.common('FULLY_CONNECTED', range);
    record.words(32, [inputs]);
    if (writePackedFullyConnected(record, operator)) {
      return;
    }
    writeWeights(record, 36, operator.inputs, outputs, true);
    return;
  }
  record.common('CONV_2D', range);
  record.halves(32, [rows, 1, inputs, rows, 1, outputs, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
  writeWeights(record, 64, operator.inputs, outputs, true);
}

/** As writePacked. */
function writePackedFullyConnected(record: RecordWriter, operator: OperatorOf<'FULLY_CONNECTED'>): boolean {
  const { context } = record;
  const { graph, constants } = context;
  const scratch = context.scratchOf(operator);
  if (scratch === null) {
    return false;
  }
  const channels = weightedChannels(record, operator, record.tensor(operator.inputs[1]).shape[0], true);
  const packed = packFullyConnected(channels, paddedTaps(graph, operator), zeroPointOf(record.input));
  if (packed === null) {
    return false;
  }
  const isAmple = scratch.bytes >= (scratchBytes(graph, operator) ?? 0);
  record.kind('FULLY_CONNECTED_PACKED');
  record.words(36, [
    constants.add(packed.stream),
    constants.add(packed.quads),
    packed.multiplier,
    packed.shift,
    packed.residualUnits,
    scratch.arenaOffset,
    streamBufferBytes(graph, operator, isAmple ? 'ample' : 'scarce'),
  ]);
  return true;
}

/** Tables of 256 bytes, one for all elements or one per index of the last dimension. */
function writeTables(record: RecordWriter, tables: readonly Int8Array[]): void {
  const { context } = record;
  const units = record.units();
  record.common('TABLE', INT8_RANGE, units.count);
  const bytes = new Uint8Array(tables.length * TABLE_BYTES);
  tables.forEach((table, index) => bytes.set(new Uint8Array(table.buffer), index * TABLE_BYTES));
  record.words(32, [units.bytes, context.constants.add(bytes), tables.length]);
}

/**
 * ADD of two activations of one shape has a kernel of its own; with a constant for all elements or per channel the operator is
 * a table; all else is broadcast.
 */
function writeBinary(record: RecordWriter, operator: Binary): void {
  const { graph } = record.context;
  if (operator.kind === 'ADD' && !isBroadcast(operator, graph)) {
    writeAdd(record, operator);
    return;
  }
  const [first, second] = operator.inputs.map((id) => record.tensor(id));
  const constantFirst = first.data !== null;
  const [input, other] = constantFirst ? [second, first] : [first, second];
  const values = elementCount(other.shape);
  const perChannel = values === 1 || (values === other.shape.at(-1) && values === record.output.shape.at(-1));
  record.input = input;
  if (
    other.data !== null &&
    perChannel &&
    values * TABLE_BYTES <= LARGEST_TABLES &&
    sameShape(input.shape, record.output.shape)
  ) {
    writeTables(record, constantTables(operator, input, other, record.output, constantFirst));
    return;
  }
  writeBroadcast(record, operator, input, other, constantFirst);
}

function writeBroadcast(
  record: RecordWriter,
  operator: Binary,
  left: Tensor,
  right: Tensor,
  reversed: boolean,
): void {
  const { output, context } = record;
  const { count } = record.units();
  const strides = [left, right].map(({ shape }) => broadcastStrides(shape, output.shape));
  const dimensions = collapse(output.shape, strides, count);
  if (dimensions.length > 3) {
    throw record.failure(
      `[${left.shape.join(', ')}] and [${right.shape.join(', ')}] broadcast in too many dimensions`,
    );
  }
  // Between the unit and the innermost dimension.
  const [unit, column, channel] =
    dimensions.length === 3 ? dimensions : [dimensions[0], neutral(2), dimensions[1]];
  record.common('BINARY', activationRange(operator.activation, output), count);
  const { constants } = context;
  const functions = { ADD: 0, SUB: reversed ? 3 : 1, MUL: 2 };
  record.bytes[32] = functions[operator.kind];
  record.bytes[33] = right.data === null ? 0 : 1;
  const product = operator.kind === 'MUL';
  const scales = product ? null : addMultipliers(left, right, output);
  record.words(36, [
    right.data === null ? context.arenaOffsetOf(right.id) : constants.add(bytesOf(right.data)),
    zeroPointOf(right),
    column.extent,
    channel.extent,
    ...[0, 1].flatMap((side) => [unit, column, channel].map((dimension) => dimension.strides[side])),
  ]);
  record.multiplier(76, scales?.left ?? NO_SCALING);
  record.multiplier(84, scales?.right ?? NO_SCALING);
  record.multiplier(92, scales?.output ?? productMultiplier(left, right, output));
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeTranspose(record: RecordWriter, operator: OperatorOf<'TRANSPOSE'>): void {
  const strides = stridesOf(record.input.shape);
  writeCopy(
    record,
    operator.permutation.map((axis) => strides[axis]),
    0,
  );
}

function writeSlice(record: RecordWriter, { begin, strides }: OperatorOf<'SLICE'>): void {
  const own = stridesOf(record.input.shape);
  const start = begin.reduce((sum, index, d) => sum + index * own[d], 0);
  writeCopy(
    record,
    own.map((stride, d) => stride * strides[d]),
    start,
  );
}

/** Every element of the output lies in the input at `begin` plus its index times the strides. */
function writeCopy(record: RecordWriter, strides: number[], begin: number): void {
  const { count } = record.units();
  const dimensions = collapse(record.output.shape, [strides], count);
  if (dimensions.length > 5) {
    throw record.failure(`[${record.input.shape.join(', ')}] is rearranged in too many dimensions`);
  }
  const [unit, ...inner] = dimensions;
  const four = [...Array.from({ length: 4 - inner.length }, () => neutral(1)), ...inner];
  record.common('COPY', INT8_RANGE, count);
  record.words(32, [
    begin,
    unit.strides[0],
    ...four.map(({ extent }) => extent),
    ...four.map((dimension) => dimension.strides[0]),
  ]);
}

function writeConcatenation(record: RecordWriter, { inputs, axis }: OperatorOf<'CONCATENATION'>): void {
  const { output, context } = record;
  const { constants } = context;
  const units = record.units();
  const inner = (shape: readonly number[]): number => elementCount(shape.slice(axis));
  const parts = inputs.flatMap((id) => {
    const input = record.tensor(id);
    const same = scaleOf(input) === scaleOf(output) && zeroPointOf(input) === zeroPointOf(output);
    const table = same ? NO_TABLE : constants.add(bytesOf(requantizationTable(input, output)));
    return [context.arenaOffsetOf(id), inner(input.shape), table];
  });
  record.common('CONCATENATION', INT8_RANGE, units.count);
  record.words(32, [
    units.bytes,
    inner(output.shape),
    constants.add(bytesOf(Uint32Array.from(parts))),
    inputs.length,
  ]);
}

function writeResize(record: RecordWriter, { rows, columns }: OperatorOf<'RESIZE_NEAREST'>): void {
  const { constants } = record.context;
  record.common('RESIZE_NEAREST', INT8_RANGE);
  record.halves(32, [...record.input.shape.slice(1), columns.length]);
  record.words(40, [
    constants.add(bytesOf(Uint16Array.from(rows))),
    constants.add(bytesOf(Uint16Array.from(columns))),
  ]);
}

function writeAdd(record: RecordWriter, operator: Binary): void {
  const right = record.tensor(operator.inputs[1]);
  const multipliers = addMultipliers(record.input, right, record.output);
  record.common('ADD', activationRange(operator.activation, record.output));
  record.words(32, [
    unitsOf(record.context.graph, operator).bytes,
    record.context.arenaOffsetOf(right.id),
    zeroPointOf(right),
  ]);
  record.multiplier(44, multipliers.left);
  record.multiplier(52, multipliers.right);
  record.multiplier(60, multipliers.output);
  const { shift } = multipliers.output;
  if (record.context.kernels === 'fast' && shift <= -1 && shift >= -31) {
    record.kind('ADD_TABLED');
    const table = (tensor: Tensor, factor: FixedPointMultiplier): number[] =>
      Array.from({ length: 256 }, (_, index) =>
        requantize((index - 128 - zeroPointOf(tensor)) * ADD_HEAD_ROOM, factor),
      );
    const tables = Int32Array.from([
      ...table(record.input, multipliers.left),
      ...table(right, multipliers.right),
    ]);
    record.words(68, [record.context.constants.add(new Uint8Array(tables.buffer))]);
  }
}

function writePad(record: RecordWriter, operator: OperatorOf<'PAD'>): void {
  if (operator.before.length === 4 && (operator.before[0] !== 0 || operator.after[0] !== 0)) {
    throw record.failure('padding of the batch dimension is not supported');
  }
  const value = storedValue(operator.value, record.output);
  record.common('PAD', INT8_RANGE);
  record.halves(32, [
    ...asImage(record, record.input.shape, 1),
    ...asImage(record, record.output.shape, 1),
    ...asImage(record, operator.before, 0),
  ]);
  record.words(52, [Math.min(127, Math.max(-128, value))]);
}

function writeMean(record: RecordWriter, operator: OperatorOf<'MEAN'>): void {
  const { shape } = record.input;
  const first = Math.min(...operator.axes);
  const last = Math.max(...operator.axes);
  if (shape.some((extent, d) => d > first && d < last && extent > 1 && !operator.axes.includes(d))) {
    throw record.failure(`axes ${operator.axes.join(', ')} are not neighbours`);
  }
  const reduced = operator.axes.reduce((product, axis) => product * shape[axis], 1);
  record.common('MEAN', INT8_RANGE);
  record.words(32, [reduced, elementCount(shape.slice(last + 1))]);
  record.multiplier(40, meanMultiplier(record.input, record.output, reduced));
}

function writeSoftmax(record: RecordWriter, operator: OperatorOf<'SOFTMAX'>): void {
  const depth = record.input.shape[record.input.shape.length - 1];
  if (depth > SOFTMAX_DEPTH_LIMIT) {
    throw record.failure(`${depth} elements in a row; at most ${SOFTMAX_DEPTH_LIMIT} are supported`);
  }
  if (scaleOf(record.output) !== 1 / 256 || zeroPointOf(record.output) !== -128) {
    throw record.failure('the output must have scale 1/256 and zero point -128');
  }
  const { multiplier, shift, differenceMinimum } = softmaxConstants(record.input, operator.beta);
  record.common('SOFTMAX', INT8_RANGE);
  record.words(32, [depth, multiplier, shift, differenceMinimum]);
}

function writeClamp(record: RecordWriter, operator: OperatorOf<'CLAMP'>): void {
  const factor = scaleOf(record.input) / scaleOf(record.output);
  record.common('CLAMP', storedRange(operator.minimum, operator.maximum, record.output));
  record.words(32, [unitsOf(record.context.graph, operator).bytes]);
  record.multiplier(36, quantizeMultiplier(factor));
}
