import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { planningPower } from '../../src-main/board/planning.js';
import { InputError } from '../../src-main/common/errors.js';
import { compile, type CompileOptions } from '../../src-main/compiler/index.js';
import { writeTflite } from '../bench/tflite-writer.js';
import { mobileNetV1 } from '../bench/random-models.js';
import { invertedResiduals } from '../models/model-families.js';
import { writeOnnx, type OnnxNodeSpec, type OnnxSpec } from '../models/onnx-writer.js';
import { everyOperator } from '../models/tflite-samples.js';

/** Where the gallery lies, from the root of the checkout. */
export const GALLERY_FILE = ['docs', 'compile-errors.md'];

interface Exhibit {
  title: string;
  /** What was wrong with the input, for the reader. */
  cause: string;
  fileName: string;
  bytes: () => Uint8Array;
  options?: Partial<CompileOptions>;
}

const OPTIONS: CompileOptions = {
  strategy: 'tile',
  kernels: 'fast',
  boardNumber: 0,
  sramBytes: 208 << 10,
  nvmBytes: 512 << 10,
};

const relu = (inputs: string[], output: string, operator = 'Relu', domain?: string): OnnxNodeSpec => ({
  operator,
  inputs,
  output,
  ...(domain === undefined ? {} : { domain }),
});

function chain(nodes: OnnxNodeSpec[], shape: (number | string)[]): OnnxSpec {
  return {
    opset: 17,
    nodes,
    initializers: {},
    inputs: { input: shape },
    outputs: [nodes[nodes.length - 1].output],
  };
}

/** Bytes of a .tflite with something changed before it was written. */
function altered(change: (spec: ReturnType<typeof everyOperator>) => void): Uint8Array {
  const spec = everyOperator('int8');
  change(spec);
  return writeTflite(spec);
}

const EXHIBITS: readonly Exhibit[] = [
  {
    title: 'Not a model',
    cause: 'A text file.',
    fileName: 'labels.txt',
    bytes: () => new TextEncoder().encode('silence\nunknown\nyes\nno\n'),
  },
  {
    title: 'A download that was cut off',
    cause: 'The first half of a .tflite file.',
    fileName: 'resnet8.tflite',
    bytes: () => {
      const bytes = writeTflite(everyOperator('int8'));
      return bytes.subarray(0, bytes.length >> 1);
    },
  },
  {
    title: 'Operators that the bench does not know',
    cause: 'Three nodes that it has no kernel for. All of them are named at once.',
    fileName: 'speech.onnx',
    bytes: () =>
      writeOnnx(
        chain(
          [
            relu(['input'], 'gates', 'LSTM'),
            relu(['gates'], 'active'),
            relu(['active'], 'attended', 'Attention', 'com.microsoft'),
            relu(['attended'], 'gates2', 'LSTM'),
          ],
          [1, 40],
        ),
      ),
  },
  {
    title: 'Nodes in a circle',
    cause: 'Two nodes that read each other.',
    fileName: 'circle.onnx',
    bytes: () => writeOnnx(chain([relu(['b'], 'a'), relu(['a'], 'b')], [1, 8])),
  },
  {
    title: 'A shape of gigabytes',
    cause: 'Two numbers of a file changed by somebody who wishes us ill.',
    fileName: 'bomb.tflite',
    bytes: () =>
      altered(({ tensors }) => {
        tensors[1].shape = [1, 65_536, 65_536, 3];
      }),
  },
  {
    title: 'Quantized by TensorFlow 1',
    cause: 'uint8 weights with a zero point of their own.',
    fileName: 'mobilenet_v1_quant.tflite',
    bytes: () =>
      altered(({ tensors }) => {
        for (const tensor of tensors) {
          if (tensor.type === 'int8' && (tensor.data === undefined || tensor.name.startsWith('w'))) {
            tensor.type = 'uint8';
          }
          if (tensor.type === 'uint8' && tensor.data !== undefined && tensor.quantization !== undefined) {
            tensor.quantization.zeroPoints = tensor.quantization.zeroPoints.map(() => 121);
          }
        }
      }),
  },
  {
    title: 'An input of any size',
    cause: 'Exported with dynamic axes.',
    fileName: 'detector.onnx',
    bytes: () => writeOnnx(chain([relu(['input'], 'output')], ['batch', 3, 'height', 'width'])),
  },
  {
    title: 'A float model and nothing to calibrate it with',
    cause: '`brownout compile mcunet.onnx` without `--calibration`.',
    fileName: 'mcunet.onnx',
    bytes: () => writeOnnx(invertedResiduals()),
  },
  {
    title: 'Too little SRAM',
    cause: 'MobileNetV1 for 96 x 96 pixels, with `--sram 2048`.',
    fileName: 'vww.tflite',
    bytes: mobileNetV1,
    options: { sramBytes: 2048 },
  },
  {
    title: 'A capacitor that is too small',
    cause: 'The same model with `--capacitance 25u --von 3.3 --voff 2.0`.',
    fileName: 'vww.tflite',
    bytes: mobileNetV1,
    options: {
      strategy: 'planned',
      power: planningPower({ capacitanceFarads: 25e-6, turnOnVolts: 3.3, brownOutVolts: 2 }, picoFram),
    },
  },
];

/** The gallery as Markdown. @throws Error when an input that should be refused is not */
export function compileErrorGallery(): string {
  const entries = EXHIBITS.map(({ title, cause, fileName, bytes, options }, index) => {
    const { code, place, reason, remedy } = errorOf(fileName, bytes(), { ...OPTIONS, ...options });
    return [
      `## ${index + 1}. ${title}`,
      '',
      cause,
      '',
      '```',
      `code:    ${code}`,
      ...wrapped('place:   ', place),
      ...wrapped('problem: ', reason),
      ...wrapped('remedy:  ', remedy),
      '```',
      '',
    ].join('\n');
  });
  return [
    '# What the compiler says to bad input',
    '',
    'Every error has a code that never changes, the place, what is wrong there with the value found, and what to do. The command line',
    'ends with status 2, prints it in one line, and with `--json` as an object; nothing has been written then. This page is written by',
    '`node dist/tools/compile-errors.js` from the compiler itself, and a test compares the two.',
    '',
    ...entries,
  ].join('\n');
}

function errorOf(fileName: string, bytes: Uint8Array, options: CompileOptions): InputError {
  try {
    compile(bytes, fileName, options);
  } catch (error) {
    if (error instanceof InputError) {
      return error;
    }
    throw error;
  }
  throw new Error(`${fileName} compiles, but has its place among the errors`);
}

const LINE = 110;

/** Words in lines behind a label. */
function wrapped(label: string, text: string): string[] {
  const lines = [label];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    const separator = last === label || last.trim() === '' ? '' : ' ';
    if (last.length + word.length + 1 > LINE && last.trim() !== '') {
      lines.push(' '.repeat(label.length) + word);
    } else {
      lines[lines.length - 1] = last + separator + word;
    }
  }
  return lines;
}
