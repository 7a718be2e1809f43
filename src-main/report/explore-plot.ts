/** An exploration as a picture: four views of the same points, as SVG that stands alone. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { formatQuantity } from '../common/quantity.js';
import { html, type Markup } from './html/markup.js';

export interface ExplorePlotPoint {
  strategy: string;
  /** For the tooltip. */
  label: string;
  onFront: boolean;
  latencySeconds: number;
  energyJoules: number;
  sramBytes: number;
  nvmTrafficBytes: number;
  capacitanceFarads: number;
}

type Measure = 'latencySeconds' | 'energyJoules' | 'sramBytes' | 'nvmTrafficBytes' | 'capacitanceFarads';

const AXES: Readonly<Record<Measure, { name: string; text: (value: number) => string }>> = {
  latencySeconds: { name: 'latency', text: (value) => formatQuantity(value, 's', 2) },
  energyJoules: { name: 'energy', text: (value) => formatQuantity(value, 'J', 2) },
  sramBytes: { name: 'SRAM', text: (value) => formatQuantity(value, 'B', 2) },
  nvmTrafficBytes: { name: 'NVM traffic', text: (value) => formatQuantity(value, 'B', 2) },
  capacitanceFarads: { name: 'capacitor', text: (value) => formatQuantity(value, 'F', 2) },
};
const PANELS: readonly (readonly [x: Measure, y: Measure])[] = [
  ['latencySeconds', 'energyJoules'],
  ['capacitanceFarads', 'latencySeconds'],
  ['sramBytes', 'latencySeconds'],
  ['nvmTrafficBytes', 'energyJoules'],
];
const COLOURS: Readonly<Record<string, string>> = {
  restart: '#8a929b',
  layer: '#3b82c4',
  tile: '#2a9d6e',
  loop: '#b58a2e',
  planned: '#7a5cc2',
  adaptive: '#d1495b',
};
const WIDTH = 980;
const PANEL = { width: 490, height: 330, left: 76, right: 20, top: 34, bottom: 44 };
const HEAD = 56;

/** @returns an SVG document; filled points are on the front, and lines join the front of what a view shows */
export function explorePlot(title: string, points: readonly ExplorePlotPoint[]): string {
  const height = HEAD + 2 * PANEL.height;
  const strategies = [...new Set(points.map(({ strategy }) => strategy))];
  const picture = html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${WIDTH} ${height}"
    width="${WIDTH}"
    height="${height}"
    font-family="sans-serif"
    font-size="12"
    fill="#333"
    role="img"
    aria-label="${title}"
  >
    <rect width="${WIDTH}" height="${height}" fill="#fff" />
    <text x="16" y="22" font-weight="bold" font-size="14">${title}</text>
    ${strategies.map(
      (strategy, i) =>
        html`<circle cx="${22 + i * 96}" cy="40" r="5" fill="${colour(strategy)}" /><text
            x="${32 + i * 96}"
            y="44"
            >${strategy}</text
          >`,
    )}
    <text x="${WIDTH - 16}" y="44" text-anchor="end">
      filled: on the Pareto front of all five; line: front of the view
    </text>
    ${PANELS.map(
      (panel, i) =>
        html`<g transform="translate(${(i % 2) * PANEL.width},${HEAD + Math.floor(i / 2) * PANEL.height})"
          >${view(points, ...panel)}</g
        >`,
    )}
  </svg>`;
  return picture.source;
}

function view(points: readonly ExplorePlotPoint[], xMeasure: Measure, yMeasure: Measure): Markup {
  const x = axis(points, xMeasure, [PANEL.left, PANEL.width - PANEL.right]);
  const y = axis(points, yMeasure, [PANEL.height - PANEL.bottom, PANEL.top]);
  const [bottom, right] = [PANEL.height - PANEL.bottom, PANEL.width - PANEL.right];
  const path = line<ExplorePlotPoint>()
    .x((point) => at(x.place(point[xMeasure])))
    .y((point) => at(y.place(point[yMeasure])));
  return html`<text x="${PANEL.left}" y="${PANEL.top - 14}" font-weight="bold"
      >${AXES[yMeasure].name} over ${AXES[xMeasure].name}</text
    >
    ${y.ticks.map(
      (tick) =>
        html`<path stroke="#e4e7ea" d="M${PANEL.left},${at(y.place(tick))}H${right}" /><text
            x="${PANEL.left - 7}"
            y="${at(y.place(tick) + 4)}"
            text-anchor="end"
            >${AXES[yMeasure].text(tick)}</text
          >`,
    )}${x.ticks.map(
      (tick) =>
        html`<path stroke="#e4e7ea" d="M${at(x.place(tick))},${PANEL.top}V${bottom}" /><text
            x="${at(x.place(tick))}"
            y="${bottom + 17}"
            text-anchor="middle"
            >${AXES[xMeasure].text(tick)}</text
          >`,
    )}
    <path
      fill="none"
      stroke="#777"
      stroke-dasharray="3 3"
      d="${path(lowerLeft(points, xMeasure, yMeasure)) ?? ''}"
    />
    ${[...points.filter(({ onFront }) => !onFront), ...points.filter(({ onFront }) => onFront)].map(
      (point) =>
        html`<circle
          cx="${at(x.place(point[xMeasure]))}"
          cy="${at(y.place(point[yMeasure]))}"
          r="${point.onFront ? 5 : 3.5}"
          stroke="${colour(point.strategy)}"
          fill="${point.onFront ? colour(point.strategy) : '#fff'}"
          fill-opacity="${point.onFront ? 0.85 : 0.4}"
          ><title>${point.label}</title></circle
        >`,
    )}`;
}

/** Logarithmic, unless there is a 0 or a single value. */
function axis(points: readonly ExplorePlotPoint[], measure: Measure, range: [number, number]) {
  const values = points.map((point) => point[measure]);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (least > 0 && most > least) {
    const margin = (most / least) ** 0.06;
    const scale = scaleLog([least / margin, most * margin], range);
    const decades = Math.log10(most / least);
    const ticks = scale.ticks().filter((tick) => {
      const digit = Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9));
      return decades > 2.5 ? digit === 1 : decades > 0.9 ? [1, 2, 5].includes(digit) : true;
    });
    const shown =
      ticks.length >= 2 && ticks.length <= 9 ? ticks : scaleLinear(scale.domain(), range).ticks(4);
    return { place: scale, ticks: shown.filter((tick) => tick > 0) };
  }
  const scale = scaleLinear([0, most > 0 ? 1.1 * most : 1], range);
  return { place: scale, ticks: scale.ticks(4) };
}

/** Points that none is better than in both measures of a view, from left to right. */
function lowerLeft(points: readonly ExplorePlotPoint[], x: Measure, y: Measure): ExplorePlotPoint[] {
  let least = Infinity;
  return [...points]
    .sort((a, b) => a[x] - b[x] || a[y] - b[y])
    .filter((point) => {
      const better = point[y] < least;
      least = Math.min(least, point[y]);
      return better;
    });
}

function colour(strategy: string): string {
  return COLOURS[strategy] ?? '#555';
}

function at(value: number): number {
  return Number(value.toFixed(1));
}
