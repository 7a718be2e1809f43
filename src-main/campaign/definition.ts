/**
 * A campaign file: YAML in, plain checked data out. Errors name file, line, column, the value, and the nearest valid key.
 */
import { LineCounter, parseDocument, isMap, isNode, isPair, isScalar, visit, type Document } from 'yaml';
import { z } from 'zod';
import { InputError } from '../common/errors.js';
import { didYouMean } from '../common/nearest.js';
import { resourcePath } from '../common/resources.js';
import { parseQuantity, type Unit } from '../common/quantity.js';
import { CALIBRATION_METHODS } from '../compiler/calibration-method.js';
import { KERNEL_SETS, STRATEGIES } from '../compiler/plan.js';
import { GENERATED_SHAPES, HARVEST_MODES } from './types.js';

/** A positive number in SI units, or text such as `4.7 mF`. */
function positive(unit: Unit) {
  return z.union([z.number(), z.string()]).transform((value, context) => {
    try {
      return parseQuantity(value, unit, { positive: true });
    } catch (error) {
      const [message, remedy] = error instanceof InputError ? [error.reason, error.remedy] : [String(error)];
      context.addIssue({ code: 'custom', message, params: { remedy } });
      return z.NEVER;
    }
  });
}

const modelSchema = z.strictObject({
  /** .tflite or .onnx, relative to the campaign file. */
  file: z.string().min(1),
  /** .npz with x and, where known, y. */
  data: z.string().min(1),
  /** .npz whose x calibrates the quantization of a float model. */
  calibration: z.string().min(1).optional(),
  /** How ranges are chosen from it; what is best where left out. */
  calibrateBy: z.enum(CALIBRATION_METHODS).optional(),
});

const harvestSchema = z.union([
  z.strictObject({ constant: z.strictObject({ volts: positive('V'), amps: positive('A') }) }),
  z.strictObject({
    trace: z.string().min(1),
    /** Factor on the harvested current. */
    scale: z.number().positive().default(1),
  }),
  z.strictObject({
    square: z.strictObject({
      volts: positive('V'),
      amps: positive('A'),
      period: positive('s'),
      duty: z.number().gt(0).lte(1),
    }),
  }),
  z.strictObject({
    generated: z.strictObject({
      shape: z.enum(GENERATED_SHAPES),
      volts: positive('V'),
      amps: positive('A'),
      duration: positive('s').default(60),
      seed: z.number().int().min(0).default(1),
    }),
  }),
  z.literal('continuous'),
]);

const campaignSchema = z.strictObject({
  name: z.string().min(1),
  notes: z.string().default(''),
  board: z.string().default('pico-fram'),
  models: z.array(modelSchema).min(1),
  strategies: z.array(z.enum(STRATEGIES)).min(1),
  kernels: z.array(z.enum(KERNEL_SETS)).min(1).default(['fast']),
  capacitances: z.array(positive('F')).min(1),
  /** Turn-on and brown-out voltage; the board profile's where left out. */
  thresholds: z
    .strictObject({ von: positive('V'), voff: positive('V') })
    .refine(({ von, voff }) => von > voff, { message: 'von must be above voff' })
    .optional(),
  harvests: z.array(harvestSchema).min(1),
  /** Real instruments; the virtual bench where left out. */
  bench: z
    .strictObject({
      /** Serial port, or tcp:HOST:PORT. */
      board: z.string().min(1),
      supply: z.strictObject({ port: z.string().min(1), profile: z.string().min(1) }),
      mode: z.enum(HARVEST_MODES).default('source'),
    })
    .optional(),
  /** Inferences per run, taken from the data set in order. */
  samples: z.number().int().min(1).default(1),
  firstSample: z.number().int().min(0).default(0),
  repeats: z.number().int().min(1).max(10000).default(1),
  seed: z.number().int().min(0).default(1),
  stop: z
    .strictObject({
      powerCyclesWithoutProgress: z.number().int().min(1).default(20),
      maximumTime: positive('s').default(3600),
    })
    .prefault({}),
});

export type CampaignDefinition = z.output<typeof campaignSchema> & {
  /** Text of the file, for the store. */
  source: string;
  /** Folder that relative paths count from. */
  folder: string;
};

export type HarvestDefinition = CampaignDefinition['harvests'][number];

/**
 * @param source YAML text
 * @param origin where it comes from: `place` for messages, `folder` for relative paths in it
 * @throws InputError naming place:line:column, the value, and what to write instead
 */
export function parseCampaign(source: string, origin: { place: string; folder: string }): CampaignDefinition {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${origin.place}:${line}:${col}`;
  };
  const malformed = (offset: number, message: string) =>
    new InputError({
      code: 'campaign-syntax',
      place: at(offset),
      message: `not valid YAML: ${message}`,
      remedy: `Correct the line; a complete campaign to compare with is ${resourcePath('dist', 'examples', 'example-campaign.yaml')}`,
    });
  const syntax = document.errors.at(0);
  if (syntax) {
    throw malformed(
      syntax.pos[0],
      syntax.code === 'MULTIPLE_DOCS' ? 'a second document starts here, after ---' : syntax.message,
    );
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    // Aliases are resolved only here: one without its anchor, or so many that they would fill the memory.
    if (!(error instanceof ReferenceError)) {
      throw error;
    }
    throw malformed(firstUnresolvedAlias(document) ?? 0, error.message);
  }
  const parsed = campaignSchema.safeParse(content, { reportInput: true });
  if (parsed.success) {
    return { ...parsed.data, source, folder: origin.folder };
  }
  const issue = mostTelling(parsed.error.issues);
  const { message, remedy, path } = explain(issue);
  throw new InputError({
    code: 'campaign-invalid',
    place: at(offsetOf(document, path)),
    message,
    remedy,
  });
}

type Issue = z.core.$ZodIssue;

/**
 * The complaint that helps most: a key that is not known explains a missing one, and of a failed union only the branch
 * counts that came closest, which is the one that complains at the greatest depth.
 */
function mostTelling(issues: readonly Issue[], prefix: PropertyKey[] = []): Issue {
  const flat = issues.map((issue): Issue => {
    const path = [...prefix, ...issue.path];
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
      return { ...issue, path };
    }
    const branches = issue.errors.filter((branch) => branch.length > 0);
    const depth = (branch: readonly Issue[]) => Math.max(...branch.map((inner) => inner.path.length));
    branches.sort((a, b) => depth(b) - depth(a) || rank(a[0]) - rank(b[0]));
    return branches.length > 0 ? mostTelling(branches[0], path) : { ...issue, path };
  });
  return flat.find((issue) => issue.code === 'unrecognized_keys') ?? flat[0];
}

/** Among equally deep complaints, what our own checks say is worth more than a wrong type. */
function rank(issue: Issue): number {
  return issue.code === 'unrecognized_keys'
    ? 0
    : issue.code === 'custom' || issue.code === 'invalid_value'
      ? 1
      : 2;
}

function explain(issue: Issue): { message: string; remedy: string; path: PropertyKey[] } {
  const where = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0];
    const known = keysAt(issue.path);
    return {
      message: `unknown key '${key}'${where ? ` in ${where}` : ''}`,
      remedy: `${didYouMean(key, known)}Known keys: ${known.join(', ')}`,
      path: [...issue.path, key],
    };
  }
  if (issue.code === 'invalid_value') {
    const known = issue.values.map(String);
    const value = typeof issue.input === 'string' ? issue.input : JSON.stringify(issue.input);
    return {
      message: `${where}: '${value}' is not known`,
      remedy: `${didYouMean(value, known)}Known: ${known.join(', ')}`,
      path: issue.path,
    };
  }
  const subject = where || 'the campaign';
  if (issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_union')) {
    return {
      message: `${subject} is missing`,
      remedy: `Add '${String(issue.path.at(-1))}'${issue.code === 'invalid_type' ? `, ${named(issue.expected)}` : ''}`,
      path: issue.path,
    };
  }
  if (issue.code === 'invalid_type') {
    return {
      message: `${subject} is ${describe(issue.input)}, not ${named(issue.expected)}`,
      remedy:
        where === ''
          ? `Write keys and values; a complete campaign is ${resourcePath('dist', 'examples', 'example-campaign.yaml')}`
          : `Write ${named(issue.expected)} there`,
      path: issue.path,
    };
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const limit = String(issue.code === 'too_small' ? issue.minimum : issue.maximum);
    const bound = `${issue.code === 'too_small' ? (issue.inclusive ? 'at least' : 'more than') : 'at most'} ${limit}`;
    const counted = issue.origin === 'array' ? ' entries' : issue.origin === 'string' ? ' characters' : '';
    return {
      message:
        counted === ''
          ? `${subject}: ${describe(issue.input)} is out of range`
          : `${subject} has ${(issue.input as string | unknown[]).length}${counted}`,
      remedy: `Give ${bound}${counted}`,
      path: issue.path,
    };
  }
  const remedy: unknown = issue.code === 'custom' ? issue.params?.['remedy'] : undefined;
  return {
    message: `${where || 'the campaign'}: ${issue.message}`,
    remedy: typeof remedy === 'string' ? remedy : 'Correct the value',
    path: issue.path,
  };
}

/** What zod calls a type, in the words of somebody who writes YAML. */
function named(type: string): string {
  const names: Record<string, string> = {
    object: 'keys with values',
    array: 'a list, such as [a, b]',
    string: 'text (put a number in quotes)',
    number: 'a number',
    int: 'a whole number',
  };
  return names[type] ?? type;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) {
    return 'empty';
  }
  if (Array.isArray(value)) {
    return 'a list';
  }
  if (typeof value === 'object') {
    return 'keys with values';
  }
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Valid keys of the object at `path`, for "did you mean". */
function keysAt(path: readonly PropertyKey[]): string[] {
  switch (path[0]) {
    case 'models':
      return Object.keys(modelSchema.shape);
    case 'thresholds':
      return ['von', 'voff'];
    case 'bench':
      return path[1] === 'supply' ? ['port', 'profile'] : ['board', 'supply', 'mode'];
    case 'stop':
      return ['powerCyclesWithoutProgress', 'maximumTime'];
    case 'harvests':
      return path[2] === 'constant'
        ? ['volts', 'amps']
        : path[2] === 'square'
          ? ['volts', 'amps', 'period', 'duty']
          : path[2] === 'generated'
            ? ['shape', 'volts', 'amps', 'duration', 'seed']
            : ['constant', 'trace', 'scale', 'square', 'generated'];
    default:
      return Object.keys(campaignSchema.shape);
  }
}

/** Offset of the first alias that no anchor before it explains; null when all are explained. */
function firstUnresolvedAlias(document: Document): number | null {
  let offset: number | null = null;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined) {
        offset = alias.range?.[0] ?? 0;
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return offset;
}

/** Byte offset of the deepest node of `path` that exists in the document; a key where the path ends in one. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === part);
      if (!pair) {
        break;
      }
      if (isNode(pair.key)) {
        offset = pair.key.range?.[0] ?? offset;
      }
      node = pair.value;
    } else if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
      node = (node.items as unknown[])[Number(part)];
      if (isNode(node)) {
        offset = node.range?.[0] ?? offset;
      }
    } else {
      break;
    }
  }
  return offset;
}
