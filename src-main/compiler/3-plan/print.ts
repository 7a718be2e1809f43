import type { Commit, Plan, Step } from '../plan.js';

/** A plan as text for people, diffs and snapshots: memory first, then every task with what it restores, does and saves. */
export function printPlan(plan: Plan): string {
  const { graph } = plan;
  const placements = [...plan.placements]
    .sort((a, b) => a.arenaOffset - b.arenaOffset || a.tensor - b.tensor)
    .map(
      ({ tensor, arenaOffset, bytes }) =>
        `  ${range(arenaOffset, bytes)}  "${graph.tensors[tensor].name}" [${graph.tensors[tensor].shape.join(', ')}]`,
    );
  const tasks = plan.tasks.flatMap((task, index) => [
    `task ${index}: ${task.name}`,
    ...task.restore.map((step) => `  restore  ${printStep(plan, step)}`),
    ...[...task.steps, ...task.save].map((step) => `  ${printStep(plan, step)}`),
    ...printCommit(task.commit),
  ]);
  return [
    `${graph.name}: strategy ${plan.strategy}, kernels ${plan.kernels}, ${plan.macs} MACs`,
    `arena ${plan.arenaBytes} bytes, NVM ${plan.nvmBytes} bytes` +
      (plan.bankBytes > 0 ? ` in two banks` : '') +
      (plan.commits === 'light' ? ', light commits' : ''),
    ...placements,
    ...tasks,
    '',
  ].join('\n');
}

/** A commit after every task is what one expects; only the others are said. */
function printCommit(commit: Commit): string[] {
  return commit.when === 'always'
    ? []
    : [
        `  goes on from ${commit.goMillivolts} mV, commits below ${commit.millivolts} mV${commit.planned ? ', planned' : ''}`,
      ];
}

function printStep(plan: Plan, step: Step): string {
  switch (step.kind) {
    case 'EXECUTE': {
      const { kind, name } = plan.graph.operators[step.operator];
      return `execute ${kind} "${name}" units ${step.unitBegin}..${step.unitEnd - 1}`;
    }
    case 'LOAD':
      return `load    nvm ${range(step.nvmOffset, step.bytes)} -> arena ${range(step.arenaOffset, step.bytes)}`;
    case 'SAVE':
      return `save    arena ${range(step.arenaOffset, step.bytes)} -> nvm ${range(step.nvmOffset, step.bytes)}`;
    case 'FETCH':
      return `fetch   nvm ${range(step.nvmOffset, step.bytes)} -> arena ${range(step.arenaOffset, step.bytes)}`;
    case 'SPILL':
      return `spill   arena ${range(step.arenaOffset, step.bytes)} -> nvm ${range(step.nvmOffset, step.bytes)}`;
    case 'INPUT':
      return (
        `input   -> arena ${range(step.arenaOffset, step.bytes)}` +
        (step.sampleOffset > 0 ? ` from ${step.sampleOffset} on` : '')
      );
    case 'OUTPUT':
      return `output  arena ${range(step.arenaOffset, step.bytes)} ->`;
  }
}

function range(offset: number, bytes: number): string {
  return `${offset}..${offset + bytes - 1}`;
}
