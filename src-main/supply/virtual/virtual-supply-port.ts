import { RunError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';
import type { RailSource } from '../rail/rail.js';
import { VirtualSupply, type VirtualSupplyOptions } from './virtual-supply.js';

/** The clock that the virtual bench shares; `advance` runs the bench for that long. */
export interface BenchClock {
  now(): number;
  advance(seconds: number): void;
}

export interface VirtualSupplyPortOptions extends Pick<VirtualSupplyOptions, 'model' | 'measure'> {
  clock: BenchClock;
  /** Applied at the instant, on the clock, at which the instrument has carried the command out. */
  applySource: (source: RailSource) => void;
  name?: string;
}

interface Pending {
  dueSeconds: number;
  act: () => void;
}

/**
 * A port to a virtual supply, on simulated time. Bytes arrive at once; the instrument works on them one command after
 * the other, changes its output when each is done, and answers after that. Time passes only inside `read`, or when the
 * owner of the clock advances it and then calls `settle`.
 */
export class VirtualSupplyPort implements Port {
  readonly name: string;
  readonly supply: VirtualSupply;
  readonly #clock: BenchClock;
  /** In order of their times. */
  #pending: Pending[] = [];
  #busyUntilSeconds: number;
  #startSeconds = 0;
  #inbox: Uint8Array[] = [];
  #closed = false;

  constructor(options: VirtualSupplyPortOptions) {
    this.name = options.name ?? 'virtual-supply';
    this.#clock = options.clock;
    this.#busyUntilSeconds = options.clock.now();
    this.supply = new VirtualSupply({
      model: options.model,
      measure: options.measure,
      onSource: (source, delaySeconds) => {
        this.#pending.push({
          dueSeconds: this.#startSeconds + delaySeconds,
          act: () => options.applySource(source),
        });
      },
    });
  }

  now(): number {
    return this.#clock.now();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) {
      return Promise.reject(this.#gone());
    }
    this.settle();
    this.#startSeconds = Math.max(this.#clock.now(), this.#busyUntilSeconds);
    const { reply, busySeconds } = this.supply.receive(bytes);
    this.#busyUntilSeconds = this.#startSeconds + busySeconds;
    if (reply.length > 0) {
      this.#pending.push({ dueSeconds: this.#busyUntilSeconds, act: () => this.#inbox.push(reply) });
    }
    return Promise.resolve();
  }

  read(timeoutSeconds: number): Promise<Uint8Array> {
    if (this.#closed) {
      return Promise.reject(this.#gone());
    }
    this.settle();
    const deadline = this.#clock.now() + timeoutSeconds;
    while (this.#inbox.length === 0) {
      const next = this.#pending.length > 0 ? this.#pending[0].dueSeconds : Infinity;
      if (next > deadline) {
        this.#advanceTo(deadline);
        break;
      }
      this.#advanceTo(next);
      this.#actUntil(Math.max(next, this.#clock.now()));
    }
    const bytes = Buffer.concat(this.#inbox);
    this.#inbox = [];
    return Promise.resolve(new Uint8Array(bytes));
  }

  /** When the instrument next changes its output or answers; Infinity when it is idle. */
  get nextEventSeconds(): number {
    return this.#pending.length > 0 ? this.#pending[0].dueSeconds : Infinity;
  }

  /** Carries out what has become due on the clock. */
  settle(): void {
    this.#actUntil(this.#clock.now());
  }

  /** Commands already written are carried out first, as an instrument would that loses its cable. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#actUntil(Infinity);
    }
    return Promise.resolve();
  }

  #advanceTo(seconds: number): void {
    const wait = seconds - this.#clock.now();
    if (wait > 0) {
      this.#clock.advance(wait);
    }
  }

  #actUntil(seconds: number): void {
    while (this.#pending.length > 0 && this.#pending[0].dueSeconds <= seconds) {
      this.#pending.shift()?.act();
    }
  }

  #gone(): RunError {
    return new RunError({
      code: 'port-gone',
      place: this.name,
      message: 'the port has been closed',
      remedy: 'Open it again',
    });
  }
}
