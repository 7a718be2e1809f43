import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { InputError } from '../../common/errors.js';
import type { Harvest } from '../harvest.js';
import { DEFAULT_CONVERTER, type HarvestConverter } from './converter.js';
import { parseMappedCsv, type ColumnMapping } from './csv-columns.js';
import { downsample } from './downsample.js';
import { scaleHarvest } from './edit.js';
import { looksLikeEkho, parseEkho } from './ekho.js';
import {
  DEFAULT_LIGHT_CELL,
  looksLikeIndoorLight,
  parseIndoorLight,
  type LightCell,
} from './indoor-light.js';
import { parseMementos } from './mementos.js';
import { looksLikePlainCsv, parsePlainCsv, PLAIN_CSV_HEADER } from './plain-csv.js';
import type { SampledHarvest } from './samples.js';
import { isHdf5, readShepherd } from './shepherd.js';
import { shown, TraceText } from './trace-text.js';

export const TRACE_FORMATS = ['mementos', 'ekho', 'indoor-light', 'csv', 'shepherd'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

/** Files beyond this are refused before they are read. */
const MAXIMUM_FILE_BYTES = 256 * 1024 * 1024;

export interface LoadHarvestOptions {
  /** Detected from the first lines when left out. */
  format?: TraceFormat;
  /** Multiplies the current (a larger cell, a nearer transmitter). Default 1. */
  scale?: number;
  /** Shortest step the supply can follow: faster ones are merged, keeping charge and energy. */
  stepSeconds?: number;
  /**
   * Converter between harvester and capacitor, null for none. Default: none for Mementos, whose front end charges a
   * capacitor directly; 5 V at 80 % for IV curves and light, whose cells give less than a board needs. Does not apply to
   * plain CSV, which says what the capacitor sees.
   */
  converter?: HarvestConverter | null;
  lightCell?: LightCell;
  /** A Shepherd recording is averaged over so much; 1 ms when left out. */
  binSeconds?: number;
  /** What the columns of a CSV file of others hold; the format is not looked for then. */
  columns?: ColumnMapping;
}

/**
 * Reads a harvest trace.
 *
 * @throws InputError `bad-trace` naming file, line, value and remedy
 */
export async function loadHarvest(path: string, options: LoadHarvestOptions = {}): Promise<Harvest> {
  let text: string;
  try {
    if (options.format === 'shepherd' || (options.format === undefined && (await isHdf5(path)))) {
      const { binSeconds = options.stepSeconds } = options;
      const converter = options.converter === undefined ? DEFAULT_CONVERTER : options.converter;
      return finish(await readShepherd(path, { converter, binSeconds }), path, options);
    }
    const { size } = await stat(path);
    if (size > MAXIMUM_FILE_BYTES) {
      throw new InputError({
        code: 'bad-trace',
        place: path,
        message: `the file has ${size} bytes`,
        remedy: `Cut it to ${MAXIMUM_FILE_BYTES} bytes or thin it out`,
      });
    }
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError({
      code: 'bad-trace',
      place: path,
      message: `the trace cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Check the path; a relative one counts from the file that names it',
      cause,
    });
  }
  return parseHarvest(text, path, options);
}

/** As loadHarvest, from text; `path` only names it. */
export function parseHarvest(text: string, path: string, options: LoadHarvestOptions = {}): Harvest {
  const source = new TraceText(path, text);
  if (source.lines.length < 2) {
    throw source.error(0, `there are ${source.lines.length} lines`, 'A trace needs at least two samples');
  }
  return finish(parse(source, options), path, options);
}

/** Name, scale and shortest step, which have nothing to do with the format. */
function finish(
  parsed: SampledHarvest,
  path: string,
  { scale = 1, stepSeconds }: LoadHarvestOptions,
): Harvest {
  if (!(scale > 0 && scale < Infinity)) {
    throw new InputError({
      code: 'bad-trace',
      place: path,
      message: `the trace cannot be scaled by ${scale}`,
      remedy: 'Give a number greater than zero',
    });
  }
  const harvest = scaleHarvest({ name: basename(path, extname(path)), ...parsed }, scale);
  return stepSeconds === undefined ? harvest : downsample(harvest, stepSeconds).harvest;
}

function parse(source: TraceText, options: LoadHarvestOptions): SampledHarvest {
  if (options.columns !== undefined) {
    return parseMappedCsv(source, options.columns);
  }
  switch (options.format ?? detect(source)) {
    case 'shepherd':
      throw source.error(0, 'it is text, a Shepherd recording is an HDF5 file', 'Leave the format out');
    case 'mementos':
      return parseMementos(source, options.converter ?? null);
    case 'ekho':
      return parseEkho(source, options.converter === undefined ? DEFAULT_CONVERTER : options.converter);
    case 'indoor-light':
      return parseIndoorLight(
        source,
        options.converter ?? DEFAULT_CONVERTER,
        options.lightCell ?? DEFAULT_LIGHT_CELL,
      );
    case 'csv':
      if (!looksLikePlainCsv(source.lines)) {
        throw source.error(
          0,
          `the header is ${shown(source.lines[0])}`,
          `Make the first line ${PLAIN_CSV_HEADER}`,
        );
      }
      return parsePlainCsv(source);
  }
}

function detect(source: TraceText): Exclude<TraceFormat, 'shepherd'> {
  const { lines } = source;
  if (looksLikePlainCsv(lines)) return 'csv';
  if (looksLikeIndoorLight(lines)) return 'indoor-light';
  if (looksLikeEkho(lines)) return 'ekho';
  if (/^\s*[\d.+-]+\t/.test(lines[0])) return 'mementos';
  throw source.error(
    0,
    `${shown(lines[0])} starts no trace format that the bench knows`,
    `Known are Mementos (ms<TAB>V), Ekho IV curves (n, then vmin,vmax), indoor light (timestamp,...,isc_a,isc_c), Shepherd ` +
      `(HDF5) and plain CSV (${PLAIN_CSV_HEADER}); \`brownout trace FILE --columns ...\` turns any other CSV into the last`,
  );
}
