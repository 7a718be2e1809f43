/** What an activation tensor was seen to hold during calibration: its range and how its values lie in it. */

/** Smallest and largest value that a tensor took; always includes 0. */
export interface ValueRange {
  minimum: number;
  maximum: number;
}

/** Bins on either side of 0. With the limit at most twice the largest value, a range has at least 2048 of them. */
const BINS = 4096;
/** Range ends that meanSquaredErrorRange tries, as shares of the range seen. */
const END_STEPS = 64;
const SMALLEST_END = 16;
const EULER = 0.5772156649;
/** Bounds what a deviation that few samples gave may do. */
const MOST_HEADROOM = 2;
/** Steps of an int8 quantization. */
const STEPS = 255;

/** Counts of |value| on one side of 0, in bins of equal width; doubling the width merges pairs of bins. */
class Side {
  readonly counts = new Float64Array(BINS);

  widen(): void {
    for (let bin = 0; bin < BINS; bin++) {
      this.counts[bin] = bin < BINS / 2 ? this.counts[2 * bin] + this.counts[2 * bin + 1] : 0;
    }
  }
}

/** Mean and standard deviation of numbers that come one after the other (Welford). */
class Moments {
  count = 0;
  mean = 0;
  private squares = 0;

  add(value: number): void {
    const difference = value - this.mean;
    this.count++;
    this.mean += difference / this.count;
    this.squares += difference * (value - this.mean);
  }

  merge(other: Moments): void {
    if (other.count === 0) {
      return;
    }
    const count = this.count + other.count;
    const difference = other.mean - this.mean;
    this.squares += other.squares + (difference * difference * this.count * other.count) / count;
    this.mean += (difference * other.count) / count;
    this.count = count;
  }

  get deviation(): number {
    return this.count < 2 ? 0 : Math.sqrt(this.squares / (this.count - 1));
  }
}

/** Of each index of the last dimension, the largest |value|; and the distribution of all values. One pass, fixed memory. */
export class TensorStatistics {
  readonly range: ValueRange = { minimum: 0, maximum: 0 };
  readonly channelMagnitudes: Float64Array;
  private readonly below = new Side();
  private readonly above = new Side();
  private count = 0;
  /** Of each sample's smallest and largest value. */
  private readonly minima = new Moments();
  private readonly maxima = new Moments();
  /** A side's bins cover 0 .. limit; a power of two, so that widening is exact. 0 until a value other than 0 came. */
  private limit = 0;

  /** @param channels extent of the last dimension */
  constructor(channels: number) {
    this.channelMagnitudes = new Float64Array(channels);
  }

  /** @returns false when a value is infinite or not a number; the statistics are useless then */
  add(values: Float32Array): boolean {
    const { channelMagnitudes, range } = this;
    const channels = channelMagnitudes.length;
    let [minimum, maximum, sum] = [0, 0, 0];
    for (let start = 0; start < values.length; start += channels) {
      for (let c = 0; c < channels; c++) {
        const value = values[start + c];
        sum += value;
        minimum = value < minimum ? value : minimum;
        maximum = value > maximum ? value : maximum;
        const magnitude = value < 0 ? -value : value;
        if (magnitude > channelMagnitudes[c]) {
          channelMagnitudes[c] = magnitude;
        }
      }
    }
    // One value that is not a number makes the sum none either.
    if (!Number.isFinite(sum)) {
      return false;
    }
    this.minima.add(minimum);
    this.maxima.add(maximum);
    range.minimum = Math.min(range.minimum, minimum);
    range.maximum = Math.max(range.maximum, maximum);
    this.coverUpTo(Math.max(maximum, -minimum));
    this.tally(values);
    return true;
  }

  /** What all have seen together; at least one. */
  static merge(all: readonly TensorStatistics[]): TensorStatistics {
    const merged = new TensorStatistics(all[0].channelMagnitudes.length);
    for (const other of all) {
      other.channelMagnitudes.forEach((magnitude, c) => {
        merged.channelMagnitudes[c] = Math.max(merged.channelMagnitudes[c], magnitude);
      });
      merged.range.minimum = Math.min(merged.range.minimum, other.range.minimum);
      merged.range.maximum = Math.max(merged.range.maximum, other.range.maximum);
      merged.minima.merge(other.minima);
      merged.maxima.merge(other.maxima);
      merged.count += other.count;
    }
    const limit = all.reduce((largest, other) => Math.max(largest, other.limit), 0);
    merged.limit = limit;
    for (const other of all) {
      const shift = other.limit === 0 ? 0 : Math.log2(limit / other.limit);
      for (let bin = 0; bin < BINS; bin++) {
        const to = Math.floor(bin / 2 ** shift);
        merged.below.counts[to] += other.below.counts[bin];
        merged.above.counts[to] += other.above.counts[bin];
      }
    }
    return merged;
  }

  /**
   * The range seen, widened to what a share of `beyond` of all samples would exceed if the largest values of samples followed
   * a Gumbel distribution with the mean and deviation seen: calibration has few samples, and those to come are others.
   */
  headroomRange(beyond: number): ValueRange {
    const { minimum, maximum } = this.range;
    // Quantile of a Gumbel distribution, in standard deviations from its mean.
    const deviations = ((-Math.log(-Math.log(1 - beyond)) - EULER) * Math.sqrt(6)) / Math.PI;
    const low = this.minima.mean - deviations * this.minima.deviation;
    const high = this.maxima.mean + deviations * this.maxima.deviation;
    return {
      minimum: Math.max(MOST_HEADROOM * minimum, Math.min(minimum, low)),
      maximum: Math.min(MOST_HEADROOM * maximum, Math.max(maximum, high)),
    };
  }

  /** The range that all but a share of `1 - share` of the values on either side lie in. */
  percentileRange(share: number): ValueRange {
    const allowed = (1 - share) * this.count;
    const end = (side: Side): number => {
      let [bin, beyond] = [BINS, 0];
      while (bin > 0 && beyond + side.counts[bin - 1] <= allowed) {
        bin--;
        beyond += side.counts[bin];
      }
      return (bin * this.limit) / BINS;
    };
    return {
      minimum: Math.max(this.range.minimum, -end(this.below)),
      maximum: Math.min(this.range.maximum, end(this.above)),
    };
  }

  /**
   * The range whose int8 quantization is expected to be least wrong: a value within it errs by a step's uniform error
   * (variance step^2 / 12; 0 is exact), one beyond it by its distance from the end.
   */
  meanSquaredErrorRange(): ValueRange {
    const { minimum, maximum } = this.range;
    const [below, above] = [this.tail(this.below), this.tail(this.above)];
    const ends = (end: number): number[] =>
      end === 0
        ? [0]
        : Array.from({ length: END_STEPS - SMALLEST_END + 1 }, (_, i) => (end * (END_STEPS - i)) / END_STEPS);
    let best = { minimum, maximum, error: Infinity };
    for (const low of ends(minimum)) {
      for (const high of ends(maximum)) {
        const [under, over] = [below(-low), above(high)];
        const inside = below(0).count + above(0).count - under.count - over.count;
        const error = (inside * ((high - low) / STEPS) ** 2) / 12 + under.error + over.error;
        if (error < best.error) {
          best = { minimum: low, maximum: high, error };
        }
      }
    }
    return { minimum: best.minimum, maximum: best.maximum };
  }

  /** Share of the values that lie beyond a range. */
  shareBeyond({ minimum, maximum }: ValueRange): number {
    return this.count === 0
      ? 0
      : (this.tail(this.below)(-minimum).count + this.tail(this.above)(maximum).count) / this.count;
  }

  private coverUpTo(magnitude: number): void {
    if (magnitude === 0) {
      return;
    }
    if (this.limit === 0) {
      this.limit = 2 ** Math.ceil(Math.log2(magnitude));
    }
    while (this.limit < magnitude) {
      this.below.widen();
      this.above.widen();
      this.limit *= 2;
    }
  }

  private tally(values: Float32Array): void {
    this.count += values.length;
    const perUnit = this.limit === 0 ? 0 : BINS / this.limit;
    const [below, above] = [this.below.counts, this.above.counts];
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value > 0) {
        const bin = (value * perUnit) | 0;
        above[bin < BINS ? bin : BINS - 1]++;
      } else if (value < 0) {
        const bin = (-value * perUnit) | 0;
        below[bin < BINS ? bin : BINS - 1]++;
      }
    }
  }

  /** From an end of the range to the count of values beyond it and the sum of their squared distances from it. */
  private tail(side: Side): (end: number) => { count: number; error: number } {
    const width = this.limit / BINS;
    const counts = new Float64Array(BINS + 1);
    const sums = new Float64Array(BINS + 1);
    const squares = new Float64Array(BINS + 1);
    for (let bin = BINS - 1; bin >= 0; bin--) {
      const value = (bin + 0.5) * width;
      counts[bin] = counts[bin + 1] + side.counts[bin];
      sums[bin] = sums[bin + 1] + side.counts[bin] * value;
      squares[bin] = squares[bin + 1] + side.counts[bin] * value * value;
    }
    return (end) => {
      const bin = width === 0 ? BINS : Math.min(BINS, Math.round(end / width));
      const error = squares[bin] - 2 * end * sums[bin] + end * end * counts[bin];
      return { count: counts[bin], error: Math.max(0, error) };
    };
  }
}
