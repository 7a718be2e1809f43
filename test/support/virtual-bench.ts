import { readFileSync } from 'node:fs';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import type { VirtualBoard } from '../../src-main/board/virtual-board.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { readNpz } from '../../src-main/common/npz.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { compile, emitDataset, quantizeInput } from '../../src-main/compiler/index.js';
import type { Strategy } from '../../src-main/compiler/plan.js';
import { sharedPath } from './shared.js';

/** The flash image that a real Pico gets. */
export function picoFirmware(): Uint8Array {
  return readFileSync(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));
}

/** A virtual Pico that was just given power. */
export function poweredPico(seed = 1): VirtualBoard {
  const board = createVirtualPico({ firmware: picoFirmware(), profile: picoFram, seed });
  board.powerOn();
  return board;
}

/** What to flash for the keyword model on its first samples, and the outputs that the host build gives. */
export interface FlashableModel {
  image: Uint8Array;
  dataset: Uint8Array;
  expected: Int8Array[];
}

export function keywordModel(
  strategy: Strategy,
  samples: number,
  board = picoFram.imageBoard,
): FlashableModel {
  const compiled = compile(
    readFileSync(sharedPath('models', 'kws_ds_cnn_int8.tflite')),
    'kws_ds_cnn_int8.tflite',
    {
      strategy,
      kernels: 'fast',
      boardNumber: board,
      sramBytes: picoFram.arenaBytes,
      nvmBytes: picoFram.nvmBytes,
    },
  );
  const array = readNpz(readFileSync(sharedPath('eval', 'kws_25.npz')), 'kws_25.npz').get('x');
  if (!(array?.data instanceof Int8Array)) {
    throw new Error('kws_25.npz has no int8 x');
  }
  const { data, shape } = array;
  const length = data.length / shape[0];
  const rows = Array.from({ length: samples }, (_, row) => data.slice(row * length, (row + 1) * length));
  const inputs = quantizeInput(rows, compiled.graph);
  return {
    image: compiled.image,
    dataset: emitDataset(inputs),
    expected: inferOnHost(compiled.image, inputs),
  };
}
