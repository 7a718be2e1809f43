export * from '../../tools/models/mutate.js';
