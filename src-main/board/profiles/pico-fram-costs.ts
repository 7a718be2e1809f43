import type { BoardCosts } from '../planning.js';

/** Cycles on the virtual Pico, as `npm run bench -- costs` measures them (tools/bench/costs.ts). */
export const picoFramCosts: BoardCosts = {
  bootCycles: 265712,
  stepCycles: 300,
  nvmReadCyclesPerByte: 48.2,
  nvmWriteCyclesPerByte: 47.4,
  copyCyclesPerByte: 4,
  commitCycles: 22199,
  senseCycles: 500,
  cacheBytes: 14336,
  operators: {
    reference: {
      CONV_2D: {
        cyclesPerOutput: 424,
        cyclesPerWork: 9.7,
        cyclesPerUncachedWork: 17.4,
      },
      DEPTHWISE_CONV_2D: {
        cyclesPerOutput: 275,
        cyclesPerWork: 20.7,
        cyclesPerUncachedWork: 20.7,
      },
      FULLY_CONNECTED: {
        cyclesPerOutput: 0,
        cyclesPerWork: 12.9,
        cyclesPerUncachedWork: 16.8,
      },
      AVERAGE_POOL_2D: {
        cyclesPerOutput: 141,
        cyclesPerWork: 11.7,
        cyclesPerUncachedWork: 11.7,
      },
      MAX_POOL_2D: {
        cyclesPerOutput: 77.4,
        cyclesPerWork: 26.4,
        cyclesPerUncachedWork: 26.4,
      },
      ADD: {
        cyclesPerOutput: 0,
        cyclesPerWork: 326,
        cyclesPerUncachedWork: 326,
      },
      PAD: {
        cyclesPerOutput: 45.6,
        cyclesPerWork: 0,
        cyclesPerUncachedWork: 0,
      },
      MEAN: {
        cyclesPerOutput: 1470,
        cyclesPerWork: 2.7,
        cyclesPerUncachedWork: 2.7,
      },
      SOFTMAX: {
        cyclesPerOutput: 0,
        cyclesPerWork: 1700,
        cyclesPerUncachedWork: 1700,
      },
      CLAMP: {
        cyclesPerOutput: 0,
        cyclesPerWork: 122,
        cyclesPerUncachedWork: 122,
      },
    },
    fast: {
      CONV_2D: {
        cyclesPerOutput: 158,
        cyclesPerWork: 3.19,
        cyclesPerUncachedWork: 5.9,
      },
      DEPTHWISE_CONV_2D: {
        cyclesPerOutput: 288,
        cyclesPerWork: 0,
        cyclesPerUncachedWork: 0,
      },
      FULLY_CONNECTED: {
        cyclesPerOutput: 0,
        cyclesPerWork: 12.1,
        cyclesPerUncachedWork: 20.6,
      },
      AVERAGE_POOL_2D: {
        cyclesPerOutput: 141,
        cyclesPerWork: 11.7,
        cyclesPerUncachedWork: 11.7,
      },
      MAX_POOL_2D: {
        cyclesPerOutput: 77.4,
        cyclesPerWork: 26.4,
        cyclesPerUncachedWork: 26.4,
      },
      ADD: {
        cyclesPerOutput: 0,
        cyclesPerWork: 74.5,
        cyclesPerUncachedWork: 74.5,
      },
      PAD: {
        cyclesPerOutput: 45.6,
        cyclesPerWork: 0,
        cyclesPerUncachedWork: 0,
      },
      MEAN: {
        cyclesPerOutput: 1470,
        cyclesPerWork: 2.7,
        cyclesPerUncachedWork: 2.7,
      },
      SOFTMAX: {
        cyclesPerOutput: 0,
        cyclesPerWork: 1700,
        cyclesPerUncachedWork: 1700,
      },
      CLAMP: {
        cyclesPerOutput: 0,
        cyclesPerWork: 122,
        cyclesPerUncachedWork: 122,
      },
    },
  },
};
