import type { ModbusCommands, ModbusScale } from '../modbus/commands.js';

/**
 * RDTech DPS and DPH. Facts: libsigrok rdtech-dps. The model register holds 5005 for a DPS5005; the two with 15 and 20 A
 * count current in hundredths. The levels of its protections belong to preset 0, which is what is being played.
 */
export const RDTECH_DPS_COMMANDS: ModbusCommands = {
  id: 'rdtech-dps',
  name: 'an RDTech DPS or DPH',
  manufacturer: 'RDTech',
  address: 1,
  gapSeconds: 0.02,
  attempts: 3,
  identity: {
    register: 0x0b,
    count: 2,
    serial: null,
    firmware: ([, version]) => (version / 10).toFixed(1),
    scale: ([model]) =>
      /^[35][0-9]\d\d$/.test(String(model))
        ? { model: `DPS${model}`, perVolt: 100, perAmp: model === 5015 || model === 5020 ? 100 : 1000 }
        : null,
  },
  setVolts: 0x00,
  setAmps: 0x01,
  measured: 0x02,
  output: 0x09,
  protection: { register: 0x07, names: { 1: 'OVP', 2: 'OCP', 3: 'OPP' } },
  regulation: 0x08,
  overVolts: 0x52,
  overAmps: 0x53,
};

/** Model numbers of the Riden family with what their registers count. Facts: ShayBox/Riden. */
function ridenScale(id: number): ModbusScale | null {
  if (id >= 60060 && id <= 60064) return { model: 'RD6006', perVolt: 100, perAmp: 1000 };
  if (id === 60065) return { model: 'RD6006P', perVolt: 1000, perAmp: 10_000 };
  if (id >= 60120 && id <= 60129) return { model: 'RD6012', perVolt: 100, perAmp: 100 };
  if (id >= 60180 && id <= 60189) return { model: 'RD6018', perVolt: 100, perAmp: 100 };
  return null;
}

/**
 * Riden RD60xx. Facts: ShayBox/Riden register map. Registers 55 to 62 (calibration) and 256 (boot loader) are never
 * written: they are not in this table.
 */
export const RIDEN_COMMANDS: ModbusCommands = {
  id: 'riden-rd60xx',
  name: 'a Riden RD60xx',
  manufacturer: 'Riden',
  address: 1,
  gapSeconds: 0.01,
  attempts: 3,
  identity: {
    register: 0,
    count: 4,
    serial: ([, high, low]) => String(high * 65_536 + low).padStart(8, '0'),
    firmware: ([, , , version]) => (version / 100).toFixed(2),
    scale: ([id]) => ridenScale(id),
  },
  setVolts: 8,
  setAmps: 9,
  measured: 10,
  output: 18,
  protection: { register: 16, names: { 1: 'OVP', 2: 'OCP' } },
  regulation: 17,
  overVolts: 82,
  overAmps: 83,
};
