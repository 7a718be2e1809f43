export * from '../../tools/models/model-families.js';
