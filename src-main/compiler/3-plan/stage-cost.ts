/** What stages cost in cycles, so that the cheapest way into a small SRAM can be told: measured costs of a board, or typical ones. */
import { operatorMacs } from '../inspect.js';
import type { Graph } from '../graph.js';
import type { KernelSet } from '../plan.js';
import type { Range } from './access.js';
import { joulesOf, OperatorCycles, transferCycles, type CostModel } from './cost.js';
import { scratchBytes } from './scratch.js';
import { unitsOf } from './units.js';

export interface StageCosts {
  /**
   * Some units of an operator of the source graph.
   * @param cold whether its weights have to be read from flash first
   */
  execute(operator: number, units: Range, kernels: KernelSet, cold: boolean): number;
  /** One transfer of so many bytes; what the NVM draws counts as cycles, too. */
  transfer(kind: 'FETCH' | 'SPILL' | 'INPUT', bytes: number): number;
}

/** @param costs null: only typical proportions are known */
export function stageCosts(graph: Graph, costs: CostModel | null): StageCosts {
  return costs === null ? typicalCosts(graph) : measuredCosts(graph, costs);
}

function measuredCosts(graph: Graph, costs: CostModel): StageCosts {
  const small = graph.operators.flatMap((operator, index) => {
    const bytes = scratchBytes(graph, operator, 'scarce');
    return bytes === null ? [] : [{ operator: index, arenaOffset: 0, bytes }];
  });
  const cycles = {
    fast: new OperatorCycles(graph, 'fast', costs, small),
    reference: new OperatorCycles(graph, 'reference', costs),
  };
  return {
    execute: (operator, { begin, end }, kernels, cold) => cycles[kernels].of(operator, begin, end, cold),
    transfer: (kind, bytes) => joulesOf(costs, transferCycles(costs, kind, bytes)) / costs.joulesPerCycle,
  };
}

/** Of an RP2040 with FRAM on its SPI. Another board may get another plan than its best one, never a wrong one. */
const TYPICAL = {
  byteCycles: { FETCH: 48, SPILL: 48, INPUT: 4 },
  fast: { work: 5, output: 50 },
  reference: { work: 15, output: 300 },
  /** Of elements, where there are no multiply-accumulates. */
  element: 50,
  call: 1500,
  /** Weights come from flash byte by byte. */
  coldByte: 12,
};

function typicalCosts(graph: Graph): StageCosts {
  return {
    execute(operator, { begin, end }, kernels, cold) {
      const source = graph.operators[operator];
      const { bytes, work, weightBytes } = unitsOf(graph, source);
      const each = TYPICAL[kernels];
      const perUnit =
        operatorMacs(graph, source) > 0 ? work * each.work + bytes * each.output : work * TYPICAL.element;
      return TYPICAL.call + (cold ? weightBytes * TYPICAL.coldByte : 0) + (end - begin) * perUnit;
    },
    transfer: (kind, bytes) => bytes * TYPICAL.byteCycles[kind],
  };
}
