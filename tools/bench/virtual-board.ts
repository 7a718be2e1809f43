/** `npm run bench -- virtual-board`: how fast the virtual Pico runs, and what a campaign gains from a second core. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { flashBoard } from '../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico, type VirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { parseCampaign } from '../../src-main/campaign/definition.js';
import { startCampaign } from '../../src-main/campaign/engine.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { compile, emitDataset } from '../../src-main/compiler/index.js';
import { KERNEL_SETS, type KernelSet } from '../../src-main/compiler/plan.js';
import { openStore } from '../../src-main/store/store.js';
import { autoencoder, mobileNetV1 } from './random-models.js';
import { sharedFile } from './shared.js';

/** The bar of the design. */
const TARGET_MIPS = 25;
/** Shorter runs say more about the just-in-time compiler than about the simulation. */
const LEAST_WALL_SECONDS = 3;
const IDLE_SIMULATED_SECONDS = 600;

export interface VirtualBoardResults {
  inference: { model: string; kernels: KernelSet; instructions: number; wallSeconds: number; mips: number }[];
  /** Waiting for the host with the core asleep. */
  sleep: { simulatedSeconds: number; wallSeconds: number };
  campaign: { jobs: number; runs: number; wallSeconds: number }[];
  cores: number;
}

export async function benchVirtualBoard(print: (line: string) => void): Promise<VirtualBoardResults> {
  const results: VirtualBoardResults = {
    inference: [],
    sleep: { simulatedSeconds: 0, wallSeconds: 0 },
    campaign: [],
    cores: availableParallelism(),
  };
  print('virtual board, continuous power        instructions     seconds    MIPS');
  const keywords = sharedFile('models', 'kws_ds_cnn_int8.tflite');
  const models: [string, Uint8Array][] = [
    ...(keywords === null ? [] : [['kws_ds_cnn', await readFile(keywords)] as [string, Uint8Array]]),
    ['vww_mobilenetv1_025_96', mobileNetV1()],
    ['ad_autoencoder', autoencoder()],
  ];
  for (const [model, bytes] of models) {
    for (const kernels of KERNEL_SETS) {
      const measured = await inferenceSpeed(bytes, kernels);
      results.inference.push({ model, kernels, ...measured });
      print(
        `  ${model.padEnd(24)} ${kernels.padEnd(10)} ${String(measured.instructions).padStart(14)} ` +
          `${measured.wallSeconds.toFixed(2).padStart(11)} ${measured.mips.toFixed(1).padStart(7)}`,
      );
    }
  }
  print(`  the design asks for ${TARGET_MIPS} MIPS`);
  results.sleep = await sleepSpeed();
  print(
    `  ${results.sleep.simulatedSeconds} s of sleep are skipped in ${results.sleep.wallSeconds.toFixed(3)} s`,
  );
  for (const jobs of [1, 2]) {
    const measured = await campaignTime(jobs);
    results.campaign.push({ jobs, ...measured });
    print(
      `  example campaign, ${measured.runs} runs, --jobs ${jobs} on ${results.cores} cores: ${measured.wallSeconds.toFixed(1)} s`,
    );
  }
  return results;
}

function poweredBoard(firmware: Uint8Array): VirtualPico {
  const board = createVirtualPico({ firmware, profile: picoFram, seed: 1 });
  board.setCapacitorVolts(picoFram.power.turnOnVolts.value);
  board.powerOn();
  return board;
}

const readFirmware = () => readFile(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));

/** Whole inferences, with their serial traffic and commits, until enough time has passed. */
async function inferenceSpeed(
  model: Uint8Array,
  kernels: KernelSet,
): Promise<{ instructions: number; wallSeconds: number; mips: number }> {
  const { image, graph } = compile(model, 'model.tflite', {
    strategy: 'layer',
    kernels,
    boardNumber: picoFram.imageBoard,
    sramBytes: picoFram.arenaBytes,
    nvmBytes: picoFram.nvmBytes,
  });
  const inputElements = graph.tensors[graph.inputs[0]].shape.reduce((product, size) => product * size, 1);
  const board = poweredBoard(await readFirmware());
  const link = new BoardLink(new VirtualBoardPort(board));
  await flashBoard(link, { image, dataset: emitDataset([new Int8Array(inputElements)]) });
  const before = board.instructions;
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1e3;
  for (let run = 1; seconds() < LEAST_WALL_SECONDS; run++) {
    await link.run(run, 0, 1);
    for (;;) {
      const event = await link.nextEvent(60);
      if (event === null) {
        throw new Error('the board did not answer');
      }
      if (event.kind === 'result') {
        await link.acknowledge(run, event.inference);
      } else if (event.kind === 'finished' && event.record.runId === run) {
        break;
      }
    }
  }
  const instructions = board.instructions - before;
  const wallSeconds = seconds();
  return { instructions, wallSeconds, mips: instructions / wallSeconds / 1e6 };
}

async function sleepSpeed(): Promise<VirtualBoardResults['sleep']> {
  const board = poweredBoard(await readFirmware());
  const begin = performance.now();
  while (board.simulatedSeconds < IDLE_SIMULATED_SECONDS) {
    board.run(board.clockHertz);
  }
  return { simulatedSeconds: IDLE_SIMULATED_SECONDS, wallSeconds: (performance.now() - begin) / 1e3 };
}

/** The example campaign into a store of its own, as `brownout run --jobs` does it. */
async function campaignTime(jobs: number): Promise<{ runs: number; wallSeconds: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'brownout-bench-'));
  const store = await openStore(join(folder, 'bench.sqlite'));
  try {
    const examples = resourcePath('dist', 'examples');
    const source = await readFile(join(examples, 'example-campaign.yaml'), 'utf8');
    const begin = performance.now();
    const started = await startCampaign(parseCampaign(source, { place: 'example', folder: examples }), {
      store,
      signal: new AbortController().signal,
      onEvent: () => undefined,
      resume: false,
      parallelRuns: jobs,
    });
    await started.done;
    return { runs: started.totalRuns, wallSeconds: (performance.now() - begin) / 1e3 };
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}
