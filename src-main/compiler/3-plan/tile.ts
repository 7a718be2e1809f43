/** Stages as an execution: operators on stripes, with what is fetched before them and spilled behind them. */
import { present } from '../../common/present.js';
import type { Graph, Operator, Tensor } from '../graph.js';
import { elementCount } from '../graph.js';
import type { Range } from './access.js';
import { ALIGNMENT } from './allocate.js';
import type { Call, Execution, Transfer } from './execution.js';
import type { StageDecision } from './fit.js';
import type { Buffer } from './lifetimes.js';
import { rowBytes, stripeOperator, type Source, type Stripe, type StripeCall } from './stage.js';

/** The execution of a source graph stage by stage. */
export function tiledExecution(source: Source, stages: readonly StageDecision[]): Execution {
  const tiler = new Tiler(source);
  stages.forEach((stage) => tiler.stage(stage));
  return tiler.finish();
}

/** A tensor of the execution that holds bytes of a buffer of the source graph. */
interface Holder extends Range {
  tensor: number;
}

class Tiler {
  private readonly tensors: Tensor[];
  private readonly operators: Operator[] = [];
  private readonly calls: Call[] = [];
  private readonly views = new Map<number, { of: number; offset: number }>();
  private readonly slots = new Map<number, string>();
  private readonly spilled = new Map<Buffer, number>();
  private spilledBytes = 0;
  /** Where a buffer is as a whole now or was last. */
  private readonly residents = new Map<Buffer, number>();

  constructor(private readonly source: Source) {
    this.tensors = [...source.graph.tensors];
  }

  stage(decision: StageDecision): void {
    const { operators, stripes, ways } = decision;
    const output = this.bufferOf(this.source.graph.operators[operators[operators.length - 1]].outputs[0]);
    const waiting = new Map<Buffer, Transfer>();
    for (const [buffer, way] of ways) {
      if (way === 'reload') {
        const tensor = this.residents.has(buffer) ? this.copyOf(buffer.root, buffer.root) : buffer.root;
        this.residents.set(buffer, tensor);
        waiting.set(buffer, this.transfer(tensor, buffer, { begin: 0, end: buffer.bytes }));
      }
    }
    if (decision.output !== 'nvm') {
      this.residents.set(output, output.root);
    }
    if (decision.output !== 'sram') {
      this.spilled.set(output, this.spilledBytes);
      this.spilledBytes += Math.ceil(output.bytes / ALIGNMENT) * ALIGNMENT;
    }
    for (const stripe of stripes) {
      this.stripe(decision, stripe, output, waiting);
    }
  }

  finish(): Execution {
    const { graph } = this.source;
    for (const id of graph.outputs) {
      const resident = present(this.residents.get(this.bufferOf(id)), 'output');
      if (resident !== id) {
        this.views.set(id, { of: resident, offset: 0 });
      }
    }
    const tiled: Graph = { ...graph, tensors: this.tensors, operators: this.operators };
    return {
      graph: tiled,
      calls: this.calls,
      views: this.views,
      slots: this.slots,
      spilledBytes: this.spilledBytes,
    };
  }

  private stripe(
    { operators, ways, output: to }: StageDecision,
    { calls, ranges }: Stripe,
    output: Buffer,
    waiting: Map<Buffer, Transfer>,
  ): void {
    const [stageBegin, stageEnd] = [operators[0], operators[operators.length - 1]];
    const held = new Map<Buffer, Holder>();
    for (const call of calls) {
      const operator = this.source.graph.operators[call.operator];
      const fills: Transfer[] = [];
      const inputs = operator.inputs.map((tensor, index) => {
        const rows = call.inputs[index];
        if (rows === null) {
          return tensor;
        }
        const buffer = this.bufferOf(tensor);
        const refill = waiting.get(buffer);
        if (refill !== undefined) {
          fills.push(refill);
          waiting.delete(buffer);
        }
        if (ways.get(buffer) === 'fetch' && !held.has(buffer)) {
          const range = present(ranges.get(buffer), 'range of a fetched tensor');
          const holder = this.hold(tensor, buffer, range, stageBegin);
          held.set(buffer, holder);
          fills.push(this.transfer(holder.tensor, buffer, range));
        }
        return this.viewOf(tensor, rows, held.get(buffer) ?? this.residentOf(buffer));
      });
      const buffer = this.bufferOf(operator.outputs[0]);
      const range = present(ranges.get(buffer), 'range of an output');
      const isLast = buffer === output;
      const isWhole = range.begin === 0 && range.end === buffer.bytes;
      let result: number;
      if (isLast && to !== 'nvm') {
        result = isWhole
          ? operator.outputs[0]
          : this.viewOf(operator.outputs[0], call.rows, this.residentOf(buffer));
      } else {
        const holder = this.hold(operator.outputs[0], buffer, range, stageBegin);
        held.set(buffer, holder);
        result = holder.tensor;
      }
      this.append(operator, call, inputs, result, {
        source: call.operator,
        stageBegin,
        stageEnd,
        fills,
        spills: isLast && to !== 'sram' ? [this.transfer(result, buffer, range)] : [],
      });
    }
  }

  private append(operator: Operator, call: StripeCall, inputs: number[], output: number, around: Call): void {
    const { shape } = this.source.graph.tensors[operator.outputs[0]];
    const isImage = shape.length === 4;
    const height = isImage ? shape[1] : call.rows.end;
    this.operators.push(stripeOperator(operator, call, height, inputs, output));
    this.calls.push(around);
  }

  private bufferOf(tensor: number): Buffer {
    return present(this.source.bufferOf(tensor), `memory of tensor ${tensor}`);
  }

  private residentOf(buffer: Buffer): Holder {
    return {
      tensor: present(this.residents.get(buffer), 'resident tensor'),
      begin: 0,
      end: buffer.bytes,
    };
  }

  /** A stripe with memory that it shares with the other stripes of its buffer in the stage. */
  private hold(like: number, buffer: Buffer, range: Range, stageBegin: number): Holder {
    const whole = range.begin === 0 && range.end === buffer.bytes;
    const bytes = whole ? 0 : rowBytes(this.source.graph, like);
    const tensor = whole
      ? this.copyOf(like, like)
      : this.copyOf(like, like, { begin: range.begin / bytes, end: range.end / bytes });
    this.slots.set(tensor, `stage ${stageBegin}, tensor ${buffer.root}`);
    return { ...range, tensor };
  }

  /** Rows of a source tensor as an operator reads or writes them, in what holds them. */
  private viewOf(tensor: number, rows: Range, holder: Holder): number {
    const { shape } = this.source.graph.tensors[tensor];
    const isCut = shape.length === 4 && (rows.begin > 0 || rows.end < shape[1]);
    const bytes = isCut ? rowBytes(this.source.graph, tensor) : 0;
    const begin = isCut ? rows.begin * bytes : 0;
    const end = isCut ? rows.end * bytes : elementCount(shape);
    const held = this.tensors[holder.tensor];
    if (begin === holder.begin && end === holder.end) {
      const wanted = isCut ? [shape[0], rows.end - rows.begin, ...shape.slice(2)] : shape;
      if (held.shape.join() === wanted.join()) {
        return holder.tensor;
      }
    }
    const view = this.copyOf(tensor, tensor, isCut ? rows : null);
    this.views.set(view, { of: holder.tensor, offset: begin - holder.begin });
    return view;
  }

  private copyOf(like: number, named: number, rows: Range | null = null): number {
    const { name, shape, type, quantization } = this.source.graph.tensors[like];
    const id = this.tensors.length;
    this.tensors.push({
      id,
      name: rows === null ? this.tensors[named].name : `${name} rows ${rows.begin}..${rows.end - 1}`,
      shape: rows === null ? shape : [shape[0], rows.end - rows.begin, ...shape.slice(2)],
      type,
      quantization,
      data: null,
    });
    return id;
  }

  private transfer(tensor: number, buffer: Buffer, { begin, end }: Range): Transfer {
    const spilled = buffer.refill === null ? present(this.spilled.get(buffer), 'NVM of a tensor') : null;
    return {
      tensor,
      of: buffer.root,
      offset: begin,
      bytes: end - begin,
      nvmOffset: spilled === null ? null : spilled + begin,
    };
  }
}
