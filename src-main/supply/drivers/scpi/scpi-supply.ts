import { RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import type {
  ShutdownOutcome,
  SupplyDriver,
  SupplyIdentity,
  SupplyLimits,
  SupplyReading,
} from '../../driver.js';
import { LinePort } from '../line-port.js';
import { checkedSetPoint, decimals, type SetPoint } from '../set-point.js';
import { SCPI_COMMANDS, type ScpiCommands } from './commands.js';

/** Error queues hold 20 to 30 entries; an instrument that still reports errors after this many is broken. */
const MAXIMUM_QUEUED_ERRORS = 64;

export interface ScpiSupplyOptions {
  limits: SupplyLimits;
  commands?: ScpiCommands;
  /** Longest wait for a reply, on the port's clock. Default 1 s. */
  replySeconds?: number;
}

/**
 * A supply that speaks SCPI. Commands are sent one at a time; after each the instrument's error queue is read empty, so
 * an error is reported by the call that caused it. Once `shutdown` has begun, nothing else is sent any more.
 */
export class ScpiSupply implements SupplyDriver {
  readonly limits: SupplyLimits;
  readonly #commands: ScpiCommands;
  readonly #line: LinePort;
  readonly #replySeconds: number;
  #last: SetPoint | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #remote = false;

  constructor(port: Port, options: ScpiSupplyOptions) {
    this.limits = options.limits;
    this.#commands = options.commands ?? SCPI_COMMANDS;
    this.#replySeconds = options.replySeconds ?? 1;
    this.#line = new LinePort(port, this.#commands.terminator);
  }

  /**
   * Reads `*IDN?`: manufacturer, model, serial number, firmware (IEEE 488.2, 10.14). Errors left over in the instrument
   * from before are cleared.
   */
  identify(): Promise<SupplyIdentity> {
    return this.#inTurn(async () => {
      await this.#line.send(this.#commands.clear);
      const reply = await this.#query(this.#commands.identify);
      const fields = reply.split(',').map((field) => field.trim());
      if (fields.length < 2 || fields[0] === '' || fields[1] === '') {
        throw this.#badReply(this.#commands.identify, reply, 'manufacturer, model, serial number, firmware');
      }
      const [manufacturer, model, serial = '', ...firmware] = fields;
      await this.#drainErrors(this.#commands.identify);
      return { manufacturer, model, serial, firmware: firmware.join(',') };
    });
  }

  /** @throws InputError `supply-limit` before anything is sent; RunError `supply-error` with the instrument's words */
  async set(volts: number, amps: number): Promise<void> {
    const point = checkedSetPoint(volts, amps, this.limits, this.#line.name);
    await this.#inTurn(async () => {
      const setVolts = this.#fill(this.#commands.setVolts, point.volts, this.limits.voltsResolution);
      const setAmps = this.#fill(this.#commands.setAmps, point.amps, this.limits.ampsResolution);
      // Whatever goes down goes first, so that no instant has the higher of both.
      const ampsFirst = this.#last === null || point.amps < this.#last.amps;
      // Until the instrument has confirmed, it is unknown what it has.
      this.#last = null;
      for (const command of ampsFirst ? [setAmps, setVolts] : [setVolts, setAmps]) {
        await this.#line.send(command);
      }
      await this.#drainErrors(`${setVolts}; ${setAmps}`);
      this.#last = point;
    });
  }

  /** @throws RunError `supply-error` when the instrument refuses */
  async output(on: boolean): Promise<void> {
    await this.#inTurn(async () => {
      const command = on ? this.#commands.outputOn : this.#commands.outputOff;
      await this.#line.send(command);
      await this.#drainErrors(command);
    });
  }

  measure(): Promise<SupplyReading> {
    return this.#inTurn(async () => ({
      volts: await this.#queryNumber(this.#commands.measureVolts),
      amps: await this.#queryNumber(this.#commands.measureAmps),
    }));
  }

  /**
   * Output off, ahead of anything still waiting. Never throws. Safe to call again, which tries again.
   */
  async shutdown(): Promise<ShutdownOutcome> {
    this.#line.beginClosing();
    let outcome: ShutdownOutcome = 'failed';
    // Even when a command is half sent: a terminator first ends it, and an empty message is legal.
    for (const text of [this.#commands.terminator + this.#commands.outputOff, this.#commands.outputOff]) {
      try {
        await this.#line.send(text, true);
        outcome = 'sent';
      } catch {
        // The port may be gone; the second attempt costs nothing.
      }
    }
    try {
      await this.#turn.catch(() => undefined);
      const state = await this.#line.query(this.#commands.outputState, this.#replySeconds, true);
      if (/^(0|OFF)$/i.test(state)) {
        outcome = 'confirmed';
      }
    } catch {
      // Not confirmed; the output-off commands were sent all the same.
    }
    return outcome;
  }

  /** One conversation at a time, in the order of the calls; none after shutdown. */
  #inTurn<T>(talk: () => Promise<T>): Promise<T> {
    const result = this.#turn
      .catch(() => undefined)
      .then(async () => {
        if (!this.#remote && this.#commands.remote !== null) {
          await this.#line.send(this.#commands.remote);
          this.#remote = true;
        }
        return talk();
      });
    this.#turn = result;
    return result;
  }

  async #query(command: string): Promise<string> {
    return this.#line.query(command, this.#replySeconds);
  }

  async #queryNumber(command: string): Promise<number> {
    const reply = await this.#query(command);
    // Some instruments append the unit.
    const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?)\s*[VA]?$/i.exec(reply);
    if (match === null) {
      throw this.#badReply(command, reply, 'a number');
    }
    return Number(match[1]);
  }

  /** Reads the error queue empty. @throws RunError `supply-error` with every error found there */
  async #drainErrors(after: string): Promise<void> {
    const errors: string[] = [];
    for (let read = 0; read < MAXIMUM_QUEUED_ERRORS; read++) {
      const reply = await this.#query(this.#commands.nextError);
      const match = /^([+-]?\d+)\s*(?:,\s*(.*))?$/.exec(reply);
      if (match === null) {
        throw this.#badReply(this.#commands.nextError, reply, 'code,"message"');
      }
      if (Number(match[1]) === 0) {
        break;
      }
      errors.push(reply);
    }
    if (errors.length > 0) {
      throw new RunError({
        code: 'supply-error',
        place: this.#line.name,
        message: `the supply answered ${errors.slice(0, 5).join(' and ')} to "${after}"`,
        remedy: 'Look the code up in its manual; codes below zero are the same for all SCPI instruments',
      });
    }
  }

  #fill(command: string, value: number, resolution: number): string {
    return command.replace('{value}', value.toFixed(decimals(resolution)));
  }

  #badReply(command: string, reply: string, expected: string): RunError {
    return new RunError({
      code: 'supply-reply',
      place: this.#line.name,
      message: `the supply answered ${JSON.stringify(reply.slice(0, 80))} to "${command}", not ${expected}`,
      remedy: 'Check that the port is the supply and that its driver is the right one',
    });
  }
}
