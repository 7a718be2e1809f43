/** The two harvests of the benches: one that is always the same, and one that was recorded. */
import type { PowerSource } from '../../src-main/campaign/types.js';
import { sharedFile } from './shared.js';

/** The recorded trace is of a tag a few thousand times weaker than a Pico is hungry. */
const TRACE_SCALE = 100;

/** The recorded one is bursts where the shared traces are not here. */
export function benchPowers(): { name: string; power: PowerSource }[] {
  const trace = sharedFile('traces', 'mementos_1.txt');
  return [
    { name: '5 V, 10 mA', power: { kind: 'constant', volts: 5, amps: 0.01 } },
    trace === null
      ? {
          name: '5 V, 40 mA in bursts',
          power: { kind: 'square', volts: 5, amps: 0.04, periodSeconds: 0.2, dutyShare: 0.2 },
        }
      : {
          name: `Mementos 1, current x ${TRACE_SCALE}`,
          power: { kind: 'trace', path: trace, scale: TRACE_SCALE },
        },
  ];
}
