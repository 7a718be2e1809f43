import { InputError, RunError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type {
  BenchSupply,
  CurrentRecord,
  ListLimits,
  ListStep,
  ProtectionOutcome,
  ShutdownOutcome,
  SupplyIdentity,
  SupplyLimits,
  SupplyProtection,
  SupplyReading,
  SupplyState,
} from '../driver.js';
import { checkedSetPoint, type SetPoint } from './set-point.js';
import type { SupplyWire, WireOptions } from './wire.js';

/** A protection level needs some room above the largest set point, or it would trip on noise. */
const PROTECTION_ROOM = 1.1;

/**
 * Any supply, over any wire protocol. Here are the rules that hold for all of them: one conversation at a time; nothing
 * beyond the limits is sent; what goes down goes first; nothing is switched on before the instrument is known to be the
 * right one; a command that fails while the output is on switches it off; after `shutdown` nothing else is sent.
 */
export class SupervisedSupply implements BenchSupply {
  readonly limits: SupplyLimits;
  readonly listLimits: ListLimits | null;
  readonly #wire: SupplyWire;
  #turn: Promise<unknown> = Promise.resolve();
  #prepared = false;
  #identified = false;
  /** Until the instrument has confirmed, it is unknown what it has. */
  #last: SetPoint | null = null;
  #on = false;

  constructor(wire: SupplyWire, options: WireOptions) {
    this.#wire = wire;
    this.limits = options.limits;
    this.listLimits = options.listLimits;
  }

  identify(): Promise<SupplyIdentity> {
    return this.#inTurn(() => this.#identify());
  }

  async set(volts: number, amps: number): Promise<void> {
    const point = checkedSetPoint(volts, amps, this.limits, this.#wire.place);
    await this.#inTurn(async () => {
      // Whatever goes down goes first, so that no instant has the higher of both.
      const ampsFirst = this.#last === null || point.amps < this.#last.amps;
      this.#last = null;
      await this.#offOnFailure(() => this.#wire.set(point, ampsFirst));
      this.#last = point;
    });
  }

  output(on: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (on && this.#wire.identifiesFirst && !this.#identified) {
        await this.#identify();
      }
      this.#on ||= on;
      await this.#offOnFailure(() => this.#wire.output(on));
      this.#on = on;
    });
  }

  measure(): Promise<SupplyReading> {
    return this.#inTurn(() => this.#wire.measure());
  }

  state(): Promise<SupplyState> {
    return this.#inTurn(() => this.#wire.state());
  }

  async protect(
    protection: SupplyProtection,
  ): Promise<{ overVolts: ProtectionOutcome; overAmps: ProtectionOutcome }> {
    const { maximumVolts, maximumAmps } = this.limits;
    this.#checkLevel(protection.overVolts, maximumVolts, 'V', 'over-voltage protection');
    this.#checkLevel(protection.overAmps, maximumAmps, 'A', 'over-current protection');
    return this.#inTurn(() => this.#wire.protect(protection));
  }

  errors(): Promise<string[]> {
    return this.#inTurn(() => this.#wire.errors());
  }

  async loadList(steps: readonly ListStep[], repeats: number): Promise<void> {
    const limits = this.listLimits;
    if (limits === null) {
      throw this.#noList();
    }
    const complaint = listComplaint(steps, repeats, limits);
    if (complaint !== null) {
      throw new InputError({
        code: 'supply-list',
        place: this.#wire.place,
        message: complaint,
        remedy: 'Nothing was sent. Shorten the sequence or step it from the host instead',
      });
    }
    const points = steps.map(({ volts, amps, seconds }) => ({
      ...checkedSetPoint(volts, amps, this.limits, this.#wire.place),
      seconds,
    }));
    await this.#inTurn(() => this.#offOnFailure(() => this.#wire.loadList(points, repeats)));
  }

  startList(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.listLimits === null) {
        throw this.#noList();
      }
      if (this.#wire.identifiesFirst && !this.#identified) {
        await this.#identify();
      }
      this.#on = true;
      await this.#offOnFailure(() => this.#wire.startList());
    });
  }

  stopList(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.listLimits === null) {
        throw this.#noList();
      }
      await this.#offOnFailure(() => this.#wire.stopList());
    });
  }

  record(seconds: number): Promise<CurrentRecord> {
    return this.#inTurn(async () => {
      if (this.#wire.record === undefined) {
        throw new InputError({
          code: 'supply-no-record',
          place: this.#wire.place,
          message: 'this instrument does not stream samples of the current',
          remedy: 'Read it now and then with measure, or use a measuring supply such as the PPK2',
        });
      }
      return this.#wire.record(seconds);
    });
  }

  /** Output off, ahead of anything still waiting. Never throws. Safe to call again, which tries again. */
  async shutdown(): Promise<ShutdownOutcome> {
    this.#wire.beginClosing();
    const turn = this.#turn.catch(() => undefined);
    let outcome: ShutdownOutcome = 'failed';
    try {
      await this.#wire.sendOff(turn);
      outcome = 'sent';
    } catch {
      // The port may be gone; asking costs nothing.
    }
    try {
      await turn;
      if (await this.#wire.isOff()) {
        outcome = 'confirmed';
        this.#on = false;
      }
    } catch {
      // Not confirmed; output off may have been sent all the same.
    }
    return outcome;
  }

  async #identify(): Promise<SupplyIdentity> {
    const identity = await this.#wire.identify();
    this.#identified = true;
    return identity;
  }

  /** One conversation at a time, in the order of the calls. */
  #inTurn<T>(talk: () => Promise<T>): Promise<T> {
    const result = this.#turn
      .catch(() => undefined)
      .then(async () => {
        if (!this.#prepared) {
          await this.#wire.prepare();
          this.#prepared = true;
        }
        return talk();
      });
    this.#turn = result;
    return result;
  }

  /** With the output on, a command that went wrong may have left anything behind: better no power than a wrong one. */
  async #offOnFailure(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (this.#on && !isRefusal(error)) {
        try {
          await this.#wire.output(false);
          this.#on = false;
        } catch {
          // The first error is the one to tell; whoever catches it shuts down.
        }
      }
      throw error;
    }
  }

  #checkLevel(level: number | null, maximum: number, unit: 'V' | 'A', what: string): void {
    if (level !== null && !(level > 0 && level <= maximum * PROTECTION_ROOM)) {
      throw new InputError({
        code: 'supply-limit',
        place: this.#wire.place,
        message: `an ${what} at ${formatQuantity(level, unit, 6)} is outside 0 to ${formatQuantity(maximum * PROTECTION_ROOM, unit, 6)}`,
        remedy: 'Nothing was sent. Give a level at most a tenth above the limit of supply and board',
      });
    }
  }

  #noList(): InputError {
    return new InputError({
      code: 'supply-no-list',
      place: this.#wire.place,
      message: 'this instrument has no list mode that the bench can play',
      remedy: 'Step it from the host with set',
    });
  }
}

/** Whether nothing more can or need be sent after it. */
function isRefusal(error: unknown): boolean {
  return error instanceof InputError || (error instanceof RunError && error.code === 'supply-shut-down');
}

/** Why the list cannot hold this, or null. */
function listComplaint(steps: readonly ListStep[], repeats: number, limits: ListLimits): string | null {
  if (steps.length === 0 || steps.length > limits.maximumSteps) {
    return `a list of ${steps.length} steps does not fit into 1 to ${limits.maximumSteps}`;
  }
  if (
    !(Number.isInteger(repeats) || repeats === Infinity) ||
    repeats < 1 ||
    repeats > limits.maximumRepeats
  ) {
    return `${repeats} repetitions are outside 1 to ${limits.maximumRepeats}`;
  }
  for (const [index, { seconds }] of steps.entries()) {
    if (!(seconds >= limits.minimumSeconds && seconds <= limits.maximumSeconds)) {
      return (
        `step ${index + 1} of ${formatQuantity(seconds, 's')} is outside ` +
        `${formatQuantity(limits.minimumSeconds, 's')} to ${formatQuantity(limits.maximumSeconds, 's')}`
      );
    }
    const onGrid = Math.round(seconds / limits.secondsResolution) * limits.secondsResolution;
    if (Math.abs(onGrid - seconds) > limits.secondsResolution * 1e-3) {
      return (
        `step ${index + 1} of ${formatQuantity(seconds, 's', 6)} is no multiple of ` +
        formatQuantity(limits.secondsResolution, 's')
      );
    }
    if (limits.uniform && Math.abs(seconds - steps[0].seconds) > limits.secondsResolution / 2) {
      return `step ${index + 1} lasts longer or shorter than the first; this list has one time for all steps`;
    }
  }
  return null;
}
