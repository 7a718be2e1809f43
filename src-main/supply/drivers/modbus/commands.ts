/** What the registers of one model count. */
export interface ModbusScale {
  model: string;
  /** Registers per volt and per ampere. */
  perVolt: number;
  perAmp: number;
}

/** Register table of a supply that speaks Modbus RTU. Registers are 16 bits wide. */
export interface ModbusCommands {
  id: string;
  name: string;
  manufacturer: string;
  /** Slave address. */
  address: number;
  /** Silence between frames: at least 3.5 characters, more where the instrument needs it. */
  gapSeconds: number;
  /** A request is sent this often until it is answered as it should be; every request can be repeated without harm. */
  attempts: number;
  /** First register and count of the identity; `scale` finds the model in it, null for a stranger. */
  identity: {
    register: number;
    count: number;
    serial: ((registers: readonly number[]) => string) | null;
    firmware: (registers: readonly number[]) => string;
    scale: (registers: readonly number[]) => ModbusScale | null;
  };
  setVolts: number;
  setAmps: number;
  /** Measured voltage; current stands in the next register. */
  measured: number;
  output: number;
  /** 0 is none; others by name. */
  protection: { register: number; names: Readonly<Record<number, string>> };
  /** 1: constant current. */
  regulation: number;
  overVolts: number;
  overAmps: number;
}
