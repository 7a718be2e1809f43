/** `npm run bench -- host`: inferences a second of the host build, on one core and on all. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { inferOnAllCores } from '../../src-main/board/host/infer-parallel.js';
import { compile } from '../../src-main/compiler/index.js';
import { elementCount } from '../../src-main/compiler/graph.js';
import { KERNEL_SETS, type KernelSet } from '../../src-main/compiler/plan.js';
import { sharedFile } from './shared.js';

const MODELS = ['ic_resnet8_int8', 'kws_ds_cnn_int8', 'micro_speech_int8', 'hello_world_int8'];
const SECONDS = 1.5;

interface HostResult {
  model: string;
  kernels: KernelSet;
  oneCore: number;
  allCores: number;
  cores: number;
  /** Whether all cores gave the bits of one. */
  equal: boolean;
}

export async function benchHost(print: (line: string) => void): Promise<HostResult[]> {
  const cores = availableParallelism();
  const results: HostResult[] = [];
  print(`inferences a second on the host, strategy restart; ${cores} cores`);
  print('model               kernels      one core     all cores   same bits');
  for (const model of MODELS) {
    const path = sharedFile('models', `${model}.tflite`);
    if (path === null) {
      print(`${model}: the folder shared is not here`);
      continue;
    }
    for (const kernels of KERNEL_SETS) {
      const { image, graph } = compile(readFileSync(path), path, {
        strategy: 'restart',
        kernels,
        boardNumber: 0,
        sramBytes: 1 << 20,
        nvmBytes: 1 << 20,
      });
      const length = elementCount(graph.tensors[graph.inputs[0]].shape);
      const sample = (seed: number) =>
        Int8Array.from({ length }, (_, i) => ((i * 7919 + seed * 104729) % 251) - 125);
      inferOnHost(image, [sample(0)]);
      const one = Math.max(1e-5, timed(() => inferOnHost(image, [1, 2, 3, 4].map(sample))) / 4);
      const count = Math.min(20_000, Math.max(32, Math.round(SECONDS / one)));
      const samples = Array.from({ length: count }, (_, i) => sample(i));
      const start = performance.now();
      const expected = inferOnHost(image, samples);
      const middle = performance.now();
      // As many samples per core as the one core had, so that starting threads weighs the same.
      const many = Array.from({ length: cores }, () => samples).flat();
      const outputs = await inferOnAllCores(image, many);
      const end = performance.now();
      const result = {
        model,
        kernels,
        oneCore: (1000 * count) / (middle - start),
        allCores: (1000 * many.length) / (end - middle),
        cores,
        equal: outputs.every((output, i) => Buffer.from(output).equals(Buffer.from(expected[i % count]))),
      };
      results.push(result);
      print(
        `${model.padEnd(19)} ${kernels.padEnd(10)} ${result.oneCore.toFixed(0).padStart(10)} ` +
          `${result.allCores.toFixed(0).padStart(13)} ${(result.equal ? 'yes' : 'NO').padStart(11)}`,
      );
    }
  }
  return results;
}

/** Seconds. */
function timed(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
