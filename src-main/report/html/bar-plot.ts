/** Bars from zero, one per configuration, with the range of its repeats. */
import { scaleLinear } from 'd3-scale';
import { PRESENTATION } from '../columns.js';
import { characters, formatValue } from '../format.js';
import type { Bar, BarChart } from '../report.js';
import { html, Markup } from './markup.js';

const WIDTH = 520;
/** Room for the value behind the longest bar. */
const VALUE_WIDTH = 96;
const ROW_HEIGHT = 36;
const BAR_TOP = 17;
const BAR_HEIGHT = 12;
/** Characters that fit over a bar. */
const LABEL_LENGTH = 76;

const COLOURED = ['restart', 'layer', 'tile', 'loop', 'planned', 'adaptive'];

/** The style sheet's colour of a strategy; strategies it does not know are grey. */
export function strategyColour(strategy: string): Markup {
  return new Markup(`var(--${COLOURED.includes(strategy) ? strategy : 'threshold'})`);
}

export function barPlot(chart: BarChart): Markup {
  const { label } = PRESENTATION[chart.column];
  const longest = chart.bars.reduce((most, bar) => Math.max(most, bar.maximum ?? 0), 0);
  const x = scaleLinear([0, longest > 0 ? longest : 1], [0, WIDTH - VALUE_WIDTH]);
  const height = chart.bars.length * ROW_HEIGHT + 2;
  return html`<figure>
    <figcaption>
      <strong
        >${label} per ${chart.column === 'latencySeconds' ? 'inference, charging included' : 'run'}</strong
      >
    </figcaption>
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label} of each configuration">
      <path class="axis" d="M0.5,0V${height}" />
      ${chart.bars.map((bar, index) => barRow(bar, index, chart, x))}
    </svg>
  </figure>`;
}

function barRow(bar: Bar, index: number, chart: BarChart, x: (value: number) => number): Markup {
  const top = index * ROW_HEIGHT;
  const short =
    characters(bar.label).length > LABEL_LENGTH
      ? `${characters(bar.label).slice(0, LABEL_LENGTH).join('')}…`
      : bar.label;
  const end = bar.mean === null ? 0 : x(bar.mean);
  const value =
    bar.mean === null
      ? (bar.note ?? 'no value')
      : formatValue(chart.column, bar.mean) + (bar.note === null ? '' : ` (some ${bar.note})`);
  const middle = top + BAR_TOP + BAR_HEIGHT / 2;
  return html`<g
    ><title>${bar.label}: ${value}; runs ${bar.runIds.join(', ')}</title>
    <text class="strong" x="6" y="${top + 13}">${short}</text>
    <rect
      x="1"
      y="${top + BAR_TOP}"
      width="${at(end)}"
      height="${BAR_HEIGHT}"
      style="fill: ${strategyColour(bar.strategy)}"
    />
    ${range(bar, middle, x)}<text
      class="value"
      x="${at(Math.max(end, bar.maximum === null ? 0 : x(bar.maximum)) + 7)}"
      y="${middle + 4}"
      >${value}</text
    ></g
  >`;
}

function range(bar: Bar, middle: number, x: (value: number) => number): Markup | null {
  if (bar.minimum === null || bar.maximum === null || bar.minimum === bar.maximum) {
    return null;
  }
  return html`<path
    class="range"
    d="M${at(x(bar.minimum))},${middle}H${at(x(bar.maximum))}M${at(x(bar.minimum))},${middle - 4}v8M${at(x(bar.maximum))},${middle - 4}v8"
  />`;
}

function at(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}
