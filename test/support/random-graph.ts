export * from '../../tools/bench/random-graph.js';
