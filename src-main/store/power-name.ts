import { basename } from 'node:path';
import type { PowerSource } from '../campaign/types.js';
import { formatQuantity } from '../common/quantity.js';

/** What a power source is called in lists, labels and filters. */
export function powerName(power: PowerSource): string {
  switch (power.kind) {
    case 'continuous':
      return 'continuous';
    case 'constant':
      return `${formatQuantity(power.volts, 'V')} ${formatQuantity(power.amps, 'A')}`;
    case 'square': {
      const wave = `${formatQuantity(power.periodSeconds, 's')} ${Number((power.dutyShare * 100).toPrecision(3))} %`;
      return `${formatQuantity(power.volts, 'V')} ${formatQuantity(power.amps, 'A')} square ${wave}`;
    }
    case 'generated':
      return `${formatQuantity(power.volts, 'V')} ${formatQuantity(power.amps, 'A')} ${power.shape} ${formatQuantity(power.durationSeconds, 's')} seed ${power.seed}`;
    case 'trace':
      return basename(power.path) + (power.scale === 1 ? '' : ` x ${power.scale}`);
  }
}
