/** The capacitor over a run: voltage with its thresholds, when the board was powered, and progress below. */
import { scaleLinear, type ScaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import type { PowerCycle, TraceChannel } from '../../campaign/types.js';
import { formatQuantity } from '../../common/quantity.js';
import { commonScale } from '../format.js';
import { html, type Markup } from './markup.js';

const WIDTH = 1060;
const LEFT = 44;
const RIGHT = 118;
const TOP = 10;
const VOLTS_HEIGHT = 220;
const GAP = 16;
const PROGRESS_HEIGHT = 46;
const BOTTOM = 34;
const HEIGHT = TOP + VOLTS_HEIGHT + GAP + PROGRESS_HEIGHT + BOTTOM;

export interface VoltagePlotData {
  /** What it shows, for readers who cannot see it. */
  label: string;
  traces: readonly TraceChannel[];
  powerCycles: readonly PowerCycle[];
  turnOnVolts: number;
  brownOutVolts: number;
  totalSeconds: number | null;
}

/** @returns null when there is no trace of the capacitor's voltage */
export function voltagePlot(data: VoltagePlotData): Markup | null {
  const volts = data.traces.find((trace) => trace.channel === 'capacitorVolts');
  const progress = data.traces.find((trace) => trace.channel === 'progress');
  if (volts === undefined || volts.times.length === 0) {
    return null;
  }
  const endSeconds = Math.max(data.totalSeconds ?? 0, volts.times[volts.times.length - 1]);
  const x = scaleLinear([0, endSeconds > 0 ? endSeconds : 1], [LEFT, WIDTH - RIGHT]);
  const highest = volts.maxima.reduce((a, b) => Math.max(a, b), data.turnOnVolts);
  const lowest = volts.minima.reduce((a, b) => Math.min(a, b), data.brownOutVolts);
  const margin = (highest - lowest) * 0.06 || 0.1;
  // The axis begins at 0 V only when the capacitor nearly did: what matters lies between the thresholds.
  const bottom = lowest < highest / 4 ? Math.min(0, lowest) : lowest - margin;
  const y = scaleLinear([bottom, highest + margin], [TOP + VOLTS_HEIGHT, TOP]);
  const bottomOfAll = TOP + VOLTS_HEIGHT + GAP + PROGRESS_HEIGHT;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${data.label}">
    ${voltsAxis(y)} ${poweredWindows(data.powerCycles, x, endSeconds)} ${band(volts, x, y)}
    ${thresholdLine('turn-on', data.turnOnVolts, y)} ${thresholdLine('brown-out', data.brownOutVolts, y)}
    ${progress === undefined ? null : progressPanel(progress, x)} ${timeAxis(x, bottomOfAll)}
  </svg>`;
}

function voltsAxis(y: ScaleLinear<number, number>): Markup {
  const ticks = y.ticks(6);
  const digits = y.tickFormat(6);
  return html`${ticks.map(
      (tick) =>
        html`<path class="grid" d="M${LEFT},${at(y(tick))}H${WIDTH - RIGHT}" /><text
            x="${LEFT - 7}"
            y="${at(y(tick) + 4)}"
            text-anchor="end"
            >${digits(tick)}</text
          >`,
    )}<text x="${LEFT - 7}" y="${TOP + 2}" text-anchor="end" class="strong">V</text>`;
}

function timeAxis(x: ScaleLinear<number, number>, yPosition: number): Markup {
  const ticks = x.ticks(10);
  const unit = commonScale(ticks);
  // Multiples of 1, 2 or 5 times a power of ten have a short decimal form once rounding noise is gone.
  const digits = (tick: number) => String(Number((tick / unit.factor).toPrecision(10)));
  return html`<path class="axis" d="M${LEFT},${yPosition}H${WIDTH - RIGHT}" />${ticks.map(
      (tick) =>
        html`<path class="axis" d="M${at(x(tick))},${yPosition}v4" /><text
            x="${at(x(tick))}"
            y="${yPosition + 17}"
            text-anchor="middle"
            >${digits(tick)}</text
          >`,
    )}<text x="${WIDTH - RIGHT + 22}" y="${yPosition + 17}" class="strong">time (${unit.prefix}s)</text>`;
}

/** One path for all windows: a run may have thousands. */
function poweredWindows(
  cycles: readonly PowerCycle[],
  x: ScaleLinear<number, number>,
  endSeconds: number,
): Markup | null {
  if (cycles.length === 0) {
    return null;
  }
  const windows = cycles.map(({ onSeconds, offSeconds }) => {
    const from = x(onSeconds);
    const to = Math.max(from + 0.5, x(offSeconds ?? endSeconds));
    return `M${at(from)},${TOP}H${at(to)}V${TOP + VOLTS_HEIGHT}H${at(from)}Z`;
  });
  return html`<path class="powered" d="${windows.join('')}" />`;
}

function band(volts: TraceChannel, x: ScaleLinear<number, number>, y: ScaleLinear<number, number>): Markup {
  const points = Array.from(volts.times, (_, index) => index);
  const xOf = (index: number) => at(x(volts.times[index]));
  const shape = area<number>()
    .x(xOf)
    .y0((index) => at(y(volts.minima[index])))
    .y1((index) => at(y(volts.maxima[index])));
  // Up and down within every bucket: where a bucket spans several power cycles it shows as a filled stretch.
  const corners = points.flatMap((index) => [
    [xOf(index), at(y(volts.maxima[index]))] as const,
    [xOf(index), at(y(volts.minima[index]))] as const,
  ]);
  const curve = line<readonly [number, number]>()
    .x((corner) => corner[0])
    .y((corner) => corner[1]);
  return html`<path class="band" d="${shape(points) ?? ''}" /><path
      class="trace"
      d="${curve(corners) ?? ''}"
    />`;
}

function thresholdLine(name: string, volts: number, y: ScaleLinear<number, number>): Markup {
  return html`<path class="threshold" d="M${LEFT},${at(y(volts))}H${WIDTH - RIGHT}" /><text
      x="${WIDTH - RIGHT + 8}"
      y="${at(y(volts) + 4)}"
      >${name} ${formatQuantity(volts, 'V')}</text
    >`;
}

function progressPanel(progress: TraceChannel, x: ScaleLinear<number, number>): Markup {
  const top = TOP + VOLTS_HEIGHT + GAP;
  const y = scaleLinear([0, 1], [top + PROGRESS_HEIGHT, top]);
  const curve = line<number>()
    .x((index) => at(x(progress.times[index])))
    .y((index) => at(y(progress.maxima[index])));
  const points = Array.from(progress.times, (_, index) => index);
  return html`<path class="grid" d="M${LEFT},${top}H${WIDTH - RIGHT}" /><text
      x="${LEFT - 7}"
      y="${top + 4}"
      text-anchor="end"
      >100 %</text
    ><text x="${LEFT - 7}" y="${top + PROGRESS_HEIGHT + 1}" text-anchor="end">0</text
    ><path class="progress" d="${curve(points) ?? ''}" /><text
      x="${WIDTH - RIGHT + 8}"
      y="${top + PROGRESS_HEIGHT / 2 + 4}"
      >progress</text
    >`;
}

/** A tenth of a pixel is enough, and keeps the file small. */
function at(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}
