export * from '../../tools/models/random.js';
