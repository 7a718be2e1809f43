export * from '../../tools/models/random-onnx.js';
