import type { SupplyIdentity } from '../driver.js';
import { supplyProfile } from '../profiles/index.js';

/** What a virtual supply pretends to be. */
export interface VirtualSupplyModel {
  id: string;
  identity: SupplyIdentity;
  maximumVolts: number;
  maximumAmps: number;
  voltsResolution: number;
  ampsResolution: number;
  /** From the arrival of a command to its effect or reply. */
  commandSeconds: number;
}

const ownProfile = supplyProfile('virtual-scpi');

export const VIRTUAL_SUPPLY_MODELS: Readonly<Record<'bench' | 'n5767a', VirtualSupplyModel>> = {
  bench: {
    id: 'bench',
    identity: { manufacturer: 'Brownout Bench', model: 'VIRTUAL-SCPI', serial: '0', firmware: '1.0' },
    maximumVolts: ownProfile.limits.maximumVolts,
    maximumAmps: ownProfile.limits.maximumAmps,
    voltsResolution: ownProfile.limits.voltsResolution,
    ampsResolution: ownProfile.limits.ampsResolution,
    commandSeconds: ownProfile.commandSeconds,
  },
  /**
   * Answers like a Keysight N5767A (60 V, 25 A), so that programs which only talk to instruments they know, such as
   * sigrok-cli, can be used against it. Ranges and resolution: libsigrok's table of that model.
   */
  n5767a: {
    id: 'n5767a',
    identity: {
      manufacturer: 'Agilent Technologies',
      model: 'N5767A',
      serial: 'VIRTUAL',
      firmware: 'BROWNOUT-BENCH',
    },
    maximumVolts: 60,
    maximumAmps: 25,
    voltsResolution: 0.0072,
    ampsResolution: 0.003,
    commandSeconds: 0.001,
  },
};
