/** Where a plan's SRAM goes, and what it costs that there is no more of it: for `brownout compile`. */
import type { RunPrediction } from '../campaign/types.js';
import type { Plan } from '../compiler/plan.js';

export interface MemoryReport {
  /** SRAM of the plan. */
  sramBytes: number;
  /** Largest sum of tensors and scratch alive together, if every tensor is whole and in SRAM. */
  lowerBoundBytes: number;
  /** By operator of the model: bytes that are alive while it runs. */
  operators: { kind: string; name: string; bytes: number }[];
  /** null: every tensor is whole and in SRAM while it is needed. */
  tiling: TilingReport | null;
}

export interface TilingReport {
  /** Operators that are executed stripe by stripe together. */
  stages: { operators: string[]; stripes: number; recomputedMacs: number }[];
  /** Tensors that live in NVM between the operators. */
  spilled: { tensor: string; bytes: number }[];
  /** Operators that the reference kernels execute, because the fast ones need more SRAM. */
  referenceOperators: string[];
  /** Of one inference without a failure. */
  nvmReadBytes: number;
  nvmWrittenBytes: number;
  recomputedMacs: number;
  /**
   * What one inference takes more than with all of the board's SRAM, as predicted for the same strategy and power; null
   * where the board has not enough for the model as a whole, or one of both does not come to an end.
   */
  extra: { cycles: number; energyJoules: number; latencySeconds: number } | null;
}

/** @param unconstrained the same with all of the board's SRAM */
export function memoryReport(
  plan: Plan,
  predicted: RunPrediction | null,
  unconstrained: RunPrediction | null,
): MemoryReport {
  const { model, memory, tiling } = plan;
  const nameOf = (operator: number): string => model.operators[operator].name;
  return {
    sramBytes: plan.arenaBytes,
    lowerBoundBytes: memory.lowerBoundBytes,
    operators: model.operators.map(({ kind, name }, index) => ({
      kind,
      name,
      bytes: memory.operatorBytes[index],
    })),
    tiling:
      tiling === null
        ? null
        : {
            stages: tiling.stages.map((stage) => ({ ...stage, operators: stage.operators.map(nameOf) })),
            spilled: tiling.spilled.map(({ tensor, bytes }) => ({
              tensor: model.tensors[tensor].name,
              bytes,
            })),
            referenceOperators: tiling.referenceOperators.map(nameOf),
            nvmReadBytes: tiling.nvmReadBytes,
            nvmWrittenBytes: tiling.nvmWrittenBytes,
            recomputedMacs: tiling.recomputedMacs,
            extra: extraOf(predicted, unconstrained),
          },
  };
}

function extraOf(
  predicted: RunPrediction | null,
  unconstrained: RunPrediction | null,
): TilingReport['extra'] {
  if (
    unconstrained === null ||
    predicted === null ||
    !predicted.terminates ||
    !unconstrained.terminates ||
    predicted.latencySeconds === null ||
    unconstrained.latencySeconds === null
  ) {
    return null;
  }
  return {
    cycles: predicted.cycles - unconstrained.cycles,
    energyJoules: predicted.energyJoules - unconstrained.energyJoules,
    latencySeconds: predicted.latencySeconds - unconstrained.latencySeconds,
  };
}

/** The report as text for people: what is large, what is cut, what that costs. */
export function memoryLines(
  { lowerBoundBytes, operators, tiling }: MemoryReport,
  formatJoules: (joules: number) => string,
  formatSeconds: (seconds: number) => string,
): string[] {
  const largest = operators.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const lines = [
    `SRAM: ${largest.bytes} bytes at most, while ${largest.kind} "${shortened(largest.name)}" runs; whole tensors need ${lowerBoundBytes}`,
  ];
  if (tiling === null) {
    return lines;
  }
  for (const { operators: names, stripes, recomputedMacs } of tiling.stages) {
    const again = recomputedMacs > 0 ? `, ${recomputedMacs} MAC computed again` : '';
    lines.push(`  in ${stripes} stripes${again}: ${names.map(shortened).join(', ')}`);
  }
  for (const { tensor, bytes } of tiling.spilled) {
    lines.push(`  in NVM: ${shortened(tensor)}, ${bytes} bytes`);
  }
  for (const name of tiling.referenceOperators) {
    lines.push(`  reference kernel, for want of SRAM for the fast one: ${shortened(name)}`);
  }
  const { extra } = tiling;
  const cost =
    extra === null
      ? ''
      : `; ${extra.cycles} cycles, ${formatJoules(extra.energyJoules)}, ${formatSeconds(extra.latencySeconds)} more than with all of the board's SRAM`;
  lines.push(
    `  cost of an inference: ${tiling.nvmReadBytes} NVM bytes read, ${tiling.nvmWrittenBytes} written, ` +
      `${tiling.recomputedMacs} MAC computed again${cost}`,
  );
  return lines;
}

/** Converters join the names of what they fuse by semicolons; the first says where one is. */
function shortened(name: string): string {
  return name.split(';')[0];
}
