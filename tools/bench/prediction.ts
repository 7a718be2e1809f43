/** `npm run bench -- prediction`: what runs were expected to measure, and what they measured. */
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { executeRun } from '../../src-main/campaign/run.js';
import type { PowerSource, RunConfig } from '../../src-main/campaign/types.js';
import { InputError } from '../../src-main/common/errors.js';
import { STRATEGIES, type Strategy } from '../../src-main/compiler/plan.js';
import { sharedFile } from './shared.js';

const CAPACITANCES = [100e-6, 1e-3, 10e-3];
/** The recorded trace is of a tag a few thousand times weaker than a Pico is hungry. */
const TRACE_SCALE = 100;

interface PredictionRow {
  model: string;
  power: string;
  capacitanceFarads: number;
  strategy: Strategy;
  status: string;
  powerCycles: [predicted: number, measured: number] | null;
  latencyShare: number | null;
  energyShare: number | null;
}

export async function benchPrediction(print: (line: string) => void): Promise<PredictionRow[]> {
  const rows: PredictionRow[] = [];
  const models = [
    ['kws_ds_cnn_int8.tflite', 'kws_25.npz'],
    ['ic_resnet8_int8.tflite', 'ic_25.npz'],
  ] as const;
  const trace = sharedFile('traces', 'mementos_1.txt');
  const powers: [string, PowerSource][] = [
    ['5 V, 10 mA', { kind: 'constant', volts: 5, amps: 0.01 }],
    ...(trace === null
      ? []
      : [
          [`Mementos 1 x ${TRACE_SCALE}`, { kind: 'trace', path: trace, scale: TRACE_SCALE }] as [
            string,
            PowerSource,
          ],
        ]),
  ];
  print('model            power              C      strategy   power cycles   latency   energy');
  for (const [model, data] of models) {
    const [modelPath, dataPath] = [sharedFile('models', model), sharedFile('eval', data)];
    if (modelPath === null || dataPath === null) {
      continue;
    }
    for (const [power, source] of powers) {
      for (const capacitanceFarads of CAPACITANCES) {
        for (const strategy of STRATEGIES) {
          const row = await compare({ modelPath, dataPath, strategy, capacitanceFarads, power: source });
          rows.push({ model, power, capacitanceFarads, strategy, ...row });
          const percent = (share: number | null): string =>
            share === null ? '' : `${(100 * share).toFixed(2)} %`;
          print(
            `${model.slice(0, 15).padEnd(16)} ${power.padEnd(18)} ${String(1e3 * capacitanceFarads).padEnd(4)} mF ` +
              `${strategy.padEnd(10)} ${row.powerCycles?.join(' / ') ?? row.status}   ${percent(row.latencyShare)}   ${percent(row.energyShare)}`,
          );
        }
      }
    }
  }
  const compared = rows.flatMap(({ powerCycles }) => (powerCycles === null ? [] : [powerCycles]));
  const within = (most: number): number =>
    compared.filter(([predicted, measured]) => Math.abs(predicted - measured) <= most).length;
  print(
    `power cycles as predicted in ${within(0)}, within one in ${within(1)} of ${compared.length} finished runs`,
  );
  return rows;
}

async function compare(
  cell: Pick<RunConfig, 'modelPath' | 'dataPath' | 'strategy' | 'capacitanceFarads' | 'power'>,
): Promise<Pick<PredictionRow, 'status' | 'powerCycles' | 'latencyShare' | 'energyShare'>> {
  const nothing = { powerCycles: null, latencyShare: null, energyShare: null };
  try {
    const { status, measures, predicted } = await executeRun(
      {
        ...cell,
        calibrationPath: null,
        kernels: 'fast',
        board: picoFram.id,
        turnOnVolts: picoFram.power.turnOnVolts.value,
        brownOutVolts: picoFram.power.brownOutVolts.value,
        firstSample: 0,
        sampleCount: 1,
        seed: 1,
        stop: { powerCyclesWithoutProgress: 5, maximumSeconds: 3600 },
      },
      { signal: new AbortController().signal, onEvent: () => undefined, campaignSha256: null },
    );
    if (status !== 'finished' || predicted === null || measures.latencySeconds === null) {
      return { status: predicted === null ? 'not predicted' : status, ...nothing };
    }
    return {
      status,
      powerCycles: [predicted.powerCycles, measures.powerCycles],
      latencyShare: (predicted.latencySeconds ?? 0) / measures.latencySeconds - 1,
      energyShare: predicted.energyJoules / measures.energyJoules - 1,
    };
  } catch (error) {
    if (error instanceof InputError) {
      return { status: error.code, ...nothing };
    }
    throw error;
  }
}
