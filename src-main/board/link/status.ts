import { RunError } from '../../common/errors.js';
import { CommandType } from './messages.js';

/** What the STATUS codes of firmware/SPEC.md section 6 mean to a person. */

interface Refusal {
  message(detail: number): string;
  remedy: string;
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;

const COMPILE_AGAIN = 'Compile the model again for this board and flash the new image.';
const FLASH_AGAIN = 'Flash the board again; if that fails too, check cable and supply voltage.';

const REFUSALS: Readonly<Record<number, Refusal | undefined>> = {
  1: {
    message: (detail) => `the board does not know command ${hex(detail)}`,
    remedy: 'Its firmware is older than this bench: load firmware/prebuilt onto the board.',
  },
  2: {
    message: (detail) => `the board refused a command of ${detail} payload bytes`,
    remedy: 'Its firmware speaks another protocol: load firmware/prebuilt onto the board.',
  },
  3: {
    message: (detail) =>
      `the board refused flash offset ${hex(detail)}: outside its image and data set regions`,
    remedy: 'Use an image and data set that fit the board profile, or load firmware/prebuilt onto the board.',
  },
  4: {
    message: (detail) => `flash at ${hex(detail)} did not take what was written`,
    remedy: 'Power the board from a steady 5 V while flashing; if it stays so, the flash chip is worn out.',
  },
  5: {
    message: (detail) => `the board has no image (found ${hex(detail)} where it begins)`,
    remedy: 'Flash an image first.',
  },
  6: {
    message: (detail) => `the board refused the image: format version ${detail}`,
    remedy: 'Compile the model again with this version of the bench, or update the firmware of the board.',
  },
  7: {
    message: (detail) => `the image on the board is damaged (checksum is ${hex(detail)})`,
    remedy: FLASH_AGAIN,
  },
  8: {
    message: (detail) => `the board refused the image: it was made for another board (${hex(detail)})`,
    remedy: 'Compile the model with the profile of this board.',
  },
  9: {
    message: (detail) => `the board refused the image: it needs ${detail} bytes of SRAM for activations`,
    remedy: 'Compile with a smaller --sram.',
  },
  10: {
    message: (detail) => `the board refused the image: it needs ${detail} bytes of NVM`,
    remedy: 'Compile with another strategy, or use a board with a larger FRAM.',
  },
  11: {
    message: (detail) => `the board refused the image: the field at offset ${detail} is wrong`,
    remedy: COMPILE_AGAIN,
  },
  12: {
    message: (detail) => `the board has no valid data set (found ${hex(detail)})`,
    remedy: 'Flash image and data set again.',
  },
  13: {
    message: (detail) => `the run asks for samples up to ${detail}, more than the data set on the board has`,
    remedy: 'Ask for fewer inferences, or flash a data set with more samples.',
  },
  14: {
    message: (detail) => `the board is busy (state ${detail})`,
    remedy: 'Stop the run on the board first.',
  },
  15: {
    message: (detail) => `the board refused the image: it does not know kernel set ${detail}`,
    remedy: 'Update the firmware of the board, or compile with --kernels reference.',
  },
};

export const STATUS_OK = 0;

/** The error for a STATUS other than OK. `place` is the port it came from. */
export function refusalError(place: string, command: number, code: number, detail: number): RunError {
  const refusal = REFUSALS[code];
  return new RunError({
    code: `board-status-${code}`,
    place,
    message: `${refusal?.message(detail) ?? `the board answered with unknown status ${code} (${hex(detail)})`} [${commandName(command)}]`,
    remedy: refusal?.remedy ?? 'Its firmware is newer than this bench: update the bench.',
  });
}

export function commandName(type: number): string {
  const entry = Object.entries(CommandType).find(([, value]) => value === type);
  return entry ? entry[0].toUpperCase() : hex(type);
}
