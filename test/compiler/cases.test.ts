import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { plan, printPlan } from '../../src-main/compiler/3-plan/index.js';
import type { Graph } from '../../src-main/compiler/graph.js';
import { STRATEGIES } from '../../src-main/compiler/plan.js';
import { inferWithOracle } from '../support/int8-oracle.js';
import { tightPower } from '../support/planning-power.js';
import { GraphBuilder, randomSample, seededChoices, type OperatorDraft } from '../support/random-graph.js';

/** One folder per case: graph.json, and beside it the plan of each strategy as it is expected to be. */
const CASES = resourcePath('test', 'compiler', 'cases');

interface CaseFile {
  input: number[];
  operators: {
    name: string;
    reads: string[];
    weights?: number[];
    /** Of a RESHAPE. */
    shape?: number[];
    operator: Omit<OperatorDraft, 'inputs'>;
  }[];
}

function readGraph(name: string): Graph {
  const { input, operators } = JSON.parse(readFileSync(`${CASES}/${name}/graph.json`, 'utf8')) as CaseFile;
  const builder = new GraphBuilder(name, input, seededChoices(1));
  const known = new Map([['input', builder.last]]);
  for (const { name: output, reads, weights, shape, operator } of operators) {
    const inputs = reads.map((read) => known.get(read) ?? assert.fail(`${name}: nothing is called ${read}`));
    if (weights !== undefined) {
      const axis = operator.kind === 'DEPTHWISE_CONV_2D' ? 3 : 0;
      const taps = weights.reduce((product, extent) => product * extent, 1) / weights[axis];
      inputs.push(...builder.weights(weights, weights[axis], axis, taps));
    }
    const { quantization } = builder.tensors[inputs[0]];
    const keeps = ['MAX_POOL_2D', 'AVERAGE_POOL_2D', 'PAD', 'RESHAPE'].includes(operator.kind);
    const id = builder.add(
      { ...operator, inputs } as OperatorDraft,
      keeps ? quantization : null,
      shape ?? null,
    );
    builder.rename(output);
    known.set(output, id);
  }
  return builder.build();
}

for (const name of readdirSync(CASES)) {
  for (const strategy of STRATEGIES) {
    test(`case ${name}: plan of strategy ${strategy}`, () => {
      const graph = readGraph(name);
      const planned = plan(graph, {
        strategy,
        kernels: 'reference',
        sramBytes: 64 << 10,
        nvmBytes: 64 << 10,
        tileUnits: strategy === 'tile' ? 4 : undefined,
        power: tightPower(graph),
      });
      const text = printPlan(planned);
      const snapshot = `${CASES}/${name}/plan.${strategy}.txt`;
      if (process.env.UPDATE_SNAPSHOTS === '1' || !existsSync(snapshot)) {
        assert(process.env.CI === undefined, `${snapshot} is missing`);
        writeFileSync(snapshot, text);
      }
      assert.equal(text, readFileSync(snapshot, 'utf8'));

      const sample = randomSample(graph, seededChoices(2));
      const image = emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
      assert.deepEqual(inferOnHost(image, [sample]), [inferWithOracle(graph, sample)]);
    });
  }
}
