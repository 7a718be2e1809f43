/** The invariants of a plan on which its crash consistency rests; firmware/DESIGN.md says how. */
import type { Plan, Step, Task } from '../plan.js';

type Transfer = Extract<Step, { nvmOffset: number }>;

/** A range of NVM and the arena bytes that were saved there. */
interface Written {
  begin: number;
  end: number;
  arenaOffset: number;
}

/**
 * Throws unless for every task: it writes nothing where its restore or its steps read what was there before it; its restore
 * loads only bytes that an earlier task of the same inference saved last, from the same place of the arena; and nothing is
 * fetched that was not written before.
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
    const where = `task ${index} "${task.name}"`;
    const writes = [...transfers(task.steps, 'SPILL'), ...task.save];
    for (const read of readsOfEarlier(task)) {
      if (writes.some((write) => overlap(write, read))) {
        throw new Error(`${where} writes into NVM that its own restore or its own steps read`);
      }
      if (missingBytes(read, written, read.kind === 'LOAD') > 0) {
        throw new Error(`${where} reads NVM bytes that no earlier task saved from there`);
      }
    }
    for (const write of writes) {
      written = [...written.flatMap((range) => without(range, write)), toWritten(write)];
    }
  });
}

/**
 * With banks, every save must hold what the next restore reads, from the same place of the arena: nothing else is in that
 * bank. That it does not touch the bank in use is the runtime's business. What is spilled is outside of the banks and there
 * is no telling which task goes on after a failure: it is written once in an inference, so that it is the same for all.
 */
function checkBanks({ tasks, bankBytes }: Plan): void {
  let spilled: Written[] = [];
  tasks.forEach((task, index) => {
    const where = `task ${index} "${task.name}"`;
    const written = index === 0 ? [] : tasks[index - 1].save.map(toWritten);
    if (written.some(({ end }) => end > bankBytes)) {
      throw new Error(`the task before ${where} saves beyond its bank`);
    }
    for (const read of readsOfEarlier(task)) {
      if (missingBytes(read, read.kind === 'LOAD' ? written : spilled, read.kind === 'LOAD') > 0) {
        throw new Error(
          `${where} reads NVM bytes that the task before it does not save, or that nothing spilled`,
        );
      }
    }
    for (const spill of transfers(task.steps, 'SPILL')) {
      if (spill.nvmOffset < 2 * bankBytes || spilled.some((range) => without(range, spill)[0] !== range)) {
        throw new Error(`${where} spills into a bank, or where something was spilled before`);
      }
      spilled = [...spilled, toWritten(spill)];
    }
  });
}

/** What a task reads from NVM that it has not written itself before: the same whenever it is executed again. */
function readsOfEarlier({ restore, steps }: Task): Transfer[] {
  const own: Written[] = [];
  const reads: Transfer[] = [...transfers(restore, 'LOAD'), ...transfers(restore, 'FETCH')];
  for (const step of steps) {
    if (step.kind === 'SPILL') {
      own.push(toWritten(step));
    } else if (step.kind === 'FETCH') {
      const rest = own.reduce<Written[]>(
        (parts, { begin, end }) =>
          parts.flatMap((part) => without(part, { nvmOffset: begin, bytes: end - begin })),
        [toWritten(step)],
      );
      reads.push(...rest.map(({ begin, end }) => ({ ...step, nvmOffset: begin, bytes: end - begin })));
    }
  }
  return reads;
}

function transfers<K extends Transfer['kind']>(
  steps: readonly Step[],
  kind: K,
): Extract<Step, { kind: K }>[] {
  return steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind);
}

function overlap(a: Transfer, b: Transfer): boolean {
  return a.nvmOffset < b.nvmOffset + b.bytes && b.nvmOffset < a.nvmOffset + a.bytes;
}

function toWritten({ nvmOffset, bytes, arenaOffset }: Transfer): Written {
  return { begin: nvmOffset, end: nvmOffset + bytes, arenaOffset };
}

/** What is left of `range` once `save` has overwritten its part; the range itself where they do not meet. */
function without(range: Written, save: Pick<Transfer, 'nvmOffset' | 'bytes'>): Written[] {
  const [begin, end] = [save.nvmOffset, save.nvmOffset + save.bytes];
  if (end <= range.begin || range.end <= begin) {
    return [range];
  }
  const before = { ...range, end: Math.min(range.end, begin) };
  const skipped = Math.max(range.begin, end);
  const after = { begin: skipped, end: range.end, arenaOffset: range.arenaOffset + skipped - range.begin };
  return [before, after].filter((part) => part.begin < part.end);
}

/** @param samePlace only what was written from the arena bytes that are read back counts */
function missingBytes(read: Transfer, written: readonly Written[], samePlace: boolean): number {
  const covered = written
    .filter((range) => !samePlace || range.arenaOffset - range.begin === read.arenaOffset - read.nvmOffset)
    .reduce(
      (sum, range) =>
        sum +
        Math.max(0, Math.min(range.end, read.nvmOffset + read.bytes) - Math.max(range.begin, read.nvmOffset)),
      0,
    );
  return read.bytes - covered;
}
