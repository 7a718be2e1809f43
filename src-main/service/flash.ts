/** `brownout flash`: an image onto a real board over its serial line. */
import { flashBoard } from '../board/flashers/loader.js';
import { BoardLink } from '../board/link/board-link.js';
import { boardProfile } from '../board/profiles/index.js';
import { openSerialPort } from '../board/serial-port.js';
import { readInput } from '../campaign/prepare.js';
import { InputError } from '../common/errors.js';
import { IMAGE_MAGIC } from '../compiler/4-emit/layout.js';

export interface FlashRequest {
  imagePath: string;
  /** Data set in the form of firmware/SPEC.md section 4, as `brownout compile --data` writes it. */
  datasetPath: string;
  portPath: string;
  board: string;
}

/**
 * @throws InputError for a file or port that is not there or an image for another board; RunError when flashing fails
 */
export async function flashOverSerial(
  request: FlashRequest,
  hooks: { signal: AbortSignal; onProgress: (fraction: number) => void },
): Promise<{ imageBytes: number; datasetBytes: number }> {
  const profile = boardProfile(request.board);
  const image = await readInput(request.imagePath);
  if (image.length < 4 || Buffer.from(image).readUInt32LE() !== IMAGE_MAGIC) {
    throw new InputError({
      code: 'not-an-image',
      place: request.imagePath,
      message: 'is not an image for a board',
      remedy: 'Make one with: brownout compile MODEL --out IMAGE --data SAMPLES.npz',
    });
  }
  const dataset = await readInput(request.datasetPath).catch((cause: unknown) => {
    throw new InputError({
      code: 'cannot-read',
      place: request.datasetPath,
      message: 'the data set that belongs to the image cannot be read',
      remedy: 'Write it beside the image with `brownout compile --data SAMPLES.npz`, or name it with --data',
      cause,
    });
  });
  const port = await openSerialPort(request.portPath, profile.serialBaud);
  try {
    await flashBoard(
      new BoardLink(port),
      { image, dataset },
      {
        signal: hooks.signal,
        onProgress: ({ doneBytes, totalBytes }) => {
          hooks.onProgress(doneBytes / totalBytes);
        },
      },
    );
  } finally {
    await port.close();
  }
  return { imageBytes: image.length, datasetBytes: dataset.length };
}
