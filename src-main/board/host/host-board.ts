/**
 * The portable core of the firmware on the host, as WebAssembly: the same interpreter, kernels and commit protocol that
 * run on a board, over memory that the host can look into and power that it can cut at any byte of any NVM write.
 */
import { readFileSync } from 'node:fs';
import { encodeDataset } from '../../common/dataset.js';
import { InputError, RunError } from '../../common/errors.js';
import { present } from '../../common/present.js';
import { resourcePath } from '../../common/resources.js';
import { IMAGE_FIELDS, IMAGE_HEADER_BYTES, NVM_CONTROL_BYTES } from '../image-header.js';
import { decodeUncheckedRecord, RECORD_BYTES, type BoardRecord } from '../record.js';

/** Codes of firmware/SPEC.md section 6 that checks and `start` return. */
export const STATUS = {
  OK: 0,
  IMAGE_MAGIC: 5,
  IMAGE_VERSION: 6,
  IMAGE_CHECKSUM: 7,
  IMAGE_BOARD: 8,
  IMAGE_ARENA: 9,
  IMAGE_NVM: 10,
  IMAGE_STRUCTURE: 11,
  DATASET_BAD: 12,
  SAMPLE_RANGE: 13,
  BUSY: 14,
  KERNELS_UNKNOWN: 15,
} as const;

/** Code and detail of firmware/SPEC.md section 6. */
export interface Status {
  code: number;
  detail: number;
}

export type AdvanceEvent = 'none' | 'task' | 'result';

export interface PendingResult {
  inference: number;
  output: Int8Array;
}

export interface HostBoardOptions {
  image: Uint8Array;
  /** As in the data set region of a board's flash: firmware/SPEC.md section 4. */
  dataset: Uint8Array;
  /** Number that images are checked against; images for any board always pass. Default: the image's own. */
  board?: number;
  /** Default: what the image asks for. */
  arenaBytes?: number;
  nvmBytes?: number;
  /** What the board believes about its capacitor whenever it asks. Default: a full one, so no commit is made for it. */
  senseMillivolts?: () => number;
  /** Another build of the core than the one that comes with the bench; for tests. */
  core?: WebAssembly.Module;
}

/** More than any threshold of a plan. */
const FULL_MILLIVOLTS = 0xffff;

/** Thrown by the call during which the power failed; the board is off afterwards. */
export class PowerFailure extends Error {
  override readonly name = 'PowerFailure';
}

interface CoreExports {
  configure(arena: number, arenaBytes: number, nvm: number, nvmBytes: number, board: number): void;
  limitNvmWrites(bytes: number): void;
  checkImage(image: number, available: number): number;
  checkDataset(dataset: number, available: number): number;
  detail(): number;
  boot(image: number, dataset: number): void;
  start(runId: number, firstSample: number, inferenceCount: number): number;
  stop(): void;
  advance(): number;
  pendingInference(): bigint;
  readResult(output: number, capacity: number): number;
  acknowledge(runId: number, inference: number): void;
  record(): number;
  rest(): number;
  __heap_base: WebAssembly.Global;
}

const REST_BYTES = 12;
const PAGE_BYTES = 65_536;
const ALIGNMENT = 16;
const RESULT_CAPACITY = 1024;
/** Larger than any budget: the power never fails. */
const NO_LIMIT = 0xffffffff;
const EVENTS: readonly AdvanceEvent[] = ['none', 'task', 'result'];

/**
 * A board without a serial line: power it with `boot`, `start` a run, `advance` task by task, take and acknowledge results.
 * NVM outlives power failures, everything else is lost. One instance costs a few tens of microseconds per power cycle.
 */
export class HostBoard {
  /**
   * Called before each write to NVM, also before one that the power failure of `boot` cuts short; the data is only valid
   * during the call. It may throw PowerFailure to cut the power at that instant.
   */
  onNvmWrite: ((offset: number, data: Uint8Array) => void) | null = null;

  private readonly memory: WebAssembly.Memory;
  private readonly module: WebAssembly.Module;
  private core: CoreExports | null = null;
  private noise = 0x2545f491;
  private readonly addresses: { image: number; dataset: number; arena: number; nvm: number; result: number };
  private readonly sizes: { image: number; dataset: number; arena: number; nvm: number };
  private readonly boardNumber: number;
  private readonly senseMillivolts: () => number;

  /** @throws RunError when firmware/prebuilt/core.wasm is missing or unreadable */
  constructor(options: HostBoardOptions) {
    this.module = options.core ?? loadCore();
    const header = new DataView(options.image.buffer, options.image.byteOffset, options.image.byteLength);
    const field = (offset: number): number =>
      options.image.length >= IMAGE_HEADER_BYTES ? header.getUint32(offset, true) : 0;
    // A corrupt header may ask for anything; the check then says so instead of the allocation.
    const modest = (bytes: number): number => Math.min(bytes, 16 << 20);
    this.boardNumber = options.board ?? field(IMAGE_FIELDS.board);
    this.senseMillivolts = options.senseMillivolts ?? (() => FULL_MILLIVOLTS);
    this.sizes = {
      image: options.image.length,
      dataset: options.dataset.length,
      arena: options.arenaBytes ?? modest(field(IMAGE_FIELDS.arenaBytes)),
      nvm: options.nvmBytes ?? NVM_CONTROL_BYTES + modest(field(IMAGE_FIELDS.nvmBytes)),
    };
    this.memory = new WebAssembly.Memory({ initial: 2 });
    let free = this.instantiate().__heap_base.value as number;
    const reserve = (bytes: number): number => {
      const address = Math.ceil(free / ALIGNMENT) * ALIGNMENT;
      free = address + bytes;
      return address;
    };
    this.addresses = {
      image: reserve(this.sizes.image),
      dataset: reserve(this.sizes.dataset),
      arena: reserve(this.sizes.arena),
      nvm: reserve(this.sizes.nvm),
      result: reserve(RESULT_CAPACITY),
    };
    const missing = free - this.memory.buffer.byteLength;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    }
    this.bytes(this.addresses.image, this.sizes.image).set(options.image);
    this.bytes(this.addresses.dataset, this.sizes.dataset).set(options.dataset);
  }

  /** The board's NVM itself: what is written here is what the board finds. */
  get nvm(): Uint8Array {
    return this.bytes(this.addresses.nvm, this.sizes.nvm);
  }

  /** SRAM for activations, as the last call left it. */
  get arena(): Uint8Array {
    return this.bytes(this.addresses.arena, this.sizes.arena);
  }

  checkImage(): Status {
    const core = this.core ?? this.configured();
    const code = core.checkImage(this.addresses.image, this.sizes.image);
    return { code, detail: core.detail() >>> 0 };
  }

  checkDataset(): Status {
    const core = this.core ?? this.configured();
    const code = core.checkDataset(this.addresses.dataset, this.sizes.dataset);
    return { code, detail: core.detail() >>> 0 };
  }

  /**
   * Power-on: SRAM holds noise, a run in progress is taken up again. An image or data set that does not pass its check is
   * as good as absent.
   *
   * @param nvmWriteLimit bytes that may be written to NVM before the power fails in the middle of the next; null = never
   * @throws PowerFailure when it fails already now
   */
  boot(nvmWriteLimit: number | null = null): void {
    this.fillArenaWithNoise();
    const core = this.configured();
    const image = this.checkWith(
      core.checkImage(this.addresses.image, this.sizes.image),
      this.addresses.image,
    );
    const dataset = this.checkWith(
      core.checkDataset(this.addresses.dataset, this.sizes.dataset),
      this.addresses.dataset,
    );
    core.limitNvmWrites(nvmWriteLimit ?? NO_LIMIT);
    this.core = core;
    this.powered((on) => on.boot(image, dataset));
  }

  /** Power-off at an instant when nothing is being written. */
  powerOff(): void {
    this.core = null;
  }

  start(runId: number, firstSample: number, inferenceCount: number): Status {
    return this.powered((core) => {
      const code = core.start(runId, firstSample, inferenceCount);
      return { code, detail: core.detail() >>> 0 };
    });
  }

  stop(): void {
    this.powered((core) => core.stop());
  }

  /** Executes one task, if there is one to do, and commits it as the plan says. */
  advance(): AdvanceEvent {
    return this.powered((core) => EVENTS[core.advance()]);
  }

  /** The result that waits for its acknowledgement. */
  pendingResult(): PendingResult | null {
    return this.powered((core) => {
      const inference = Number(core.pendingInference());
      if (inference < 0) {
        return null;
      }
      const bytes = core.readResult(this.addresses.result, RESULT_CAPACITY);
      return { inference, output: new Int8Array(this.bytes(this.addresses.result, bytes).slice().buffer) };
    });
  }

  acknowledge(runId: number, inference: number): void {
    this.powered((core) => core.acknowledge(runId, inference));
  }

  /** Progress as the running board sees it: the last commit plus what RAM knows more, e.g. an acknowledgement. */
  record(): BoardRecord {
    return this.powered((core) => {
      const record = decodeUncheckedRecord(this.bytes(core.record(), RECORD_BYTES));
      if (record === null) {
        throw new RunError({
          code: 'host-record-damaged',
          place: 'host board',
          message: 'the record in RAM is not one',
          remedy: 'This is a defect of the bench; please report it',
        });
      }
      return record;
    });
  }

  /** The same as the bytes of firmware/SPEC.md section 5; sequence number, counters and CRC may be ahead of NVM. */
  recordBytes(): Uint8Array {
    return this.powered((core) => this.bytes(core.record(), RECORD_BYTES).slice());
  }

  /** What the board knows of its harvest: with record and arena, all that decides how a run goes on. */
  restBytes(): Uint8Array {
    return this.powered((core) => this.bytes(core.rest(), REST_BYTES).slice());
  }

  private bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  private instantiate(): CoreExports {
    const imports = {
      env: { memory: this.memory },
      host: {
        powerFailure: () => {
          throw new PowerFailure('the power failed');
        },
        capacitorMillivolts: () => this.senseMillivolts(),
        nvmWrite: (offset: number, source: number, bytes: number) =>
          this.onNvmWrite?.(offset, this.bytes(source, bytes)),
      },
    };
    return new WebAssembly.Instance(this.module, imports).exports as unknown as CoreExports;
  }

  /** A new instance: its data segments set all static memory of the core back, like a start of the board does. */
  private configured(): CoreExports {
    const core = this.instantiate();
    const { arena, nvm } = this.addresses;
    core.configure(arena, this.sizes.arena, nvm, this.sizes.nvm, this.boardNumber);
    return core;
  }

  private checkWith(code: number, address: number): number {
    return code === STATUS.OK ? address : 0;
  }

  private powered<T>(action: (core: CoreExports) => T): T {
    if (this.core === null) {
      throw new RunError({
        code: 'board-off',
        place: 'host board',
        message: 'has no power',
        remedy: 'Call boot() first',
      });
    }
    try {
      return action(this.core);
    } catch (error) {
      this.core = null;
      throw error;
    }
  }

  /** SRAM after power-on is not zero; xorshift32, so that a run is repeatable. */
  private fillArenaWithNoise(): void {
    const words = new Uint32Array(this.memory.buffer, this.addresses.arena, this.sizes.arena >>> 2);
    for (let index = 0; index < words.length; index++) {
      this.noise ^= this.noise << 13;
      this.noise ^= this.noise >>> 17;
      this.noise ^= this.noise << 5;
      words[index] = this.noise;
    }
  }
}

/**
 * Runs every sample through the image on the host, uninterrupted.
 *
 * @param samples one quantized input each, as long as the image's input
 * @returns the int8 outputs, in order
 * @throws InputError when the image does not run here or the samples do not fit it; the signal's reason when aborted
 */
export function inferOnHost(
  image: Uint8Array,
  samples: readonly Int8Array[],
  options: { onProgress?: (done: number, total: number) => void; signal?: AbortSignal } = {},
): Int8Array[] {
  const total = samples.length;
  if (total === 0) {
    return [];
  }
  const board = new HostBoard({ image, dataset: encodeDataset(samples) });
  requireOk(board.checkImage(), 'image');
  board.boot();
  const runId = 1;
  requireOk(board.start(runId, 0, total), 'data set');
  const outputs: Int8Array[] = [];
  while (outputs.length < total) {
    options.signal?.throwIfAborted();
    while (board.advance() === 'task') {
      // The next task of the same inference.
    }
    const result = present(board.pendingResult(), 'result after the last task');
    outputs.push(result.output);
    board.acknowledge(runId, result.inference);
    options.onProgress?.(outputs.length, total);
  }
  return outputs;
}

function loadCore(): WebAssembly.Module {
  const path = resourcePath('firmware', 'prebuilt', 'core.wasm');
  try {
    return new WebAssembly.Module(readFileSync(path));
  } catch (cause) {
    throw new RunError({
      code: 'host-core-missing',
      place: path,
      message: `cannot be loaded (${(cause as Error).message})`,
      remedy: 'Install Brownout Bench again, or rebuild it with: npm run build:firmware',
      cause,
    });
  }
}

function requireOk(status: Status, place: string): void {
  if (status.code === STATUS.OK) {
    return;
  }
  const name = Object.entries(STATUS).find(([, code]) => code === status.code)?.[0] ?? String(status.code);
  throw new InputError({
    code: 'host-refused',
    place,
    message: `is refused by the firmware: ${name}, detail ${status.detail}`,
    remedy: 'Compile the model again and use samples of its input size',
  });
}
