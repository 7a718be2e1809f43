export * from '../../tools/models/onnx-writer.js';
