import type { Harvest } from '../harvest.js';

export interface HarvestStatistics {
  /** Mean of voltage times current limit: the most that the source could give on average. */
  meanWatts: number;
  peakWatts: number;
  maximumVolts: number;
  maximumAmps: number;
  /** Share of the time in which the power is above the threshold. */
  onShare: number;
  /** Longest time without, the repetition included; Infinity when there is never any. */
  longestGapSeconds: number;
  /** Shortest step: what a supply must follow. */
  shortestStepSeconds: number;
}

/** @param onWatts power that counts as harvest; by default one hundredth of the peak */
export function harvestStatistics(harvest: Harvest, onWatts?: number): HarvestStatistics {
  const pieces = harvest.steps.map((step, index) => {
    const end =
      index + 1 < harvest.steps.length ? harvest.steps[index + 1].startSeconds : harvest.durationSeconds;
    return { ...step, watts: step.volts * step.amps, seconds: end - step.startSeconds };
  });
  const peakWatts = pieces.reduce((peak, piece) => Math.max(peak, piece.watts), 0);
  const threshold = onWatts ?? peakWatts / 100;
  const isOn = (watts: number): boolean => watts > threshold;
  let joules = 0;
  let onSeconds = 0;
  let gap = 0;
  let longestGap = 0;
  // Twice around, so that a gap across the repetition is seen whole.
  for (const { watts, seconds } of [...pieces, ...pieces]) {
    joules += watts * seconds;
    if (isOn(watts)) {
      onSeconds += seconds;
      gap = 0;
    } else {
      gap += seconds;
      longestGap = Math.max(longestGap, gap);
    }
  }
  return {
    meanWatts: joules / 2 / harvest.durationSeconds,
    peakWatts,
    maximumVolts: pieces.reduce((most, { volts }) => Math.max(most, volts), 0),
    maximumAmps: pieces.reduce((most, { amps }) => Math.max(most, amps), 0),
    onShare: onSeconds / 2 / harvest.durationSeconds,
    longestGapSeconds: onSeconds === 0 ? Infinity : longestGap,
    shortestStepSeconds: pieces.reduce((least, { seconds }) => Math.min(least, seconds), Infinity),
  };
}

export interface HarvestBin {
  minimumWatts: number;
  meanWatts: number;
  maximumWatts: number;
}

/** Power over `count` equal parts of one repetition, for previews: least, mean and most of each. */
export function harvestBins(harvest: Harvest, count: number): HarvestBin[] {
  const width = harvest.durationSeconds / count;
  const bins = Array.from({ length: count }, () => ({ minimumWatts: Infinity, joules: 0, maximumWatts: 0 }));
  harvest.steps.forEach(({ startSeconds, volts, amps }, index) => {
    const end =
      index + 1 < harvest.steps.length ? harvest.steps[index + 1].startSeconds : harvest.durationSeconds;
    const watts = volts * amps;
    const last = Math.min(count - 1, Math.ceil(end / width) - 1);
    for (let bin = Math.min(count - 1, Math.floor(startSeconds / width)); bin <= last; bin++) {
      const seconds = Math.min(end, (bin + 1) * width) - Math.max(startSeconds, bin * width);
      if (seconds > 0) {
        bins[bin].minimumWatts = Math.min(bins[bin].minimumWatts, watts);
        bins[bin].maximumWatts = Math.max(bins[bin].maximumWatts, watts);
        bins[bin].joules += watts * seconds;
      }
    }
  });
  return bins.map(({ minimumWatts, joules, maximumWatts }) => ({
    minimumWatts: Number.isFinite(minimumWatts) ? minimumWatts : 0,
    meanWatts: joules / width,
    maximumWatts,
  }));
}
