/** The writer is the benchmark's, which makes whole models with it. */
export * from '../../tools/bench/tflite-writer.js';
