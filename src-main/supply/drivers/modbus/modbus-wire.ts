import { InputError, RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import type {
  ProtectionOutcome,
  SupplyIdentity,
  SupplyProtection,
  SupplyReading,
  SupplyState,
} from '../../driver.js';
import type { SetPoint } from '../set-point.js';
import type { SupplyWire, WireOptions } from '../wire.js';
import type { ModbusCommands, ModbusScale } from './commands.js';
import { ModbusPort } from './modbus-port.js';

/**
 * Interprets a register table. Frames have a CRC and writes are echoed, so that a damaged one is never carried out; set
 * points are read back all the same, since an instrument may clip them.
 */
export class ModbusWire implements SupplyWire {
  readonly identifiesFirst = true;
  readonly #commands: ModbusCommands;
  readonly #port: ModbusPort;
  #scale: ModbusScale | null = null;

  constructor(port: Port, commands: ModbusCommands, options: WireOptions) {
    this.#commands = commands;
    this.#port = new ModbusPort(port, { ...commands, replySeconds: options.replySeconds });
  }

  get place(): string {
    return this.#port.name;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async identify(): Promise<SupplyIdentity> {
    const { identity, manufacturer, name } = this.#commands;
    const registers = await this.#port.read(identity.register, identity.count);
    this.#scale = identity.scale(registers);
    if (this.#scale === null) {
      throw new RunError({
        code: 'supply-identity',
        place: this.place,
        message: `its model number is ${registers[0]}, which is not ${name} that the bench knows`,
        remedy: 'Nothing was switched on. Choose the port of the supply, or the driver of this instrument',
      });
    }
    return {
      manufacturer,
      model: this.#scale.model,
      serial: identity.serial?.(registers) ?? '',
      firmware: identity.firmware(registers),
    };
  }

  async set(point: SetPoint, ampsFirst: boolean): Promise<void> {
    const { perVolt, perAmp } = await this.#known();
    const { setVolts, setAmps } = this.#commands;
    const writes: [register: number, value: number][] = [
      [setVolts, this.#word(point.volts * perVolt, 'voltage')],
      [setAmps, this.#word(point.amps * perAmp, 'current limit')],
    ];
    for (const [register, value] of ampsFirst ? writes.reverse() : writes) {
      await this.#port.write(register, value);
    }
    for (const [register, value] of writes) {
      const [has] = await this.#port.read(register, 1);
      if (has !== value) throw this.#notTaken(register, value, has);
    }
  }

  async output(on: boolean): Promise<void> {
    const { output } = this.#commands;
    await this.#port.write(output, on ? 1 : 0);
    const [has] = await this.#port.read(output, 1);
    if ((has !== 0) !== on) throw this.#notTaken(output, on ? 1 : 0, has);
  }

  async measure(): Promise<SupplyReading> {
    const { perVolt, perAmp } = await this.#known();
    const [volts, amps] = await this.#port.read(this.#commands.measured, 2);
    return { volts: volts / perVolt, amps: amps / perAmp };
  }

  async state(): Promise<SupplyState> {
    const { perVolt, perAmp } = await this.#known();
    const { setVolts, output, protection, regulation } = this.#commands;
    // Set points stand beside each other in both maps.
    const [volts, amps] = await this.#port.read(setVolts, 2);
    const [on] = await this.#port.read(output, 1);
    const [tripped] = await this.#port.read(protection.register, 1);
    const [limited] = await this.#port.read(regulation, 1);
    return {
      on: on !== 0,
      volts: volts / perVolt,
      amps: amps / perAmp,
      regulation: on === 0 ? null : limited === 0 ? 'CV' : 'CC',
      tripped: tripped === 0 ? '' : (protection.names[tripped] ?? `protection ${tripped}`),
    };
  }

  async protect(
    protection: SupplyProtection,
  ): Promise<{ overVolts: ProtectionOutcome; overAmps: ProtectionOutcome }> {
    const { perVolt, perAmp } = await this.#known();
    const { overVolts, overAmps } = this.#commands;
    return {
      overVolts: await this.#level(overVolts, protection.overVolts, perVolt, 'over-voltage level'),
      overAmps: await this.#level(overAmps, protection.overAmps, perAmp, 'over-current level'),
    };
  }

  errors(): Promise<string[]> {
    return Promise.resolve([]);
  }

  loadList(): Promise<void> {
    return Promise.reject(this.#noList());
  }

  startList(): Promise<void> {
    return Promise.reject(this.#noList());
  }

  stopList(): Promise<void> {
    return Promise.reject(this.#noList());
  }

  beginClosing(): void {
    this.#port.beginClosing();
  }

  /** After the conversation under way, which ends within a slice: a frame inside of another would be lost. */
  async sendOff(turn: Promise<unknown>): Promise<void> {
    await turn;
    await this.#port.write(this.#commands.output, 0, true);
  }

  async isOff(): Promise<boolean> {
    const [on] = await this.#port.read(this.#commands.output, 1, true);
    return on === 0;
  }

  /** What the registers count depends on the model. */
  async #known(): Promise<ModbusScale> {
    if (this.#scale === null) {
      await this.identify();
    }
    return this.#scale as ModbusScale;
  }

  async #level(
    register: number,
    level: number | null,
    scale: number,
    what: string,
  ): Promise<ProtectionOutcome> {
    if (level === null) return 'not available';
    const value = this.#word(level * scale, what);
    await this.#port.write(register, value);
    const [has] = await this.#port.read(register, 1);
    if (has !== value) throw this.#notTaken(register, value, has);
    return 'level set';
  }

  #word(value: number, what: string): number {
    const word = Math.round(value);
    if (word > 0xffff) {
      throw new InputError({
        code: 'supply-limit',
        place: this.place,
        message: `the ${what} does not fit into a register of this instrument`,
        remedy: 'Nothing was sent. Give a smaller one',
      });
    }
    return word;
  }

  #notTaken(register: number, value: number, has: number): RunError {
    return new RunError({
      code: 'supply-not-taken',
      place: this.place,
      message: `register ${register} was written with ${value} and reads ${has}`,
      remedy: 'Check that nobody works at its front panel, and that no protection has tripped',
    });
  }

  #noList(): InputError {
    return new InputError({
      code: 'supply-no-list',
      place: this.place,
      message: `the bench knows no list mode of ${this.#commands.name}`,
      remedy: 'Step it from the host with set',
    });
  }
}
