import { execFile } from 'node:child_process';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a build takes, all in bytes. Kept in firmware/sizes.json. */
export interface FirmwareSizes {
  'pico-fram': {
    /** Everything that is programmed into flash, second-stage boot loader included. */
    flash: number;
    sram: {
      /** Initialised data and functions that run from SRAM. */
      data: number;
      cleared: number;
      /** Buffers that need no initial value. */
      notCleared: number;
      /** Worst case: the deepest chain of calls, and the deepest interrupt handler on top of it. */
      stack: number;
      /** All of the above: SRAM outside of the arena. */
      total: number;
    };
    arena: number;
    /** Functions of the deepest chain of calls, each with its own stack bytes. */
    deepestCalls: string[];
  };
  'core.wasm': { file: number };
}

/** The bars of the design. */
export const SIZE_LIMITS = { flash: 64 * 1024, sramOutsideArena: 16 * 1024 };

/** Registers that the core stacks at an interrupt, and the word that aligns them: ARMv6-M manual, section B1.5.6. */
const EXCEPTION_FRAME_BYTES = 32 + 4;
const ENTRY = 'pico_reset';
const INTERRUPT_HANDLERS = ['pico_timer_interrupt', 'pico_burst_interrupt', 'pico_uart_interrupt'];
const VECTOR_BYTES = 4 * (16 + 26);

interface Code {
  /** Called functions, by function; `null` stands for a call through a pointer. */
  calls: Map<string, Set<string | null>>;
  /** Stack bytes that the instructions themselves show, for functions of the compiler's library. */
  pushed: Map<string, number>;
  addresses: Map<string, number>;
}

/**
 * Worst-case stack from the linked program: frames as the compiler reports them (-fstack-usage), calls as the disassembly has
 * them. A call through a pointer may reach any function whose address is stored anywhere outside of the vector table.
 *
 * @param elf linked with -fstack-usage, its .su files beside it
 * @throws Error when functions call each other in a circle or the compiler cannot tell a frame's size
 */
export async function measurePicoSizes(elf: string, flashBytes: number): Promise<FirmwareSizes['pico-fram']> {
  const { stdout: sections } = await run('arm-none-eabi-size', ['-A', elf]);
  const section = (name: string) => Number(new RegExp(`^\\${name}\\s+(\\d+)`, 'm').exec(sections)?.[1] ?? 0);
  const frames = await readFrames(elf);
  const code = await readCode(elf);
  const indirect = await addressTaken(elf, code.addresses);
  const main = deepest(ENTRY, code, frames, indirect);
  const handlers = INTERRUPT_HANDLERS.map((name) => deepest(name, code, frames, indirect).bytes);
  const stack = main.bytes + EXCEPTION_FRAME_BYTES + Math.max(...handlers);
  const sram = {
    data: section('.data'),
    cleared: section('.bss'),
    notCleared: section('.notcleared'),
    stack,
  };
  return {
    flash: flashBytes,
    sram: { ...sram, total: Object.values(sram).reduce((sum, bytes) => sum + bytes, 0) },
    arena: section('.arena'),
    deepestCalls: main.path,
  };
}

export async function measureHostSizes(folder: string): Promise<FirmwareSizes['core.wasm']> {
  return { file: (await stat(join(folder, 'core.wasm'))).size };
}

/** The table that a build prints. */
export function formatSizes(sizes: FirmwareSizes): string {
  const { flash, sram, arena, deepestCalls } = sizes['pico-fram'];
  const row = (name: string, bytes: number, limit?: number) =>
    `  ${name.padEnd(34)}${String(bytes).padStart(8)}${limit === undefined ? '' : `   of ${limit} allowed`}`;
  return [
    'pico-fram, bytes',
    row('flash', flash, SIZE_LIMITS.flash),
    row('SRAM: data and code', sram.data),
    row('SRAM: cleared at start', sram.cleared),
    row('SRAM: buffers', sram.notCleared),
    row('SRAM: stack, worst case', sram.stack),
    row('SRAM outside of the arena', sram.total, SIZE_LIMITS.sramOutsideArena),
    row('arena', arena),
    `  deepest calls: ${deepestCalls.join(' > ')}`,
    'core.wasm, bytes',
    row('file', sizes['core.wasm'].file),
  ].join('\n');
}

/** Copies of a function that the compiler makes are numbered by the linker's view only. */
const withoutNumber = (name: string) => name.replace(/\.\d+$/, '');

async function readFrames(elf: string): Promise<Map<string, number>> {
  const frames = new Map<string, number>();
  const folder = dirname(elf);
  for (const file of await readdir(folder)) {
    if (!file.startsWith(basename(elf)) || !file.endsWith('.su')) {
      continue;
    }
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n').filter(Boolean)) {
      const [place, bytes, kind] = line.split('\t');
      const name = place.slice(place.lastIndexOf(':') + 1);
      if (kind.startsWith('dynamic') && !kind.includes('bounded')) {
        throw new Error(`${place} has a frame without bound`);
      }
      // Static functions of the same name in two files: the larger counts for both.
      frames.set(name, Math.max(Number(bytes), frames.get(name) ?? 0));
    }
  }
  return frames;
}

async function readCode(elf: string): Promise<Code> {
  const { stdout } = await run('arm-none-eabi-objdump', ['-d', '--no-show-raw-insn', elf], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const code: Code = { calls: new Map(), pushed: new Map(), addresses: new Map() };
  let current = '';
  for (const line of stdout.split('\n')) {
    const head = /^([0-9a-f]+) <([^>]+)>:$/.exec(line);
    if (head) {
      current = withoutNumber(head[2]);
      code.addresses.set(current, parseInt(head[1], 16));
      code.calls.set(current, code.calls.get(current) ?? new Set());
      const veneerOf = /^__(.+)_veneer$/.exec(current);
      if (veneerOf) {
        code.calls.get(current)?.add(veneerOf[1]);
      }
      continue;
    }
    const instruction = /^\s*[0-9a-f]+:\t(\S+)\s*(.*)$/.exec(line);
    if (!instruction) {
      continue;
    }
    const [, mnemonic, operands] = instruction;
    const target = /<([^>+]+)>/.exec(operands)?.[1];
    if (/^b/.test(mnemonic) && target !== undefined && withoutNumber(target) !== current) {
      code.calls.get(current)?.add(withoutNumber(target));
    } else if (mnemonic === 'blx') {
      code.calls.get(current)?.add(null);
    } else if (mnemonic === 'push') {
      addPushed(code, current, 4 * registersIn(operands));
    } else if (mnemonic === 'sub' && /^sp,/.test(operands)) {
      addPushed(code, current, Number(/#(\d+)/.exec(operands)?.[1] ?? 0));
    }
  }
  return code;
}

function addPushed({ pushed }: Code, name: string, bytes: number): void {
  pushed.set(name, (pushed.get(name) ?? 0) + bytes);
}

function registersIn(list: string): number {
  return list
    .replace(/[{}\s]/g, '')
    .split(',')
    .reduce((count, item) => {
      const range = /^r(\d+)-r(\d+)$/.exec(item);
      return count + (range ? Number(range[2]) - Number(range[1]) + 1 : 1);
    }, 0);
}

/** Functions whose Thumb address is stored somewhere in what is loaded. */
async function addressTaken(elf: string, addresses: Map<string, number>): Promise<string[]> {
  const binary = await readFile(`${elf}.bin`);
  const words = new Set<number>();
  for (let at = VECTOR_BYTES; at + 4 <= binary.length; at += 4) {
    words.add(binary.readUInt32LE(at));
  }
  return [...addresses].filter(([, address]) => words.has(address + 1)).map(([name]) => name);
}

interface Depth {
  bytes: number;
  path: string[];
}

function deepest(entry: string, code: Code, frames: Map<string, number>, indirect: readonly string[]): Depth {
  const known = new Map<string, Depth>();
  const visit = (name: string, above: readonly string[]): Depth => {
    const before = known.get(name);
    if (before) {
      return before;
    }
    if (above.includes(name)) {
      throw new Error(`functions call each other in a circle: ${[...above, name].join(' > ')}`);
    }
    const own = frames.get(name) ?? code.pushed.get(name) ?? 0;
    let below: Depth = { bytes: 0, path: [] };
    for (const callee of code.calls.get(name) ?? []) {
      for (const target of callee === null ? indirect : [callee]) {
        const depth = visit(target, [...above, name]);
        below = depth.bytes > below.bytes ? depth : below;
      }
    }
    const result = { bytes: own + below.bytes, path: [`${name} ${own}`, ...below.path] };
    known.set(name, result);
    return result;
  };
  return visit(entry, []);
}
