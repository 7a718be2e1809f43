import type { BoardCosts } from '../planning.js';

/** Cycles on the virtual Pico, as `npm run bench -- costs` measures them (tools/bench/costs.ts). */
export const picoFramCosts: BoardCosts = {
  bootCycles: 232848,
  stepCycles: 300,
  nvmReadCyclesPerByte: 48.3,
  nvmWriteCyclesPerByte: 46.8,
  copyCyclesPerByte: 4,
  commitCycles: 21213,
  senseCycles: 500,
  cacheBytes: 14336,
  operators: {
    reference: {
      CONV_2D: {
        cyclesPerOutput: 426,
        cyclesPerWork: 9.29,
        cyclesPerUncachedWork: 17.3,
      },
      DEPTHWISE_CONV_2D: {
        cyclesPerOutput: 275,
        cyclesPerWork: 20.8,
        cyclesPerUncachedWork: 20.8,
      },
      FULLY_CONNECTED: {
        cyclesPerOutput: 0,
        cyclesPerWork: 12,
        cyclesPerUncachedWork: 17.6,
      },
      AVERAGE_POOL_2D: {
        cyclesPerOutput: 141,
        cyclesPerWork: 11.7,
        cyclesPerUncachedWork: 11.7,
      },
      MAX_POOL_2D: {
        cyclesPerOutput: 77.8,
        cyclesPerWork: 26.3,
        cyclesPerUncachedWork: 26.3,
      },
      ADD: {
        cyclesPerOutput: 0,
        cyclesPerWork: 326,
        cyclesPerUncachedWork: 326,
      },
      PAD: {
        cyclesPerOutput: 41.7,
        cyclesPerWork: 0,
        cyclesPerUncachedWork: 0,
      },
      MEAN: {
        cyclesPerOutput: 1340,
        cyclesPerWork: 3.32,
        cyclesPerUncachedWork: 3.32,
      },
      SOFTMAX: {
        cyclesPerOutput: 0,
        cyclesPerWork: 1710,
        cyclesPerUncachedWork: 1710,
      },
      CLAMP: {
        cyclesPerOutput: 0,
        cyclesPerWork: 122,
        cyclesPerUncachedWork: 122,
      },
    },
    fast: {
      CONV_2D: {
        cyclesPerOutput: 170,
        cyclesPerWork: 3.25,
        cyclesPerUncachedWork: 6.17,
      },
      DEPTHWISE_CONV_2D: {
        cyclesPerOutput: 275,
        cyclesPerWork: 20.8,
        cyclesPerUncachedWork: 20.8,
      },
      FULLY_CONNECTED: {
        cyclesPerOutput: 0,
        cyclesPerWork: 12,
        cyclesPerUncachedWork: 17.6,
      },
      AVERAGE_POOL_2D: {
        cyclesPerOutput: 141,
        cyclesPerWork: 11.7,
        cyclesPerUncachedWork: 11.7,
      },
      MAX_POOL_2D: {
        cyclesPerOutput: 77.8,
        cyclesPerWork: 26.3,
        cyclesPerUncachedWork: 26.3,
      },
      ADD: {
        cyclesPerOutput: 0,
        cyclesPerWork: 326,
        cyclesPerUncachedWork: 326,
      },
      PAD: {
        cyclesPerOutput: 41.7,
        cyclesPerWork: 0,
        cyclesPerUncachedWork: 0,
      },
      MEAN: {
        cyclesPerOutput: 1340,
        cyclesPerWork: 3.32,
        cyclesPerUncachedWork: 3.32,
      },
      SOFTMAX: {
        cyclesPerOutput: 0,
        cyclesPerWork: 1710,
        cyclesPerUncachedWork: 1710,
      },
      CLAMP: {
        cyclesPerOutput: 0,
        cyclesPerWork: 122,
        cyclesPerUncachedWork: 122,
      },
    },
  },
};
