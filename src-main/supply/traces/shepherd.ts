import { open } from 'node:fs/promises';
import type hdf5Library from 'h5wasm/node';
import type { File as Hdf5File } from 'h5wasm/node';
import { InputError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import { converterNote, throughConverter, type HarvestConverter } from './converter.js';
import { stepsFromSamples, type SampledHarvest, type TraceSample } from './samples.js';
import { MAXIMUM_TRACE_SAMPLES } from './trace-text.js';

/** First bytes of an HDF5 file (HDF5 file format specification 3.0, superblock). */
const HDF5_SIGNATURE = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a);
/** Shepherd records 100,000 samples a second: no supply follows that, and no capacitor of a bench notices it. */
const USUAL_BIN_SECONDS = 1e-3;
/** Samples read at once: bounds the memory that a recording of hours costs. */
const CHUNK_SAMPLES = 1 << 20;
/** Power at the maximum-power point over open-circuit voltage times short-circuit current; an assumption, said in the notes. */
const FILL_FACTOR = 0.7;

export interface ShepherdOptions {
  converter: HarvestConverter | null;
  /** Averages over bins of this length; 1 ms when left out. */
  binSeconds?: number;
}

export async function isHdf5(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(HDF5_SIGNATURE.length), 0, HDF5_SIGNATURE.length, 0);
    return HDF5_SIGNATURE.every((byte, index) => buffer[index] === byte);
  } finally {
    await file.close();
  }
}

/**
 * A harvest recorded by the Shepherd testbed: HDF5 with `data/time` (nanoseconds), `data/voltage` and `data/current`, each raw
 * values with `gain` and `offset`; what they are, `data`'s attribute `datatype` says (shepherd documentation, "Data format"):
 * `ivsample` operating points, `ivcurve` sweeps of `window_samples` points, of each of which the maximum-power point is
 * taken, or `isc_voc` pairs. Read in chunks and averaged over bins: the current is the mean, the voltage the mean weighted by
 * charge, so that charge and energy stay.
 *
 * @throws InputError `bad-trace` naming what is missing or wrong in the file
 */
export async function readShepherd(path: string, options: ShepherdOptions): Promise<SampledHarvest> {
  const hdf5 = await loadLibrary(path);
  let file: Hdf5File;
  try {
    file = new hdf5.File(path, 'r');
  } catch (cause) {
    throw refuse(
      path,
      `the HDF5 file cannot be opened: ${reason(cause)}`,
      'Copy it again; it is cut or damaged',
      cause,
    );
  }
  try {
    return readRecording(path, file, hdf5, options);
  } catch (cause) {
    if (cause instanceof InputError) {
      throw cause;
    }
    throw refuse(
      path,
      `the HDF5 file cannot be read: ${reason(cause)}`,
      'Copy it again; it is cut or damaged',
      cause,
    );
  } finally {
    file.close();
  }
}

type Hdf5 = typeof hdf5Library;
type Dataset = InstanceType<Hdf5['Dataset']>;

/** Loaded only when such a file is read: the library is large. */
async function loadLibrary(path: string): Promise<Hdf5> {
  try {
    const { default: hdf5 } = await import('h5wasm/node');
    const library = await hdf5.ready;
    library.activate_throwing_error_handler();
    return hdf5;
  } catch (cause) {
    throw refuse(
      path,
      `the HDF5 reader cannot be loaded: ${reason(cause)}`,
      'Install the program again',
      cause,
    );
  }
}

interface Column {
  dataset: Dataset;
  gain: number;
  offset: number;
  /** Raw value that counts as zero: nanoseconds since 1970 are too large for the precision of a number. */
  rawZero: number | bigint;
}

function readRecording(
  path: string,
  file: Hdf5File,
  { Dataset, Group }: Hdf5,
  { converter, binSeconds = USUAL_BIN_SECONDS }: ShepherdOptions,
): SampledHarvest {
  const paths = pathsIn(file);
  const mode = paths.has('mode') ? text(file.attrs.mode.value) : 'harvester';
  if (/emu|load/i.test(mode)) {
    throw refuse(path, `it is a recording of a load (mode "${mode}")`, 'Give a recording of a harvester');
  }
  const column = (name: string): Column => {
    const dataset = paths.has(`data/${name}`) ? file.get(`data/${name}`) : null;
    if (!(dataset instanceof Dataset)) {
      throw refuse(path, `there is no data/${name}`, 'Give a recording of the Shepherd testbed');
    }
    const attribute = (key: string, usual: number) =>
      key in dataset.attrs ? Number(dataset.attrs[key].value) : usual;
    // Recordings before 2022 give the time in nanoseconds without a gain.
    const gain = attribute('gain', name === 'time' ? 1e-9 : 1);
    return { dataset, gain, offset: attribute('offset', 0), rawZero: 0 };
  };
  const [time, voltage, current] = ['time', 'voltage', 'current'].map(column);
  const counts = [time, voltage, current].map(({ dataset }) => dataset.shape?.[0] ?? 0);
  const [count] = counts;
  if (counts.some((other) => other !== count) || count < 2) {
    throw refuse(
      path,
      `its columns have ${counts.join(', ')} samples`,
      'Give a whole recording of at least two samples',
    );
  }
  const group = file.get('data');
  time.rawZero = raw(time, 0, 1)[0];
  const attributes = group instanceof Group ? group.attrs : {};
  const datatype = 'datatype' in attributes ? text(attributes.datatype.value) : 'ivsample';
  const windowSamples = 'window_samples' in attributes ? Number(attributes.window_samples.value) : 0;
  const reduce = reducerFor(path, datatype, windowSamples);

  const bins = new Bins(binSeconds);
  const rate = (count - 1) / (seconds(time, count - 1) - seconds(time, 0));
  if (!(rate > 0) || count / rate / binSeconds > MAXIMUM_TRACE_SAMPLES) {
    throw refuse(
      path,
      `its ${count} samples span ${seconds(time, count - 1) - seconds(time, 0)} s`,
      `Cut it, or give a longer --step: at most ${MAXIMUM_TRACE_SAMPLES} steps of ${formatQuantity(binSeconds, 's')}`,
    );
  }
  const chunk = reduce.samples * Math.floor(CHUNK_SAMPLES / reduce.samples);
  for (let from = 0; from + reduce.samples <= count; from += chunk) {
    const to = Math.min(count - (count % reduce.samples), from + chunk);
    const [times, volts, amps] = [time, voltage, current].map((each) => physical(each, from, to));
    for (let at = 0; at < to - from; at += reduce.samples) {
      const point = reduce.point(volts, amps, at);
      bins.add(times[at], converter === null ? point : throughConverter(point.volts * point.amps, converter));
    }
  }
  const harvest = stepsFromSamples(bins.finish());
  harvest.notes.unshift(
    `Shepherd recording of ${count} samples (${datatype}), averaged over ${formatQuantity(binSeconds, 's')}; charge and energy are kept.`,
    ...reduce.notes,
    ...(converter === null ? [] : [converterNote(converter)]),
  );
  return harvest;
}

interface Point {
  volts: number;
  amps: number;
}

/** How so many samples become one operating point. */
interface Reducer {
  samples: number;
  point: (volts: Float64Array, amps: Float64Array, at: number) => Point;
  notes: string[];
}

function reducerFor(path: string, datatype: string, windowSamples: number): Reducer {
  switch (datatype) {
    case 'ivsample':
      return { samples: 1, point: (volts, amps, at) => source(volts[at], amps[at]), notes: [] };
    case 'isc_voc':
      return {
        samples: 1,
        point: (volts, amps, at) => source(volts[at], FILL_FACTOR * amps[at]),
        notes: [
          `Pairs of open-circuit voltage and short-circuit current; a fill factor of ${FILL_FACTOR} was assumed.`,
        ],
      };
    case 'ivcurve':
      if (!Number.isInteger(windowSamples) || windowSamples < 2 || windowSamples > CHUNK_SAMPLES) {
        throw refuse(
          path,
          `its IV curves have ${windowSamples} points (data's window_samples)`,
          'Give a recording whose window_samples is the number of points of a curve',
        );
      }
      return {
        samples: windowSamples,
        point: (volts, amps, at) => {
          let best: Point = { volts: 0, amps: 0 };
          for (let index = at; index < at + windowSamples; index++) {
            const candidate = source(volts[index], amps[index]);
            if (candidate.volts * candidate.amps > best.volts * best.amps) {
              best = candidate;
            }
          }
          return best;
        },
        notes: [`Each IV curve of ${windowSamples} points is taken at its maximum-power point.`],
      };
    default:
      throw refuse(path, `its datatype is "${datatype}"`, 'Known are ivsample, ivcurve and isc_voc');
  }
}

/** Offsets of the recorder leave small negative values; they are no harvest. */
function source(volts: number, amps: number): Point {
  return { volts: Math.max(0, volts), amps: Math.max(0, amps) };
}

/** Averages over bins of time, keeping charge and energy. */
class Bins {
  private readonly samples: TraceSample[] = [];
  private bin = -1;
  private start = 0;
  private firstSeconds: number | null = null;
  private lastSeconds = 0;
  private count = 0;
  private ampsSum = 0;
  private wattsSum = 0;

  constructor(private readonly binSeconds: number) {}

  add(atSeconds: number, { volts, amps }: Point): void {
    this.firstSeconds ??= atSeconds;
    // A share of a sample more: decimal times are rarely exact, and a bin must not lose its first sample to the one before.
    const bin = Math.floor((atSeconds - this.firstSeconds) / this.binSeconds + 1e-6);
    if (bin !== this.bin || atSeconds < this.lastSeconds) {
      this.flush();
      this.bin = bin;
      this.start = atSeconds;
    }
    this.lastSeconds = atSeconds;
    this.count += 1;
    this.ampsSum += amps;
    this.wattsSum += volts * amps;
  }

  finish(): TraceSample[] {
    this.flush();
    return this.samples;
  }

  private flush(): void {
    if (this.count > 0) {
      const volts = this.ampsSum === 0 ? 0 : this.wattsSum / this.ampsSum;
      this.samples.push({ seconds: this.start, volts, amps: this.ampsSum / this.count });
    }
    this.count = 0;
    this.ampsSum = 0;
    this.wattsSum = 0;
  }
}

function physical(column: Column, from: number, to: number): Float64Array {
  const { gain, offset, rawZero } = column;
  const values = raw(column, from, to);
  return Float64Array.from({ length: to - from }, (_, index) => {
    const value = values[index];
    const distance = typeof value === 'bigint' ? Number(value - BigInt(rawZero)) : value - Number(rawZero);
    return distance * gain + offset;
  });
}

function raw({ dataset }: Column, from: number, to: number): ArrayLike<number | bigint> {
  const values = dataset.slice([[from, to]]);
  if (!ArrayBuffer.isView(values) || values instanceof DataView) {
    throw new Error(`data of type ${JSON.stringify(dataset.dtype)} where numbers were expected`);
  }
  return values;
}

function seconds(time: Column, index: number): number {
  return physical(time, index, index + 1)[0];
}

/** Names of what the file holds, asked for by their names only: the library complains about what is not there. */
function pathsIn(file: Hdf5File): Set<string> {
  const names = new Set<string>(Object.keys(file.attrs));
  for (const path of file.paths()) {
    names.add(path);
  }
  return names;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split('\n')[0].slice(0, 200);
}

function refuse(path: string, message: string, remedy: string, cause?: unknown): InputError {
  return new InputError({ code: 'bad-trace', place: path, message, remedy, cause });
}
