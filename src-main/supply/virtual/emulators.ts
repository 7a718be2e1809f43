import type { ElectricLoad, Instrument } from './instrument.js';
import { KoradEmulator } from './korad.js';
import { DPS5005, ModbusEmulator, RD6006 } from './modbus-emulator.js';
import { Ppk2Emulator } from './ppk2.js';
import { SCPI_DIALECTS } from './scpi-dialects.js';
import { ScpiEmulator } from './scpi-emulator.js';

export interface SupplyEmulator {
  /** The id of the driver that speaks to it. */
  id: string;
  name: string;
  create(load: ElectricLoad): Instrument;
}

/** One instrument of each kind that the bench has a driver for. */
export const SUPPLY_EMULATORS: readonly SupplyEmulator[] = [
  ...SCPI_DIALECTS.map((dialect): SupplyEmulator => ({
    id: dialect.id,
    name: dialect.identity.split(',').slice(0, 2).join(' '),
    create: (load) => new ScpiEmulator(dialect, load),
  })),
  { id: 'korad', name: 'Korad KA3005P', create: (load) => new KoradEmulator({ load }) },
  { id: 'rdtech-dps', name: 'RDTech DPS5005', create: (load) => new ModbusEmulator(DPS5005, load) },
  { id: 'riden-rd60xx', name: 'Riden RD6006', create: (load) => new ModbusEmulator(RD6006, load) },
  { id: 'ppk2', name: 'Nordic PPK2', create: (load) => new Ppk2Emulator({ load }) },
];
