/** Measures the talk between board and host around an inference: result, acknowledgement, end of the run. */
import { readFileSync } from 'node:fs';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import type { IdleMix, ReportCycles } from '../../src-main/board/planning.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import type { VirtualBoard } from '../../src-main/board/virtual-board.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { emitDataset } from '../../src-main/compiler/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { GraphBuilder, seededChoices } from '../bench/random-graph.js';

/** Bytes of results. */
const SMALL = 4;
const LARGE = 1024;
const SLICE_CYCLES = 1000;
const PATIENCE_SECONDS = 10;

/** Time and charge of the board since its power-on. */
interface Instant {
  ticks: number;
  coulombs: number;
}

interface Exchange {
  orderCycles: number;
  result: IdleMix;
  acknowledge: IdleMix;
  finish: IdleMix;
}

export async function measureReports(): Promise<ReportCycles> {
  const [small, large] = [await exchange(SMALL), await exchange(LARGE)];
  const perByte = (of: keyof IdleMix): number => (large.result[of] - small.result[of]) / (LARGE - SMALL);
  const [activeCycles, sleepCycles] = [perByte('activeCycles'), perByte('sleepCycles')];
  return {
    orderCycles: Math.round(small.orderCycles),
    result: rounded({
      activeCycles: small.result.activeCycles - SMALL * activeCycles,
      sleepCycles: small.result.sleepCycles - SMALL * sleepCycles,
    }),
    resultByte: {
      activeCycles: Number(activeCycles.toFixed(2)),
      sleepCycles: Number(sleepCycles.toFixed(2)),
    },
    acknowledge: rounded(small.acknowledge),
    finish: rounded(small.finish),
  };
}

/** Two inferences of a graph whose output has so many bytes. */
async function exchange(outputBytes: number): Promise<Exchange> {
  const shape = [1, 1, 1, outputBytes];
  const builder = new GraphBuilder('reports', shape, seededChoices(5));
  builder.add({ kind: 'CLAMP', inputs: [builder.last], minimum: -10, maximum: 10 });
  const { arenaBytes: sramBytes, nvmBytes } = picoFram;
  const planned = plan(builder.build(), { strategy: 'restart', kernels: 'fast', sramBytes, nvmBytes });
  const firmware = readFileSync(resourcePath('firmware', 'prebuilt', `${picoFram.id}.bin`));
  const pico = createVirtualPico({ firmware, profile: picoFram, seed: 1 });
  const image = emit(planned, { board: picoFram.imageBoard, modelSha256: new Uint8Array(32) });
  pico.flash.set(image, picoFram.flashMap.imageOffset);
  pico.flash.set(
    emitDataset([new Int8Array(outputBytes), new Int8Array(outputBytes)]),
    picoFram.flashMap.datasetOffset,
  );
  let coulombs = 0;
  const now = (): Instant => ({ ticks: pico.simulatedSeconds * pico.clockHertz, coulombs });
  const board: VirtualBoard = {
    clockHertz: pico.clockHertz,
    flash: pico.flash,
    nvm: pico.nvm,
    powerOn: () => pico.powerOn(),
    powerOff: () => pico.powerOff(),
    receive: (bytes) => pico.receive(bytes),
    setCapacitorVolts: (volts) => pico.setCapacitorVolts(volts),
    onCommit: null,
    run(maximumCycles) {
      const slice = pico.run(Math.min(maximumCycles, SLICE_CYCLES));
      coulombs += slice.railCoulombs;
      return slice;
    },
  };
  const ends: Instant[] = [];
  const starts: Instant[] = [];
  pico.onCommit = ({ inference }) => {
    starts.push(now());
    if (inference > ends.length) {
      ends.push(now());
    }
  };
  pico.powerOn();
  const link = new BoardLink(new VirtualBoardPort(board));
  await link.identify();
  await link.run(1, 0, 2);
  const ordered = now();
  const results: Instant[] = [];
  let finished: Instant | null = null;
  while (finished === null) {
    const event = await link.nextEvent(PATIENCE_SECONDS);
    if (event === null) {
      throw new Error('the board says nothing any more');
    }
    if (event.kind === 'result') {
      results.push(now());
      await link.acknowledge(1, event.inference);
    } else if (event.kind === 'finished') {
      finished = now();
    }
  }
  const [started] = starts;
  const inference = mixBetween(started, ends[0]);
  const second = mixBetween(results[0], ends[1]);
  return {
    orderCycles: ordered.ticks - started.ticks,
    result: mixBetween(ends[1], results[1]),
    acknowledge: {
      activeCycles: second.activeCycles - inference.activeCycles,
      sleepCycles: second.sleepCycles - inference.sleepCycles,
    },
    finish: mixBetween(results[1], finished),
  };
}

/** How much of the time the core slept, from the charge; what the NVM draws is small beside it. */
function mixBetween(begin: Instant, end: Instant): IdleMix {
  const { activeAmps, sleepAmps } = picoFram.power;
  const ticks = end.ticks - begin.ticks;
  const ampTicks = (end.coulombs - begin.coulombs) * picoFram.clockHertz;
  const active = (ampTicks - ticks * sleepAmps.value) / (activeAmps.value - sleepAmps.value);
  const activeCycles = Math.min(ticks, Math.max(0, active));
  return { activeCycles, sleepCycles: ticks - activeCycles };
}

const rounded = ({ activeCycles, sleepCycles }: IdleMix): IdleMix => ({
  activeCycles: Math.max(0, Math.round(activeCycles)),
  sleepCycles: Math.max(0, Math.round(sleepCycles)),
});
