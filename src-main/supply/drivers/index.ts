import { InputError } from '../../common/errors.js';
import { didYouMean } from '../../common/nearest.js';
import type { Port } from '../../common/port.js';
import type { BenchSupply, SupplyIdentity } from '../driver.js';
import type { SupplyProfile } from '../profiles/index.js';
import type { ModbusCommands } from './modbus/commands.js';
import { ModbusWire } from './modbus/modbus-wire.js';
import { Ppk2Wire } from './ppk2/ppk2-wire.js';
import { SupervisedSupply } from './supervised-supply.js';
import { KEITHLEY_2280S_COMMANDS, KEITHLEY_2450_COMMANDS } from './tables/keithley.js';
import {
  KEYSIGHT_E36300_COMMANDS,
  KEYSIGHT_E36XXA_COMMANDS,
  KEYSIGHT_N6700_COMMANDS,
} from './tables/keysight.js';
import { KORAD_COMMANDS } from './tables/korad.js';
import { RDTECH_DPS_COMMANDS, RIDEN_COMMANDS } from './tables/rdtech.js';
import { RIGOL_DP800_COMMANDS } from './tables/rigol-dp800.js';
import { RS_HMP_COMMANDS } from './tables/rs-hmp.js';
import { SCPI_COMMANDS } from './tables/scpi.js';
import { SIGLENT_SPD_COMMANDS } from './tables/siglent-spd.js';
import type { TextCommands } from './text/commands.js';
import { TextWire } from './text/text-wire.js';
import type { SupplyWire, WireOptions } from './wire.js';

export interface SupplyDriverKind {
  id: string;
  /** As it is called in a sentence: `a Rigol DP800`. */
  name: string;
  wire(port: Port, options: WireOptions): SupplyWire;
}

const TEXT_TABLES: readonly TextCommands[] = [
  SCPI_COMMANDS,
  RIGOL_DP800_COMMANDS,
  KEYSIGHT_E36XXA_COMMANDS,
  KEYSIGHT_E36300_COMMANDS,
  KEYSIGHT_N6700_COMMANDS,
  RS_HMP_COMMANDS,
  SIGLENT_SPD_COMMANDS,
  KEITHLEY_2280S_COMMANDS,
  KEITHLEY_2450_COMMANDS,
  KORAD_COMMANDS,
];

const MODBUS_TABLES: readonly ModbusCommands[] = [RDTECH_DPS_COMMANDS, RIDEN_COMMANDS];

export const SUPPLY_DRIVERS: readonly SupplyDriverKind[] = [
  ...TEXT_TABLES.map((table): SupplyDriverKind => ({
    id: table.id,
    name: table.name,
    wire: (port, options) => new TextWire(port, table, options),
  })),
  ...MODBUS_TABLES.map((table): SupplyDriverKind => ({
    id: table.id,
    name: table.name,
    wire: (port, options) => new ModbusWire(port, table, options),
  })),
  {
    id: 'ppk2',
    name: 'a Nordic PPK2 as source meter',
    wire: (port, options) => new Ppk2Wire(port, 'source-meter', options),
  },
  {
    id: 'ppk2-ampere-meter',
    name: 'a Nordic PPK2 as ampere meter',
    wire: (port, options) => new Ppk2Wire(port, 'ampere-meter', options),
  },
];

/** The driver made for an instrument that has told its name in SCPI; null for a stranger. */
export function recognizeIdentity({ manufacturer, model }: SupplyIdentity): string | null {
  const called = `${manufacturer} ${model}`;
  const scpi = TEXT_TABLES.filter(({ framing }) => framing === 'line');
  return scpi.find(({ identify }) => identify.expects?.test(called) === true)?.id ?? null;
}

/** @throws InputError `unknown-supply-driver` naming the nearest one */
export function supplyDriver(id: string, place = 'supply driver'): SupplyDriverKind {
  const found = SUPPLY_DRIVERS.find((kind) => kind.id === id);
  if (found === undefined) {
    const ids = SUPPLY_DRIVERS.map((kind) => kind.id);
    throw new InputError({
      code: 'unknown-supply-driver',
      place,
      message: `there is no supply driver "${id}"`,
      remedy: `${didYouMean(id, ids)}Known are ${ids.join(', ')}`,
    });
  }
  return found;
}

/** The driver that a profile asks for, on a port, within `limits` (by default the profile's own). */
export function openSupply(port: Port, profile: SupplyProfile, limits = profile.limits): BenchSupply {
  const options: WireOptions = { limits, replySeconds: profile.replySeconds, listLimits: profile.list };
  return new SupervisedSupply(supplyDriver(profile.driver, profile.id).wire(port, options), options);
}
