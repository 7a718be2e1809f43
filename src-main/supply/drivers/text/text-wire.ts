import { InputError, RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import type {
  ListStep,
  ProtectionOutcome,
  SupplyIdentity,
  SupplyLimits,
  SupplyProtection,
  SupplyReading,
  SupplyState,
} from '../../driver.js';
import { decimals, type SetPoint } from '../set-point.js';
import type { SupplyWire, WireOptions } from '../wire.js';
import type { NumberQuery, SetCommand, SwitchQuery, TextCommands } from './commands.js';
import { TextPort } from './text-port.js';

/** Error queues hold 20 to 30 entries; an instrument that still reports errors after this many is broken. */
const MAXIMUM_QUEUED_ERRORS = 64;
/** Some instruments append the unit; a few append further fields. */
const NUMBER = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?)\s*[VA]?$/i;

/**
 * Interprets a table of text commands. After each command the instrument's error queue is read empty, so that an error
 * is reported by the call that caused it; what can be read back is read back.
 */
export class TextWire implements SupplyWire {
  readonly #commands: TextCommands;
  readonly #port: TextPort;
  readonly #replySeconds: number;
  readonly #limits: SupplyLimits;
  #prepared = false;

  constructor(port: Port, commands: TextCommands, options: WireOptions) {
    this.#commands = commands;
    this.#replySeconds = options.replySeconds;
    this.#limits = options.limits;
    this.#port = new TextPort(port, commands);
  }

  get place(): string {
    return this.#port.name;
  }

  get identifiesFirst(): boolean {
    return this.#commands.identify.expects !== null;
  }

  async prepare(): Promise<void> {
    const { wake, prepare } = this.#commands;
    if (wake !== null) {
      await this.#port.sendRaw(wake);
      await this.#port.quiet();
    }
    for (const command of prepare) {
      await this.#port.send(command);
    }
    this.#prepared = true;
  }

  /** Errors left over in the instrument from before are cleared. */
  async identify(): Promise<SupplyIdentity> {
    const { send, framing, pattern, expects } = this.#commands.identify;
    if (this.#commands.clear !== null) {
      await this.#port.send(this.#commands.clear);
    }
    const identity = await this.#ask(
      send,
      framing,
      'manufacturer, model, serial number, firmware',
      (reply) => {
        const groups = pattern.exec(reply)?.groups;
        return groups === undefined
          ? null
          : {
              manufacturer: (groups['manufacturer'] ?? '').trim(),
              model: (groups['model'] ?? '').trim(),
              serial: (groups['serial'] ?? '').trim(),
              firmware: (groups['firmware'] ?? '').trim(),
            };
      },
    );
    const called = `${identity.manufacturer} ${identity.model}`;
    if (expects !== null && !expects.test(called)) {
      throw new RunError({
        code: 'supply-identity',
        place: this.place,
        message: `this is ${JSON.stringify(called)}, not ${this.#commands.name}`,
        remedy: 'Nothing was switched on. Choose the port of the supply, or the driver of this instrument',
      });
    }
    await this.#drain(send);
    return identity;
  }

  async set(point: SetPoint, ampsFirst: boolean): Promise<void> {
    const { setVolts, setAmps, readVolts, readAmps } = this.#commands;
    const { voltsResolution, ampsResolution } = this.#limits;
    const volts = { command: fill(setVolts, point.volts, voltsResolution), read: readVolts };
    const amps = { command: fill(setAmps, point.amps, ampsResolution), read: readAmps };
    const order = ampsFirst ? [amps, volts] : [volts, amps];
    for (const { command } of order) {
      await this.#port.send(command);
    }
    await this.#drain(`${volts.command}; ${amps.command}`);
    await this.#settle(volts.command, readVolts, point.volts, voltsResolution);
    await this.#settle(amps.command, readAmps, point.amps, ampsResolution);
  }

  async output(on: boolean): Promise<void> {
    const { outputOn, outputOff, outputState, attempts } = this.#commands;
    const commands = on ? outputOn : outputOff;
    for (let attempt = 1; ; attempt++) {
      for (const command of commands) {
        await this.#port.send(command);
      }
      await this.#drain(commands.join('; '));
      if (attempts === 1 || (await this.#askSwitch(outputState)) === on) {
        return;
      }
      if (attempt >= attempts) {
        throw this.#notTaken(commands.join('; '), `its output is ${on ? 'off' : 'on'}`);
      }
    }
  }

  /**
   * A reply that comes twice or late would be taken for the answer to the next question. Where there is an error queue, a
   * reading counts only when that, asked next, answers as it should.
   */
  async measure(): Promise<SupplyReading> {
    const { measureVolts, measureAmps, nextError, attempts, framing } = this.#commands;
    for (let attempt = 1; ; attempt++) {
      const reading = {
        volts: await this.#askNumber(measureVolts),
        amps: await this.#askNumber(measureAmps),
      };
      if (attempts === 1 || nextError === null) {
        return reading;
      }
      try {
        const after = await this.#port.query(nextError, framing, this.#replySeconds);
        if (readError(after) !== null) {
          return reading;
        }
        throw this.#badReply(nextError, after, 'code,"message"');
      } catch (error) {
        if (!isGarbled(error) || attempt >= attempts) {
          throw error;
        }
        await this.#port.quiet();
      }
    }
  }

  async state(): Promise<SupplyState> {
    const { readVolts, readAmps, outputState, currentLimited, protection } = this.#commands;
    const on = await this.#askSwitch(outputState);
    const volts = readVolts === null ? null : await this.#askNumber(readVolts);
    const amps = readAmps === null ? null : await this.#askNumber(readAmps);
    const limited = currentLimited === null || !on ? null : await this.#askSwitch(currentLimited);
    let tripped: string | null = protection === null || protection.tripped.length === 0 ? null : '';
    for (const { what, ask } of protection?.tripped ?? []) {
      if (await this.#askSwitch(ask)) tripped = tripped === '' ? what : `${tripped}, ${what}`;
    }
    return { on, volts, amps, regulation: limited === null ? null : limited ? 'CC' : 'CV', tripped };
  }

  async protect(
    protection: SupplyProtection,
  ): Promise<{ overVolts: ProtectionOutcome; overAmps: ProtectionOutcome }> {
    const { voltsResolution, ampsResolution } = this.#limits;
    const commands = this.#commands.protection;
    return {
      overVolts: await this.#protectOne(commands?.overVolts ?? null, protection.overVolts, voltsResolution),
      overAmps: await this.#protectOne(commands?.overAmps ?? null, protection.overAmps, ampsResolution),
    };
  }

  errors(): Promise<string[]> {
    return this.#readErrors();
  }

  async loadList(steps: readonly ListStep[], repeats: number): Promise<void> {
    const list = this.#list();
    const volts = (step: ListStep) => step.volts.toFixed(decimals(this.#limits.voltsResolution));
    const amps = (step: ListStep) => step.amps.toFixed(decimals(this.#limits.ampsResolution));
    const seconds = (step: ListStep) => String(Number(step.seconds.toFixed(6)));
    const written = (template: string) =>
      template
        .replace('{count}', String(steps.length))
        .replace(
          '{repeats}',
          repeats === Infinity ? list.forever : list.repeats.replace('{repeats}', String(repeats)),
        )
        .replace('{volts*}', steps.map(volts).join(','))
        .replace('{amps*}', steps.map(amps).join(','))
        .replace('{seconds*}', steps.map(seconds).join(','))
        .replace('{steps*}', steps.map((step) => `${volts(step)},${amps(step)},${seconds(step)}`).join(','))
        .replace('{seconds}', seconds(steps[0]));
    const each = list.each;
    const commands = [
      ...list.before.map(written),
      ...(each === null
        ? []
        : steps.map((step, index) =>
            each
              .replace('{index}', String(index + list.firstIndex))
              .replace('{volts}', volts(step))
              .replace('{amps}', amps(step))
              .replace('{seconds}', seconds(step)),
          )),
      ...list.all.map(written),
    ];
    for (const command of commands) {
      await this.#port.send(command);
      await this.#drain(command);
    }
  }

  async startList(): Promise<void> {
    await this.output(true);
    await this.#sendAll(this.#list().start);
  }

  stopList(): Promise<void> {
    return this.#sendAll(this.#list().stop);
  }

  beginClosing(): void {
    this.#port.beginClosing();
  }

  /**
   * Twice, the first time after a terminator that ends a half-sent command (an empty message is legal in SCPI). An
   * instrument that loses what comes too fast has to be waited for, or it would lose just this.
   */
  async sendOff(turn: Promise<unknown>): Promise<void> {
    const { terminator, outputOff } = this.#commands;
    if (this.#port.hasGap) {
      await turn;
    }
    let failure: unknown = null;
    let sent = false;
    for (const prefix of [terminator, '']) {
      try {
        // Opened only to switch off: it may have to be taken into remote control first, and be told the channel.
        const first = prefix !== '' && !this.#prepared ? this.#commands.prepare : [];
        for (const [index, command] of [...first, ...outputOff].entries()) {
          await this.#port.send((index === 0 ? prefix : '') + command, true);
        }
        sent = true;
      } catch (error) {
        failure = error;
      }
    }
    if (!sent) {
      throw failure as Error;
    }
  }

  /** Where there is no checksum, one answer could be a flipped bit or a late byte: the same has to come twice. */
  async isOff(): Promise<boolean> {
    const { outputState, outputOff, framing, attempts } = this.#commands;
    const needed = attempts > 1 ? 2 : 1;
    let seen = 0;
    for (let asked = 0; seen < needed && asked < attempts + needed - 1; asked++) {
      try {
        if (attempts > 1) await this.#port.flush();
        const { send, framing: own } = outputState;
        const reply = await this.#port.query(send, own ?? framing, this.#replySeconds, true);
        const on = readSwitch(outputState, reply);
        seen = on === false ? seen + 1 : 0;
        if (on !== false && attempts > 1) {
          for (const command of outputOff) await this.#port.send(command, true);
        }
      } catch (error) {
        if (attempts === 1 || (error instanceof RunError && error.code.startsWith('port-'))) throw error;
        seen = 0;
      }
    }
    return seen >= needed;
  }

  async #sendAll(commands: readonly string[]): Promise<void> {
    for (const command of commands) {
      await this.#port.send(command);
    }
    await this.#drain(commands.join('; '));
  }

  async #protectOne(
    commands: readonly string[] | null,
    level: number | null,
    resolution: number,
  ): Promise<ProtectionOutcome> {
    if (commands === null || level === null) {
      return 'not available';
    }
    await this.#sendAll(commands.map((send) => fill({ send }, level, resolution)));
    return commands.some((command) => command.includes('{value}')) ? 'level set' : 'switched on';
  }

  /** Asks until the instrument has the value, sending the command again. @throws RunError `supply-not-taken` */
  async #settle(
    command: string,
    read: NumberQuery | null,
    wanted: number,
    resolution: number,
  ): Promise<void> {
    if (read === null) {
      return;
    }
    for (let attempt = 1; ; attempt++) {
      const has = await this.#askNumber(read);
      if (Math.abs(has - wanted) < resolution * 0.51) {
        return;
      }
      if (attempt >= this.#commands.attempts) {
        throw this.#notTaken(command, `"${read.send}" says ${has}`);
      }
      await this.#port.send(command);
      await this.#drain(command);
    }
  }

  #notTaken(command: string, instead: string): RunError {
    return new RunError({
      code: 'supply-not-taken',
      place: this.place,
      message: `the supply did not take "${command}": ${instead}`,
      remedy:
        'Check the cable, and that nobody works at its front panel; a tripped protection is cleared there',
    });
  }

  #askNumber(query: NumberQuery): Promise<number> {
    return this.#ask(query.send, query.framing, 'a number', (reply) => {
      const match = (query.pattern ?? NUMBER).exec(reply);
      return match === null ? null : Number(match[1]);
    });
  }

  #askSwitch(query: SwitchQuery): Promise<boolean> {
    const expected =
      'yes' in query ? `${query.no.source} or ${query.yes.source}` : `a number with bit ${query.bit}`;
    return this.#ask(query.send, query.framing, expected, (reply) => readSwitch(query, reply));
  }

  /** Asks as often as the table allows; `read` returns null for a reply that makes no sense. */
  async #ask<T>(
    send: string,
    framing: TextCommands['framing'] | undefined,
    expected: string,
    read: (reply: string) => T | null,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (this.#commands.attempts > 1) {
          await this.#port.flush();
        }
        const reply = await this.#port.query(send, framing ?? this.#commands.framing, this.#replySeconds);
        const value = read(reply);
        if (value !== null) {
          return value;
        }
        throw this.#badReply(send, reply, expected);
      } catch (error) {
        if (!isGarbled(error) || attempt >= this.#commands.attempts) {
          throw error;
        }
        await this.#port.quiet();
      }
    }
  }

  /** Reads the error queue empty. @throws RunError `supply-error` with every error found there */
  async #drain(after: string): Promise<void> {
    const errors = await this.#readErrors();
    if (errors.length > 0) {
      throw new RunError({
        code: 'supply-error',
        place: this.place,
        message: `the supply answered ${errors.slice(0, 5).join(' and ')} to "${after}"`,
        remedy: 'Look the code up in its manual; codes below zero are the same for all SCPI instruments',
      });
    }
  }

  async #readErrors(): Promise<string[]> {
    const query = this.#commands.nextError;
    const errors: string[] = [];
    for (let read = 0; query !== null && read < MAXIMUM_QUEUED_ERRORS; read++) {
      const entry = await this.#ask(query, undefined, 'code,"message"', readError);
      if (entry.code === 0) {
        break;
      }
      errors.push(entry.text);
    }
    return errors;
  }

  #list() {
    const { list } = this.#commands;
    if (list === null) {
      throw new InputError({
        code: 'supply-no-list',
        place: this.place,
        message: `the bench knows no list mode of ${this.#commands.name}`,
        remedy: 'Step it from the host with set',
      });
    }
    return list;
  }

  #badReply(command: string, reply: string, expected: string): RunError {
    return new RunError({
      code: 'supply-reply',
      place: this.place,
      message: `the supply answered ${JSON.stringify(reply.slice(0, 80))} to "${command}", not ${expected}`,
      remedy: 'Check that the port is the supply and that its driver is the right one',
    });
  }
}

function fill({ send, width }: SetCommand, value: number, resolution: number): string {
  return send.replace('{value}', value.toFixed(decimals(resolution)).padStart(width ?? 0, '0'));
}

/** Whether asking again may help. */
function isGarbled(error: unknown): boolean {
  return error instanceof RunError && /^supply-(timeout|reply)$/.test(error.code);
}

/** An entry of the error queue; null when it is none. Siglent leaves the comma out. */
function readError(reply: string): { code: number; text: string } | null {
  const match = /^([+-]?\d+)(?:\s*,|\s+|$)/.exec(reply);
  return match === null ? null : { code: Number(match[1]), text: reply };
}

/** Null when the reply is neither. */
function readSwitch(query: SwitchQuery, reply: string): boolean | null {
  if ('yes' in query) {
    return query.yes.test(reply) ? true : query.no.test(reply) ? false : null;
  }
  const number =
    query.of === 'byte'
      ? reply.length === 1
        ? reply.charCodeAt(0)
        : NaN
      : query.of === 'decimal'
        ? /^\+?\d{1,9}$/.test(reply)
          ? Number(reply)
          : NaN
        : /^(0x)?[0-9a-f]{1,8}$/i.test(reply)
          ? Number.parseInt(reply, 16)
          : NaN;
  return Number.isNaN(number) ? null : ((number >> query.bit) & 1) === (query.yesWhen ?? 1);
}
