import type { LayerReport } from './layer-report.js';
import type { QuantizationReport, QuantizationTrial } from './quantize.js';

const ratio = (decibels: number): string => (Number.isFinite(decibels) ? decibels.toFixed(1) : '-');
const real = (value: number): string => String(Number(value.toPrecision(4)));

/** One line that says how a model was quantized. */
export function summarizeQuantization({ alreadyQuantized, chosen }: QuantizationReport): string {
  if (alreadyQuantized) {
    return 'the model came as int8';
  }
  return chosen === null ? 'as the model says' : describeTrial(chosen);
}

function describeTrial({ ranges, equalization, biasCorrection, logitsSqnr }: QuantizationTrial): string {
  const steps = [
    `ranges ${ranges}`,
    ...(equalization === 'none' ? [] : [`equalized (${equalization})`]),
    ...(biasCorrection ? ['bias corrected'] : []),
  ];
  return `${steps.join(', ')}: ${ratio(logitsSqnr)} dB at the logits`;
}

/** The report as lines of text, with a table of the layers if there is one. */
export function printQuantization(report: QuantizationReport): string[] {
  const { alreadyQuantized, chosen, trials, layers } = report;
  if (alreadyQuantized || chosen === null) {
    return [
      `quantization: ${summarizeQuantization(report)}; scales and zero points are the model's`,
      '',
      ...table(
        ['tensor', 'range', 'scale', 'zero point'],
        report.activations.map(({ name, minimum, maximum, scale, zeroPoint }) => [
          name,
          `${real(minimum)} .. ${real(maximum)}`,
          real(scale),
          String(zeroPoint),
        ]),
      ),
    ];
  }
  return [
    `calibrated with ${report.calibrationSamples} samples, judged by ${report.judgedSamples} of them; weights ${report.granularity}, ` +
      `${report.equalizedPairs} pairs of operators equalized`,
    ...trials.map((trial) => `${trial === chosen ? '->' : '  '} ${describeTrial(trial)}`),
    ...(layers === null ? [] : ['', ...layerTable(layers)]),
  ];
}

function layerTable(layers: readonly LayerReport[]): string[] {
  const worst = layers.reduce((worse, layer) => (layer.logitsSqnr < worse.logitsSqnr ? layer : worse));
  return [
    'Signal to quantization noise in dB; 6 dB are one bit. alone: this layer int8, fed with float values. cumulative: everything',
    'before it int8, too. logits: of the logits, if only this layer were int8; the lowest costs the most (marked *).',
    '',
    ...table(
      [
        '',
        'layer',
        'output',
        'seen',
        'kept',
        'clipped',
        'scale',
        'zero',
        'weights',
        'alone',
        'cumulative',
        'logits',
        'name',
      ],
      layers.map((layer) => [
        layer === worst ? '*' : '',
        layer.kind,
        layer.shape.join('x'),
        `${real(layer.seen.minimum)} .. ${real(layer.seen.maximum)}`,
        `${real(layer.kept.minimum)} .. ${real(layer.kept.maximum)}`,
        layer.clipped === 0 ? '-' : `${(100 * layer.clipped).toPrecision(2)} %`,
        real(layer.scale),
        String(layer.zeroPoint),
        layer.weights === null ? '-' : ratio(layer.weights.sqnr),
        ratio(layer.aloneSqnr),
        ratio(layer.cumulativeSqnr),
        ratio(layer.logitsSqnr),
        layer.name.length > 40 ? `${layer.name.slice(0, 39)}…` : layer.name,
      ]),
    ),
  ];
}

/** Columns as wide as their widest cell. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, c) => Math.max(heading.length, ...rows.map((row) => row[c].length)));
  return [headings, ...rows].map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c]))
      .join('  ')
      .trimEnd(),
  );
}
