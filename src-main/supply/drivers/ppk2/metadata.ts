import { defaultCalibration, PPK2_RANGES, type Ppk2Calibration } from '../../ppk2-protocol.js';

export interface Ppk2Metadata {
  calibrated: boolean;
  calibration: Ppk2Calibration;
  /** Source voltage that it is set to. */
  volts: number | null;
  mode: number | null;
  hardware: string;
}

/**
 * Reads the answer to GetMetadata: lines `Key: value`, closed by END. A part that was lost would leave a coefficient at its
 * default and shift every current a little, so that a text without all keys is no metadata.
 *
 * @returns null when it is not whole
 */
export function parseMetadata(text: string): Ppk2Metadata | null {
  const end = text.indexOf('END');
  if (end < 0) {
    return null;
  }
  const values = new Map<string, string>();
  for (const line of text.slice(0, end).split('\n')) {
    const match = /^\s*(\w+):\s*(\S+)\s*$/.exec(line);
    if (match) values.set(match[1], match[2]);
  }
  const number = (key: string): number | null => {
    const value = values.get(key);
    // Printed by C for a coefficient that was never written.
    return value === undefined || /nan/i.test(value) || !Number.isFinite(Number(value))
      ? null
      : Number(value);
  };
  const calibration = defaultCalibration();
  const columns: [keyof Ppk2Calibration, string][] = [
    ['r', 'R'],
    ['gs', 'GS'],
    ['gi', 'GI'],
    ['o', 'O'],
    ['s', 'S'],
    ['i', 'I'],
    ['ug', 'UG'],
  ];
  for (const [column, name] of columns) {
    for (let range = 0; range < PPK2_RANGES; range++) {
      if (!values.has(`${name}${range}`)) return null;
      calibration[column][range] = number(`${name}${range}`) ?? calibration[column][range];
    }
  }
  const millivolts = number('VDD');
  if (!values.has('Calibrated') || !values.has('HW')) {
    return null;
  }
  return {
    calibrated: number('Calibrated') === 1,
    calibration,
    volts: millivolts === null ? null : millivolts / 1000,
    mode: number('mode'),
    hardware: values.get('HW') ?? '',
  };
}
