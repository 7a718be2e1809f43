/** How ranges of activations are chosen from what calibration saw; `best` tries all. */
export const CALIBRATION_METHODS = ['best', 'minmax', 'percentile', 'mse'] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];
