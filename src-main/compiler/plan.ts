/**
 * The plan: what the firmware's interpreter is told to do. It is plain data that can be printed, stored and diffed;
 * phase 3 writes it, phase 4 turns it into the bytes of firmware/SPEC.md.
 */
import type { Graph } from './graph.js';

/** How a plan preserves progress. See ARCHITECTURE.md, "Strategies". */
export const STRATEGIES = ['restart', 'layer', 'tile', 'loop', 'planned', 'adaptive'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Which implementation of the kernels the image asks for. */
export const KERNEL_SETS = ['reference', 'fast'] as const;
export type KernelSet = (typeof KERNEL_SETS)[number];

/** Where an activation tensor lives in the SRAM arena. Tensors whose lifetimes do not meet may share bytes. */
export interface Placement {
  tensor: number;
  arenaOffset: number;
  bytes: number;
}

/**
 * One action of a task. `units` of an operator are what a tile is made of: output rows of an image operator, output
 * channels of FULLY_CONNECTED; an operator that cannot be cut has one unit.
 */
export type Step =
  | { kind: 'EXECUTE'; operator: number; unitBegin: number; unitEnd: number }
  /** NVM to arena. */
  | { kind: 'LOAD'; arenaOffset: number; nvmOffset: number; bytes: number }
  /** Arena to NVM. */
  | { kind: 'SAVE'; arenaOffset: number; nvmOffset: number; bytes: number }
  /** Bytes of the current sample, from the data set in flash, to the arena. */
  | { kind: 'INPUT'; arenaOffset: number; sampleOffset: number; bytes: number }
  /** A spilled tensor or a part of it, NVM to arena. */
  | { kind: 'FETCH'; arenaOffset: number; nvmOffset: number; bytes: number }
  /** Arena to NVM that nothing else is kept in, whatever commits come after it. */
  | { kind: 'SPILL'; arenaOffset: number; nvmOffset: number; bytes: number }
  /** The result, from the arena, to the result slot of this inference in NVM. */
  | { kind: 'OUTPUT'; arenaOffset: number; bytes: number };

export type Save = Extract<Step, { kind: 'SAVE' }>;

/**
 * When the work since the last commit becomes durable: always after this task, or when the capacitor runs low. What a board
 * does with the voltages is in firmware/SPEC.md, section 5.3.
 */
export type Commit =
  | { when: 'always' }
  /**
   * `planned`: also, whatever the voltage seems to be, once a whole power cycle has passed without a commit; that is when
   * the sensing has shown that it cannot be trusted.
   */
  | {
      when: 'below';
      /** Less than this is just enough to commit here. */
      millivolts: number;
      /** With this it may go on: through the next task and a commit after it. At least `millivolts`. */
      goMillivolts: number;
      planned: boolean;
    };

/** When a board waits for its capacitor instead of working on until the power fails. */
export interface Rest {
  /** A board that runs has more; readings below are not believed. */
  brownOutMillivolts: number;
  /** Below, it is worth waiting where enough is harvested, */
  restMillivolts: number;
  /** up to this. */
  wakeMillivolts: number;
  /** Between two looks at the capacitor. */
  napMicros: number;
}

/**
 * Atomic and idempotent: it either commits as a whole or is executed again from `restore`. Invariant (checked by the
 * planner): no SAVE of a task writes NVM bytes that its own `restore` reads.
 */
export interface Task {
  /** For people: `conv1 rows 4..8`. */
  name: string;
  /** Rebuilds what `steps` need in the arena after SRAM was lost; skipped while SRAM is still alive. */
  restore: Step[];
  steps: Step[];
  /** What is preserved right before the commit, and only if there is one. */
  save: Save[];
  commit: Commit;
  /** For plans that rest. */
  outlook?: Outlook;
}

/** What a board has to know of the way ahead, to wait for the capacitor no longer than it must. */
export interface Outlook {
  /** What it takes to begin a power cycle or an inference with this task: through it and a commit after it. */
  beginMillivolts: number;
  /** Planned energy from this task to the end of the inference, in squared millivolts of the capacitor: 2 E / C. */
  leftSquareMillivolts: number;
}

/** What is written at a commit inside an inference: the whole progress record, or 16 bytes that continue it. */
export type CommitKind = 'record' | 'light';

/** Arena bytes that an operator of the fast kernels works in while it runs; nothing in them outlives a step. */
export interface Scratch {
  operator: number;
  arenaOffset: number;
  bytes: number;
}

/** Where SRAM goes. */
export interface Memory {
  /** Largest sum of what is alive together, tensors and scratch: no arena is smaller. */
  lowerBoundBytes: number;
  /** By operator of the model: bytes alive while it runs. */
  operatorBytes: number[];
}

/** What it costs that whole tensors do not fit SRAM; of one inference without a failure. */
export interface Tiling {
  /** Operators of the model that are executed stripe by stripe, several of them together as patches. */
  stages: { operators: number[]; stripes: number; recomputedMacs: number }[];
  /** Tensors of the model that live in NVM between the operators. */
  spilled: { tensor: number; bytes: number }[];
  /** Operators of the model that the reference kernels execute, for want of SRAM for the fast ones. */
  referenceOperators: number[];
  nvmReadBytes: number;
  nvmWrittenBytes: number;
  recomputedMacs: number;
  /** Of the model. */
  macs: number;
}

export interface Plan {
  strategy: Strategy;
  kernels: KernelSet;
  /** As lowered, int8; operators named in `memory` and `tiling` are its. */
  model: Graph;
  /** What is executed: the model, or operators on stripes of its tensors. Operators in steps and scratch are those of this graph. */
  graph: Graph;
  placements: Placement[];
  /** One per operator that the fast kernels execute; the others are executed by the reference kernels. */
  scratch: Scratch[];
  /** SRAM for activations. */
  arenaBytes: number;
  memory: Memory;
  /** null: every tensor is whole, and in SRAM while it is needed. */
  tiling: Tiling | null;
  /** NVM for preserved activations (without control records and results). */
  nvmBytes: number;
  commits: CommitKind;
  /**
   * 0: NVM offsets count from the start of the preserved activations. Otherwise from the start of one of two banks of so
   * many bytes, which commits fill in turn; each save is then everything that the rest of the inference needs.
   */
  bankBytes: number;
  /** Null: it never waits. */
  rest: Rest | null;
  tasks: Task[];
  macs: number;
}
