import type { PlanningPower } from '../../src-main/compiler/3-plan/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import type { Graph } from '../../src-main/compiler/graph.js';
import type { KernelSet, Plan, Strategy } from '../../src-main/compiler/plan.js';
import { GraphBuilder, type Choices } from './random-graph.js';

/** A residual block whose tensors of 288 bytes do not fit `TILED_SRAM_BYTES` together: some are spilled, all come in stripes. */
export function tiledGraph(choices: Choices): Graph {
  const builder = new GraphBuilder('tiled', [1, 8, 6, 3], choices);
  const window = {
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    activation: 'RELU' as const,
    padding: { top: 1, bottom: 1, left: 1, right: 1 },
  };
  const conv = (depth: number): number =>
    builder.add({
      kind: 'CONV_2D',
      inputs: [builder.last, ...builder.weights([6, 3, 3, depth], 6, 0, 9 * depth)],
      ...window,
    });
  const first = conv(3);
  conv(6);
  const second = conv(6);
  const sum = builder.add({ kind: 'ADD', inputs: [first, second], activation: 'NONE' });
  builder.add({
    kind: 'FULLY_CONNECTED',
    inputs: [sum, ...builder.weights([5, 288], 5, 0, 288)],
    activation: 'NONE',
  });
  return builder.build();
}

export const TILED_SRAM_BYTES = 480;

export function tiledPlan(
  graph: Graph,
  strategy: Strategy,
  power: PlanningPower,
  kernels: KernelSet = 'reference',
): Plan {
  return plan(graph, {
    strategy,
    kernels,
    sramBytes: TILED_SRAM_BYTES,
    nvmBytes: 1 << 14,
    tileUnits: 2,
    power,
  });
}
