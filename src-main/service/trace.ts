/** `brownout trace`: a harvest looked at before it is played: read or made, cut, scaled, converted, described, drawn. */
import { GENERATED_SHAPES, type GeneratedShape } from '../campaign/types.js';
import { writeWhole } from '../common/write-whole.js';
import { harvestPlot } from '../report/harvest-plot.js';
import type { Harvest } from '../supply/harvest.js';
import { parseColumnMapping } from '../supply/traces/csv-columns.js';
import { downsample } from '../supply/traces/downsample.js';
import { repeatHarvest, scaleHarvest, trimHarvest } from '../supply/traces/edit.js';
import { GENERATORS } from '../supply/traces/generated.js';
import { loadHarvest, type TraceFormat } from '../supply/traces/load-harvest.js';
import { formatPlainCsv } from '../supply/traces/plain-csv.js';
import {
  harvestBins,
  harvestStatistics,
  type HarvestBin,
  type HarvestStatistics,
} from '../supply/traces/statistics.js';
import { MAXIMUM_TRACE_SAMPLES } from '../supply/traces/trace-text.js';

export { GENERATED_SHAPES };

export interface TraceRequest {
  source:
    | { kind: 'file'; path: string; format: TraceFormat | null; columns: string | null }
    | {
        kind: 'generated';
        shape: GeneratedShape;
        volts: number;
        amps: number;
        durationSeconds: number;
        seed: number;
      };
  /** Part of it that is kept; null for all. */
  trim: { fromSeconds: number; toSeconds: number } | null;
  /** Factor on the current. */
  scale: number;
  /** Played so many times in a row. */
  repeat: number;
  /** Steps shorter than this are merged; null leaves them. */
  stepSeconds: number | null;
  /** Written as plain CSV, and drawn as SVG; null for not. */
  csvPath: string | null;
  plotPath: string | null;
}

export interface TraceDescription {
  name: string;
  durationSeconds: number;
  steps: number;
  statistics: HarvestStatistics;
  /** Root mean square of what merging changed in the power, as a share of the mean; 0 where nothing was merged. */
  mergedPowerShare: number;
  notes: string[];
  /** Power over equal parts of the time, for a preview. */
  bins: HarvestBin[];
}

const PREVIEW_BINS = 72;
const PLOT_BINS = 800;

/** @throws InputError for a file that is no trace, a mapping that cannot be read, or a part that is not there */
export async function examineTrace(request: TraceRequest): Promise<TraceDescription> {
  let harvest = await harvestOf(request);
  if (request.trim) {
    harvest = trimHarvest(harvest, request.trim.fromSeconds, request.trim.toSeconds);
  }
  harvest = scaleHarvest(harvest, request.scale);
  if (request.repeat > 1) {
    harvest = repeatHarvest(harvest, request.repeat, MAXIMUM_TRACE_SAMPLES);
  }
  let mergedPowerShare = 0;
  if (request.stepSeconds !== null) {
    const merged = downsample(harvest, request.stepSeconds);
    harvest = merged.harvest;
    mergedPowerShare = merged.error.powerShare;
  }
  if (request.csvPath !== null) {
    await writeWhole(request.csvPath, formatPlainCsv(harvest));
  }
  if (request.plotPath !== null) {
    await writeWhole(request.plotPath, harvestPlot({ ...harvest, bins: harvestBins(harvest, PLOT_BINS) }));
  }
  return {
    name: harvest.name,
    durationSeconds: harvest.durationSeconds,
    steps: harvest.steps.length,
    statistics: harvestStatistics(harvest),
    mergedPowerShare,
    notes: harvest.notes ?? [],
    bins: harvestBins(harvest, PREVIEW_BINS),
  };
}

async function harvestOf({ source, stepSeconds }: TraceRequest): Promise<Harvest> {
  if (source.kind === 'generated') {
    return GENERATORS[source.shape](source);
  }
  return loadHarvest(source.path, {
    format: source.format ?? undefined,
    columns: source.columns === null ? undefined : parseColumnMapping(source.columns),
    binSeconds: stepSeconds ?? undefined,
  });
}
