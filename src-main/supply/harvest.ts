/**
 * A harvest as the bench plays it: piecewise-constant steps of a voltage source with a current limit, which is what both
 * a supply and the virtual rail can follow. Times count from the start of the harvest; after the last step it starts
 * again from the first (period = durationSeconds).
 */
export interface HarvestStep {
  startSeconds: number;
  /** Open-circuit voltage; the capacitor never charges beyond it. */
  volts: number;
  /** Most current it can give. */
  amps: number;
}

export interface Harvest {
  name: string;
  /** At least one; the first starts at 0, starts increase strictly, the last is before durationSeconds. */
  steps: HarvestStep[];
  durationSeconds: number;
  /** What was assumed or left out on the way from a file to these steps, in sentences for the run's log. */
  notes?: string[];
}
