/**
 * The arrows of the design as rules over source files. A file set is a map from path (relative to the repository root, with
 * forward slashes) to text, so that the rules can be fed the repository as well as made-up offenders.
 */
import { posix } from 'node:path';
import { importsOf, type Import } from './imports.js';

export type Sources = ReadonlyMap<string, string>;

/** A part may load what its row names, and itself. Rows further up are further out: arrows only point inward. */
const MAY_LOAD: Partial<Record<string, readonly string[]>> = {
  hosts: ['service', 'campaign', 'compiler', 'board', 'supply', 'store', 'report', 'common'],
  service: ['campaign', 'compiler', 'board', 'supply', 'store', 'report', 'common'],
  campaign: ['compiler', 'board', 'supply', 'store', 'report', 'common'],
  compiler: ['common'],
  board: ['common'],
  supply: ['common'],
  store: ['common'],
  report: ['common'],
  common: [],
};

/** Plain data types that cross the rows above. Types only: nothing of these is loaded at run time. */
const MAY_IMPORT_TYPES: Partial<Record<string, readonly string[]>> = {
  board: ['src-main/compiler/plan.ts'],
  store: ['src-main/campaign/types.ts', 'src-main/supply/harvest.ts', 'src-main/compiler/plan.ts'],
  report: [
    'src-main/campaign/types.ts',
    'src-main/store/types.ts',
    'src-main/supply/harvest.ts',
    'src-main/compiler/plan.ts',
  ],
};

/** Packages that stand behind one file each, so that they can be replaced there. */
const ONLY_IN: { package: RegExp; files: readonly string[] }[] = [
  {
    package: /^electron(\/|$)/,
    files: ['src-main/hosts/electron.ts', 'src-main/hosts/electron-preload.cts'],
  },
  { package: /^sqlite3$/, files: ['src-main/store/sqlite-driver.ts'] },
  { package: /^(serialport|@serialport\/.*)$/, files: ['src-main/board/serial-port.ts'] },
];

/** What a portable core needs of C itself; a board without a C library brings its own copies of these. */
const C_HEADERS = /^<(stdint|stddef|stdbool|string|limits|assert)\.h>$/;

/** Every breach as `file:line: what`, in the order of the files; empty when all arrows are kept. */
export function findViolations(sources: Sources): string[] {
  return [
    ...[...sources].flatMap(([path, text]) => (isScript(path) ? checkScript(path, text, sources) : [])),
    ...[...sources].flatMap(([path, text]) => checkPortableCore(path, text, sources)),
    ...checkMigrations(sources),
    ...checkCycles(sources),
  ];
}

function checkScript(path: string, text: string, sources: Sources): string[] {
  const violations: string[] = [];
  for (const each of importsOf(path, text)) {
    const reason = each.specifier.startsWith('.')
      ? checkArrow(path, resolve(path, each.specifier, sources), each)
      : checkPackage(path, each);
    if (reason !== null) {
      violations.push(`${path}:${each.line}: ${reason}`);
    }
  }
  return violations;
}

/** Why `from` may not import the repository's file `to`; null when it may. */
function checkArrow(from: string, to: string, { typeOnly }: Import): string | null {
  const [fromTop, fromPart] = from.split('/');
  const [toTop, toPart] = to.split('/');
  if (fromTop === 'test' || from === to) {
    return null;
  }
  if (toTop === 'test') {
    return `imports the test file ${to}`;
  }
  if (fromTop === 'src-renderer') {
    const isType = toTop === 'src-main' && toPart === 'service' && typeOnly;
    return toTop === 'src-renderer' || isType
      ? null
      : `the window imports ${to}; it may import types of service only`;
  }
  if (fromTop !== 'src-main') {
    return toTop === 'src-renderer' ? `imports ${to} of the window` : null;
  }
  if (toTop !== 'src-main') {
    return `the product imports ${to}, which is not part of it`;
  }
  if (fromPart !== toPart) {
    const allowed =
      MAY_LOAD[fromPart]?.includes(toPart) || (typeOnly && MAY_IMPORT_TYPES[fromPart]?.includes(to));
    return allowed
      ? null
      : `${fromPart} imports ${to}${typeOnly ? ' (types)' : ''}; that arrow is not in the design`;
  }
  return fromPart === 'compiler' ? checkPhase(from, to) : null;
}

/** Numbered phases run in order: none may know a later one, nor the compiler's entry, which knows them all. */
function checkPhase(from: string, to: string): string | null {
  const fromPhase = phaseOf(from);
  const toPhase = phaseOf(to);
  if (fromPhase === null) {
    return null;
  }
  if (to === 'src-main/compiler/index.ts') {
    return `phase ${fromPhase} imports the compiler's entry`;
  }
  return toPhase !== null && toPhase > fromPhase
    ? `phase ${fromPhase} imports ${to} of the later phase ${toPhase}`
    : null;
}

function phaseOf(path: string): number | null {
  const match = /^src-main\/compiler\/(\d+)-/.exec(path);
  return match ? Number(match[1]) : null;
}

function checkPackage(path: string, { specifier }: Import): string | null {
  if (path.startsWith('src-renderer/') && specifier.startsWith('node:') && !path.endsWith('.mjs')) {
    return `the window imports ${specifier}, which a browser does not have`;
  }
  const product =
    path.startsWith('src-main/') || path.startsWith('src-renderer/') || path.startsWith('tools/');
  const owner = ONLY_IN.find((rule) => rule.package.test(specifier));
  return product && owner && !owner.files.includes(path)
    ? `imports ${specifier}; only ${owner.files.join(' and ')} may`
    : null;
}

/** Kernels and runtime include headers of C and of each other, never of a board. */
function checkPortableCore(path: string, text: string, sources: Sources): string[] {
  if (!/^firmware\/(kernels|runtime)\/.*\.[ch]$/.test(path)) {
    return [];
  }
  return text.split('\n').flatMap((line, index) => {
    const header = /^\s*#\s*include\s*([<"][^>"]+[>"])/.exec(line)?.[1];
    if (header === undefined || C_HEADERS.test(header)) {
      return [];
    }
    const name = header.slice(1, -1);
    const folders = [posix.dirname(path), 'firmware', 'firmware/kernels', 'firmware/runtime'];
    const portable = folders
      .map((folder) => posix.normalize(posix.join(folder, name)))
      .some((found) => sources.has(found) && !found.startsWith('firmware/boards/'));
    return portable
      ? []
      : [`${path}:${index + 1}: the portable core includes ${header}, which is not part of it`];
  });
}

function checkMigrations(sources: Sources): string[] {
  return [...sources.keys()]
    .filter((path) => path.startsWith('migrations/') && path.endsWith('.sql'))
    .filter((path) => !sources.has(`test/migrations/${posix.basename(path, '.sql')}.test.ts`))
    .map((path) => `${path}:1: has no test/migrations/${posix.basename(path, '.sql')}.test.ts`);
}

/** Files of the product that load each other in a ring, each ring told once. */
function checkCycles(sources: Sources): string[] {
  const loads = new Map<string, string[]>();
  for (const [path, text] of sources) {
    if (isScript(path) && path.startsWith('src-')) {
      const targets = importsOf(path, text)
        .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        .map(({ specifier }) => resolve(path, specifier, sources));
      loads.set(path, targets);
    }
  }
  const violations: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      violations.push(`${path}:1: files import each other: ${[...trail.slice(start), path].join(' -> ')}`);
    } else if (!done.has(path)) {
      trail.push(path);
      loads.get(path)?.forEach(visit);
      trail.pop();
      done.add(path);
    }
  };
  [...loads.keys()].forEach(visit);
  return violations;
}

function isScript(path: string): boolean {
  return /\.(ts|cts|mts|mjs|js|svelte)$/.test(path);
}

/** The source file that a relative specifier means; imports name the compiled extension. */
function resolve(from: string, specifier: string, sources: Sources): string {
  const path = posix.normalize(posix.join(posix.dirname(from), specifier));
  const candidates = [path, path.replace(/\.js$/, '.ts'), path.replace(/\.cjs$/, '.cts'), `${path}.ts`];
  return candidates.find((candidate) => sources.has(candidate)) ?? path;
}
