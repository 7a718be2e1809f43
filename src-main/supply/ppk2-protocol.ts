/** What Nordic's Power Profiler Kit 2 says and understands: single-byte commands, a text of metadata, 4-byte samples. */

export const PPK2 = {
  noOperation: 0x00,
  averageStart: 0x06,
  averageStop: 0x07,
  powerSet: 0x0c,
  regulatorSet: 0x0d,
  modeSet: 0x11,
  getMetadata: 0x19,
} as const;

export const PPK2_MODE = { ampereMeter: 1, sourceMeter: 2 } as const;
export const PPK2_SAMPLES_PER_SECOND = 100_000;
export const PPK2_MINIMUM_VOLTS = 0.8;
export const PPK2_MAXIMUM_VOLTS = 5;
/** Counter values before it begins again; a loss of a multiple of them cannot be seen. */
export const PPK2_COUNTER = 64;
export const PPK2_RANGES = 5;

/** One number per measuring range; names as in the metadata. */
export interface Ppk2Calibration {
  r: number[];
  gs: number[];
  gi: number[];
  o: number[];
  s: number[];
  i: number[];
  ug: number[];
}

/** What an uncalibrated kit works with. Source: NordicSemiconductor/pc-nrfconnect-ppk. */
export function defaultCalibration(): Ppk2Calibration {
  const all = (value: number) => Array.from({ length: PPK2_RANGES }, () => value);
  return {
    r: [1031.64, 101.65, 10.15, 0.94, 0.043],
    gs: all(1),
    gi: all(1),
    o: all(0),
    s: all(0),
    i: all(0),
    ug: all(1),
  };
}

/** Amperes of a converter value (14 bits, times four) in a range, at a supply voltage. */
export function ppk2Amps(calibration: Ppk2Calibration, range: number, adc: number, volts: number): number {
  const { r, gs, gi, o, s, i, ug } = calibration;
  // 1.8 V reference; 163840 = gain and full scale of the converter.
  const raw = ((adc - o[range]) * (1.8 / 163_840)) / r[range];
  return ug[range] * (raw * (gs[range] * raw + gi[range]) + (s[range] * volts + i[range]));
}
