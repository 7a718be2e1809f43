/** When the board was powered, as far as it can be told from the voltage at a supply that charges a real capacitor. */
export class SwitchEstimate {
  #closed = false;

  constructor(private readonly thresholds: { turnOnVolts: number; brownOutVolts: number }) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** @returns whether the switch has changed with this reading */
  take(volts: number): boolean {
    const { turnOnVolts, brownOutVolts } = this.thresholds;
    const closed = this.#closed ? volts > brownOutVolts : volts >= turnOnVolts;
    const changed = closed !== this.#closed;
    this.#closed = closed;
    return changed;
  }
}
