/** A harvest as a picture: the power that it offers over time, as SVG that stands alone. */
import { scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import { commonScale } from './format.js';
import { html, type Markup } from './html/markup.js';

const WIDTH = 900;
const HEIGHT = 260;
const LEFT = 60;
const RIGHT = 16;
const TOP = 28;
const BOTTOM = 40;

/** Power over equal parts of the time; what `harvestBins` gives. */
export interface HarvestPlotData {
  name: string;
  durationSeconds: number;
  bins: readonly { minimumWatts: number; meanWatts: number; maximumWatts: number }[];
}

/** @returns an SVG document: band from least to most power of each part, line of the mean */
export function harvestPlot({ name, durationSeconds, bins }: HarvestPlotData): string {
  const peak = bins.reduce((most, { maximumWatts }) => Math.max(most, maximumWatts), 0);
  const x = scaleLinear([0, durationSeconds], [LEFT, WIDTH - RIGHT]);
  const y = scaleLinear([0, peak > 0 ? peak : 1], [HEIGHT - BOTTOM, TOP]).nice(5);
  const middle = (index: number) => x(((index + 0.5) * durationSeconds) / bins.length);
  const band = area<(typeof bins)[number]>()
    .x((_, index) => middle(index))
    .y0(({ minimumWatts }) => y(minimumWatts))
    .y1(({ maximumWatts }) => y(maximumWatts));
  const mean = line<(typeof bins)[number]>()
    .x((_, index) => middle(index))
    .y(({ meanWatts }) => y(meanWatts));
  const powers = y.ticks(5);
  const times = x.ticks(10);
  const watts = commonScale(powers);
  const seconds = commonScale(times);
  const short = (value: number) => String(Number(value.toPrecision(10)));
  const horizontal = powers.map(
    (tick) =>
      html`<path stroke="#ddd" d="M${LEFT},${at(y(tick))}H${WIDTH - RIGHT}" /><text
          x="${LEFT - 6}"
          y="${at(y(tick) + 4)}"
          text-anchor="end"
          >${short(tick / watts.factor)}</text
        >`,
  );
  const vertical = times.map(
    (tick) =>
      html`<text x="${at(x(tick))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle"
        >${short(tick / seconds.factor)}</text
      >`,
  );
  const picture: Markup = html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    width="${WIDTH}"
    height="${HEIGHT}"
    font-family="sans-serif"
    font-size="12"
    fill="#333"
    role="img"
    aria-label="Power of the harvest ${name} over time"
  >
    <rect width="${WIDTH}" height="${HEIGHT}" fill="#fff" />
    <text x="${LEFT}" y="18" font-weight="bold">${name}</text>
    ${horizontal}${vertical}
    <path fill="#f3c98b" d="${band([...bins]) ?? ''}" />
    <path fill="none" stroke="#b35c00" stroke-width="1.2" d="${mean([...bins]) ?? ''}" />
    <text x="${LEFT - 6}" y="${TOP - 12}" text-anchor="end" font-weight="bold">${watts.prefix}W</text>
    <text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end" font-weight="bold">
      time (${seconds.prefix}s)
    </text>
  </svg>`;
  return picture.source;
}

const at = (value: number) => Number(value.toFixed(2));
