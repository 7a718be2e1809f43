/** The invariants of a plan on which its crash consistency rests; firmware/DESIGN.md says how. */
import type { Plan, Step } from '../plan.js';

type Transfer = Extract<Step, { kind: 'LOAD' | 'SAVE' }>;

/** A range of NVM and the arena bytes that were saved there. */
interface Written {
  begin: number;
  end: number;
  arenaOffset: number;
}

/**
 * Throws unless for every task: it saves nothing where its restore reads, and its restore reads only bytes that
 * an earlier task of the same inference saved last, from the same place of the arena.
 *
 * @throws Error naming the task: a defect of the planner, not of the model
 */
export function checkNvm(plan: Plan): void {
  if (plan.bankBytes > 0) {
    checkBanks(plan);
    return;
  }
  let written: Written[] = [];
  plan.tasks.forEach((task, index) => {
    const loads = transfers(task.restore, 'LOAD');
    const saves = task.save;
    const where = `task ${index} "${task.name}"`;
    for (const load of loads) {
      if (saves.some((save) => overlap(save, load))) {
        throw new Error(`${where} saves into NVM that its own restore reads`);
      }
      if (missingBytes(load, written) > 0) {
        throw new Error(`${where} restores NVM bytes that no earlier task saved from there`);
      }
    }
    for (const save of saves) {
      written = [...written.flatMap((range) => without(range, save)), toWritten(save)];
    }
  });
}

/**
 * With banks, every save must hold what the next restore reads, from the same place of the arena: nothing else is in that
 * bank. That it does not touch the bank in use is the runtime's business.
 */
function checkBanks({ tasks, bankBytes }: Plan): void {
  tasks.forEach((task, index) => {
    const where = `task ${index} "${task.name}"`;
    const loads = transfers(task.restore, 'LOAD');
    const written = index === 0 ? [] : tasks[index - 1].save.map(toWritten);
    if (written.some(({ end }) => end > bankBytes)) {
      throw new Error(`the task before ${where} saves beyond its bank`);
    }
    if (loads.some((load) => missingBytes(load, written) > 0)) {
      throw new Error(`${where} restores NVM bytes that the task before it does not save`);
    }
  });
}

function transfers(steps: readonly Step[], kind: Transfer['kind']): Transfer[] {
  return steps.filter((step): step is Transfer => step.kind === kind);
}

function overlap(a: Transfer, b: Transfer): boolean {
  return a.nvmOffset < b.nvmOffset + b.bytes && b.nvmOffset < a.nvmOffset + a.bytes;
}

function toWritten({ nvmOffset, bytes, arenaOffset }: Transfer): Written {
  return { begin: nvmOffset, end: nvmOffset + bytes, arenaOffset };
}

/** What is left of `range` once `save` has overwritten its part. */
function without(range: Written, save: Transfer): Written[] {
  const [begin, end] = [save.nvmOffset, save.nvmOffset + save.bytes];
  const before = { ...range, end: Math.min(range.end, begin) };
  const skipped = Math.max(range.begin, end);
  const after = { begin: skipped, end: range.end, arenaOffset: range.arenaOffset + skipped - range.begin };
  return [before, after].filter((part) => part.begin < part.end);
}

function missingBytes(load: Transfer, written: readonly Written[]): number {
  const covered = written
    .filter((range) => range.arenaOffset - range.begin === load.arenaOffset - load.nvmOffset)
    .reduce(
      (sum, range) =>
        sum +
        Math.max(0, Math.min(range.end, load.nvmOffset + load.bytes) - Math.max(range.begin, load.nvmOffset)),
      0,
    );
  return load.bytes - covered;
}
