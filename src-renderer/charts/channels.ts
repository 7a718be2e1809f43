import type { TraceName } from '../../src-main/service/manifest.js';

/** How each channel is drawn; order and colours are the same live and stored. */
export interface ChannelLook {
  name: TraceName;
  label: string;
  unit: string;
  /** CSS variable of its colour. */
  color: string;
  shape: 'line' | 'step';
  /** Share of the height of the stack. */
  weight: number;
  /** A fixed scale, for channels whose range is known. */
  fixed: readonly [number, number] | null;
}

/** In the order of LIVE_CHANNELS of the manifest. */
export const CHANNELS: readonly ChannelLook[] = [
  {
    name: 'capacitorVolts',
    label: 'Capacitor voltage',
    unit: 'V',
    color: '--trace-voltage',
    shape: 'line',
    weight: 3,
    fixed: null,
  },
  {
    name: 'loadAmps',
    label: 'Load current',
    unit: 'A',
    color: '--trace-current',
    shape: 'line',
    weight: 2,
    fixed: null,
  },
  {
    name: 'powered',
    label: 'Board powered',
    unit: '',
    color: '--trace-power',
    shape: 'step',
    weight: 0.8,
    fixed: [0, 1.15],
  },
  {
    name: 'progress',
    label: 'Progress committed',
    unit: '',
    color: '--trace-progress',
    shape: 'step',
    weight: 1.6,
    fixed: [0, 1.05],
  },
];
