/**
 * How long the compiler takes, from the bytes of a model to the bytes of an image: processor time, which is the time on the wall where
 * nobody else computes, and does not depend on whether somebody does.
 */
import { readFileSync } from 'node:fs';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { planningPower } from '../../src-main/board/planning.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { quantize } from '../../src-main/compiler/2-quantize/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { STRATEGIES, type Strategy } from '../../src-main/compiler/plan.js';
import { hundredMillionMacs, mobileNetV1 } from './random-models.js';
import { sharedFile } from './shared.js';

interface Subject {
  name: string;
  bytes: Uint8Array;
  /** Bar of the whole way. */
  limitSeconds: number | null;
}

const PHASES = ['import', 'quantize', 'plan', 'emit'] as const;

export interface CompileTime {
  model: string;
  strategy: Strategy;
  macs: number;
  /** Of the first compilation in this process, and of the fastest. */
  firstSeconds: number;
  bestSeconds: number;
  /** Of the fastest, by phase. */
  phases: Record<(typeof PHASES)[number], number>;
  limitSeconds: number | null;
}

const REPETITIONS = 3;
const CAPACITOR = { capacitanceFarads: 10e-3, turnOnVolts: 3.3, brownOutVolts: 2 };

function subjects(): Subject[] {
  const shared = (name: string, limitSeconds: number): Subject[] => {
    const path = sharedFile('models', `${name}.tflite`);
    return path === null ? [] : [{ name, bytes: readFileSync(path), limitSeconds }];
  };
  return [
    ...shared('ic_resnet8_int8', 1),
    ...shared('kws_ds_cnn_int8', 0.5),
    { name: 'MobileNetV1 0.25', bytes: mobileNetV1(), limitSeconds: null },
    { name: '100 million MACs', bytes: hundredMillionMacs(), limitSeconds: 5 },
  ];
}

/** `npm run bench -- compile`. */
export function benchCompile(print: (line: string) => void): CompileTime[] {
  print(
    `Compile for the Pico, fast kernels, 10 mF, 3.3 V to 2.0 V; processor seconds of the first and the fastest of ${REPETITIONS} in one process`,
  );
  print(
    `${'model'.padEnd(18)}${'strategy'.padEnd(10)}${'MACs'.padStart(13)}${'first'.padStart(8)}${'best'.padStart(8)}  ` +
      `${PHASES.map((phase) => phase.padStart(9)).join('')}   bar`,
  );
  return subjects().flatMap(({ name, bytes, limitSeconds }) =>
    STRATEGIES.map((strategy) => {
      const { first, best, phases, macs } = measure(bytes, name, strategy);
      const result: CompileTime = {
        model: name,
        strategy,
        macs,
        firstSeconds: first,
        bestSeconds: best,
        phases,
        limitSeconds,
      };
      const bar = limitSeconds === null ? '' : `${limitSeconds} ${first < limitSeconds ? 'kept' : 'MISSED'}`;
      print(
        `${name.padEnd(18)}${strategy.padEnd(10)}${macs.toLocaleString('en').padStart(13)}` +
          `${first.toFixed(3).padStart(8)}${best.toFixed(3).padStart(8)}  ` +
          `${PHASES.map((phase) => phases[phase].toFixed(3).padStart(9)).join('')}   ${bar}`,
      );
      return result;
    }),
  );
}

function measure(bytes: Uint8Array, name: string, strategy: Strategy) {
  let [first, best, macs] = [0, Infinity, 0];
  let phases = { import: 0, quantize: 0, plan: 0, emit: 0 };
  const power = planningPower(CAPACITOR, picoFram);
  for (let run = 0; run < REPETITIONS; run++) {
    const marks = [processorSeconds()];
    const mark = (): void => {
      marks.push(processorSeconds());
    };
    const graph = importModel(bytes, `${name}.tflite`);
    mark();
    const int8 = quantize(graph, []).graph;
    mark();
    const planned = plan(int8, {
      strategy,
      kernels: 'fast',
      sramBytes: 208 << 10,
      nvmBytes: 512 << 10,
      power,
    });
    mark();
    emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
    mark();
    const seconds = marks.slice(1).map((at, i) => at - marks[i]);
    const total = seconds.reduce((sum, value) => sum + value, 0);
    first = run === 0 ? total : first;
    if (total < best) {
      best = total;
      phases = { import: seconds[0], quantize: seconds[1], plan: seconds[2], emit: seconds[3] };
    }
    macs = planned.macs;
  }
  return { first, best, phases, macs };
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
