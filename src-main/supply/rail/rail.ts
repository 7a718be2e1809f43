import { InputError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import { advanceLinear, secondsToReach, slope, type LinearNode } from './linear-node.js';

/** Everything that the rail's behaviour depends on. */
export interface RailConfig {
  capacitanceFarads: number;
  /** Voltage of the capacitor at the start; 0 when left out. */
  initialVolts?: number;
  /** The switch to the board closes when the capacitor reaches this, */
  turnOnVolts: number;
  /** and opens when it falls to this. */
  brownOutVolts: number;
  /** Regulated voltage that the board's charge is counted at. */
  railVolts: number;
  /** Share of the capacitor's energy that reaches the regulated rail, 0 < e <= 1. */
  converterEfficiency: number;
  /** Drawn from the capacitor at all times by what watches it (supervisor, converter in shutdown). */
  offAmps: number;
  /** Leakage resistance of the capacitor; Infinity (the default) for none. */
  leakOhms?: number;
  /** Resistance between source and capacitor (diode, cable, source); at least 1 mohm. Default 1 ohm. */
  sourceSeriesOhms?: number;
  /** Decoupling behind the switch, charged at every turn-on. */
  decouplingFarads: number;
  /** While the board is on, load and source take turns in steps that move at most this share of the stored energy. */
  shareOfEnergyPerStep?: number;
}

export interface RailSource {
  /** Open-circuit voltage. */
  volts: number;
  /** Current limit. */
  amps: number;
}

export interface UnpoweredAdvance {
  elapsedSeconds: number;
  /** The switch has closed at the end of the elapsed time; the decoupling is charged. */
  turnedOn: boolean;
  /** With this source the capacitor never reaches the turn-on voltage, however long one waits. */
  neverTurnsOn: boolean;
}

/** Sums since construction, in joules at the capacitor. harvested - load - leak - inrush = stored - stored at start. */
export interface RailEnergy {
  harvestedJoules: number;
  /** Into the board, loss of the converter included. */
  loadJoules: number;
  /** Capacitor leakage and off current. */
  leakJoules: number;
  /** Into the board's decoupling, at every turn-on. */
  inrushJoules: number;
  storedJoules: number;
}

/** Unless the configuration says otherwise. The error of a step falls with its square: 1e-3 is good for microvolts. */
const SHARE_PER_STEP = 1e-3;
/** Bound on the steps of one advancePowered call, whatever it is asked. */
const MAXIMUM_STEPS = 100_000;

/**
 * The electrical node between supply, capacitor and board.
 *
 *   C dV/dt = I_source(V) - I_board - I_off - V / R_leak
 *   I_source(V) = min(I_limit, (V_source - V) / R_series) where V_source > V, else 0 (a diode keeps it from flowing back)
 *
 * For a given source every piece of this is linear while the board is off, so off times are solved exactly, piece by
 * piece, in a handful of steps however long they are. While the board is on it draws energy, not current (a converter
 * feeds a regulated rail), and the rail alternates half of the energy, the exact linear step, the other half (Strang
 * splitting: second order, and no joule is created or lost by it).
 */
export class Rail {
  private readonly farads: number;
  private readonly leakSiemens: number;
  private readonly seriesOhms: number;
  private readonly offAmps: number;
  private readonly loadJoulesPerCoulomb: number;
  private readonly turnOnVolts: number;
  private readonly brownOutVolts: number;
  private readonly decouplingJoules: number;
  private readonly sharePerStep: number;
  private volts: number;
  private switchClosed = false;
  private sourceVolts = 0;
  private sourceAmps = 0;
  private harvested = 0;
  private load = 0;
  private leak = 0;
  private inrush = 0;

  /** @throws InputError `bad-rail` naming the value that makes no physical sense and what to change */
  constructor(config: RailConfig) {
    checkConfig(config);
    this.farads = config.capacitanceFarads;
    this.leakSiemens = 1 / (config.leakOhms ?? Infinity);
    this.seriesOhms = config.sourceSeriesOhms ?? 1;
    this.offAmps = config.offAmps;
    this.loadJoulesPerCoulomb = config.railVolts / config.converterEfficiency;
    this.turnOnVolts = config.turnOnVolts;
    this.brownOutVolts = config.brownOutVolts;
    this.decouplingJoules = (config.decouplingFarads * config.railVolts ** 2) / 2;
    this.sharePerStep = config.shareOfEnergyPerStep ?? SHARE_PER_STEP;
    this.volts = config.initialVolts ?? 0;
  }

  get capacitorVolts(): number {
    return this.volts;
  }

  /** The switch to the board is closed. */
  get powered(): boolean {
    return this.switchClosed;
  }

  get source(): RailSource {
    return { volts: this.sourceVolts, amps: this.sourceAmps };
  }

  /** Current that flows from the source into the node at this instant. */
  get sourceCurrentAmps(): number {
    return Math.max(0, Math.min(this.sourceAmps, (this.sourceVolts - this.volts) / this.seriesOhms));
  }

  /** What a voltmeter at the source's terminals shows, before the series resistance. */
  get sourceTerminalVolts(): number {
    const amps = this.sourceCurrentAmps;
    return amps > 0 ? this.volts + amps * this.seriesOhms : this.sourceVolts;
  }

  get energy(): RailEnergy {
    return {
      harvestedJoules: this.harvested,
      loadJoules: this.load,
      leakJoules: this.leak,
      inrushJoules: this.inrush,
      storedJoules: (this.farads * this.volts ** 2) / 2,
    };
  }

  /** Energy above the brown-out voltage: what the board can still take if nothing comes in. Zero below it. */
  get usableJoules(): number {
    return Math.max(0, (this.farads * (this.volts ** 2 - this.brownOutVolts ** 2)) / 2);
  }

  /** Takes effect from this instant on. @throws InputError `bad-source` for negative or non-finite values */
  setSource(source: RailSource): void {
    if (!(source.volts >= 0 && source.volts < Infinity && source.amps >= 0 && source.amps < Infinity)) {
      throw new InputError({
        code: 'bad-source',
        place: 'rail',
        message: `a source of ${source.volts} V with a limit of ${source.amps} A is not possible`,
        remedy: 'Give both as finite numbers of at least zero',
      });
    }
    this.sourceVolts = source.volts;
    this.sourceAmps = source.amps;
  }

  /**
   * The board was on for `seconds` and drew `railCoulombs` at the regulated rail, evenly. All of it is booked even if the
   * rail failed on the way, since the board has run it: keep slices short near the end (`safeSeconds`).
   *
   * @returns 'failed' when the capacitor fell to the brown-out voltage within that time; the switch is then open
   */
  advancePowered(seconds: number, railCoulombs: number): 'powered' | 'failed' {
    if (!this.switchClosed) {
      throw new Error('advancePowered was called while the switch to the board is open');
    }
    if (!(seconds >= 0 && seconds < Infinity && railCoulombs >= 0 && railCoulombs < Infinity)) {
      throw new Error(`advancePowered cannot advance by ${seconds} s and ${railCoulombs} C`);
    }
    const joules = railCoulombs * this.loadJoulesPerCoulomb;
    // Against the energy at brown-out, the least there is while the board is on: the step depends on nothing else.
    const reference = (this.farads * this.brownOutVolts ** 2) / 2;
    const steps = Math.min(MAXIMUM_STEPS, Math.max(1, Math.ceil(joules / (reference * this.sharePerStep))));
    let lowest = this.volts;
    for (let step = 0; step < steps; step++) {
      this.takeLoad(joules / steps / 2);
      this.drift(seconds / steps);
      this.takeLoad(joules / steps / 2);
      lowest = Math.min(lowest, this.volts);
    }
    if (lowest <= this.brownOutVolts) {
      this.switchClosed = false;
      return 'failed';
    }
    return 'powered';
  }

  /**
   * A time for which the board cannot fail while it draws at most `maximumRailAmps`, with whatever source. Used to keep
   * slices short enough that a failure is found to within a slice; 0 when the rail is at brown-out.
   */
  safeSeconds(maximumRailAmps: number): number {
    const watts =
      maximumRailAmps * this.loadJoulesPerCoulomb +
      this.volts * (this.offAmps + this.volts * this.leakSiemens);
    return this.usableJoules / watts;
  }

  /**
   * The board is off: advances until the switch closes, at most by `maximumSeconds` (finite). The turn-on instant is
   * exact to rounding. Where `neverTurnsOn` comes back, wait for another source, not longer.
   */
  advanceUnpowered(maximumSeconds: number): UnpoweredAdvance {
    if (this.switchClosed) {
      throw new Error('advanceUnpowered was called while the switch to the board is closed');
    }
    if (!(maximumSeconds >= 0 && maximumSeconds < Infinity)) {
      throw new Error(`advanceUnpowered cannot advance by ${maximumSeconds} s`);
    }
    const elapsedSeconds = this.drift(maximumSeconds, this.turnOnVolts);
    if (this.volts < this.turnOnVolts) {
      return { elapsedSeconds, turnedOn: false, neverTurnsOn: !this.reachesTurnOn() };
    }
    this.close();
    return { elapsedSeconds, turnedOn: true, neverTurnsOn: false };
  }

  /** Closes the switch without charging anything: a board that was on before this rail was made. */
  resumePowered(): void {
    this.switchClosed = true;
  }

  /** Opens the switch at this instant, whatever the voltage: a power failure that the bench itself injects. */
  cutPower(): void {
    this.switchClosed = false;
  }

  /**
   * The net current into the capacitor only falls with rising voltage, so the turn-on voltage is reached exactly if
   * current still flows in there.
   */
  private reachesTurnOn(): boolean {
    return slope(this.piece(this.turnOnVolts, -1).node, this.turnOnVolts) > 0;
  }

  /** V' = sqrt(V^2 - (Cout / C) Vout^2): the decoupling is charged to the rail voltage from the capacitor's energy. */
  private close(): void {
    const before = (this.farads * this.volts ** 2) / 2;
    const taken = Math.min(before, this.decouplingJoules);
    this.volts = Math.sqrt((2 * (before - taken)) / this.farads);
    this.inrush += taken;
    this.switchClosed = true;
  }

  private takeLoad(joules: number): void {
    if (joules === 0) {
      return;
    }
    const before = (this.farads * this.volts ** 2) / 2;
    const taken = Math.min(before, joules);
    this.volts = Math.sqrt((2 * (before - taken)) / this.farads);
    this.load += taken;
  }

  /**
   * Source, leakage and off current for `seconds`, or until the voltage has risen to `stopVolts`.
   *
   * @returns the time that passed
   */
  private drift(seconds: number, stopVolts = Infinity): number {
    let left = seconds;
    // A constant source moves the voltage one way through at most three pieces and the floor at zero.
    while (left > 0 && this.volts < stopVolts) {
      const direction = this.direction();
      if (direction === 0) {
        this.rest(left);
        left = 0;
        break;
      }
      const { node, sourceSiemens, sourceAmps, lower, upper } = this.piece(this.volts, direction);
      const target = direction > 0 ? Math.min(upper, stopVolts) : lower;
      const toTarget = secondsToReach(node, this.volts, target);
      const stretch = Math.min(left, toTarget);
      const end = advanceLinear(node, this.volts, stretch);
      const leaked = this.offAmps * end.voltSeconds + this.leakSiemens * end.voltSquaredSeconds;
      this.leak += leaked;
      if (sourceSiemens === 0) {
        this.harvested += sourceAmps * end.voltSeconds;
      } else {
        // Through the resistance the source's energy is the small difference of large integrals; the balance is exact.
        const stored = (this.farads * (end.volts - this.volts) * (end.volts + this.volts)) / 2;
        this.harvested += Math.max(0, stored + leaked);
      }
      const arrived = toTarget <= left;
      this.volts = arrived ? target : Math.max(0, end.volts);
      left = arrived ? left - toTarget : 0;
    }
    return seconds - left;
  }

  /** At an equilibrium what comes in leaks away again. */
  private rest(seconds: number): void {
    const joules = this.volts * this.sourceCurrentAmps * seconds;
    this.harvested += joules;
    this.leak += joules;
  }

  /** Sign of dV/dt; zero at an equilibrium and at the floor, where the off current takes only what comes. */
  private direction(): -1 | 0 | 1 {
    const amps = this.sourceCurrentAmps - this.offAmps - this.leakSiemens * this.volts;
    if (amps > 0) return 1;
    return amps < 0 && this.volts > 0 ? -1 : 0;
  }

  /** The linear piece that the voltage is in, or is about to enter when it stands on a border and moves in `direction`. */
  private piece(volts: number, direction: -1 | 1) {
    const knee = Math.max(0, this.sourceVolts - this.sourceAmps * this.seriesOhms);
    const inside = (border: number): boolean => (direction > 0 ? volts < border : volts <= border);
    const siemens = this.leakSiemens;
    if (knee > 0 && inside(knee)) {
      return this.describe(this.sourceAmps, 0, siemens, 0, knee);
    }
    if (this.sourceAmps > 0 && inside(this.sourceVolts)) {
      return this.describe(
        this.sourceVolts / this.seriesOhms,
        1 / this.seriesOhms,
        siemens,
        knee,
        this.sourceVolts,
      );
    }
    return this.describe(0, 0, siemens, this.sourceVolts, Infinity);
  }

  private describe(amps: number, sourceSiemens: number, leakSiemens: number, lower: number, upper: number) {
    const node: LinearNode = {
      farads: this.farads,
      amps: amps - this.offAmps,
      siemens: leakSiemens + sourceSiemens,
    };
    return { node, sourceAmps: amps, sourceSiemens, lower, upper };
  }
}

function checkConfig(config: RailConfig): void {
  const refuse = (message: string, remedy: string): never => {
    throw new InputError({ code: 'bad-rail', place: 'rail', message, remedy });
  };
  const positive: [string, number][] = [
    ['capacitanceFarads', config.capacitanceFarads],
    ['turnOnVolts', config.turnOnVolts],
    ['brownOutVolts', config.brownOutVolts],
    ['railVolts', config.railVolts],
    ['converterEfficiency', config.converterEfficiency],
  ];
  for (const [name, value] of positive) {
    if (!(value > 0 && value < Infinity))
      refuse(`${name} is ${value}`, 'Give a finite number greater than zero');
  }
  const notNegative: [string, number][] = [
    ['initialVolts', config.initialVolts ?? 0],
    ['offAmps', config.offAmps],
    ['decouplingFarads', config.decouplingFarads],
  ];
  for (const [name, value] of notNegative) {
    if (!(value >= 0 && value < Infinity))
      refuse(`${name} is ${value}`, 'Give a finite number of at least zero');
  }
  if (config.converterEfficiency > 1) {
    refuse(`converterEfficiency is ${config.converterEfficiency}`, 'Give a share between 0 and 1');
  }
  if (!((config.leakOhms ?? Infinity) > 0)) {
    refuse(`leakOhms is ${config.leakOhms}`, 'Give a resistance greater than zero, or leave it out for none');
  }
  const seriesOhms = config.sourceSeriesOhms ?? 1;
  if (!(seriesOhms >= 1e-3 && seriesOhms < Infinity)) {
    refuse(`sourceSeriesOhms is ${seriesOhms}`, 'Give a resistance of at least 1 mohm');
  }
  if (config.brownOutVolts >= config.turnOnVolts) {
    refuse(
      `the brown-out voltage, ${formatQuantity(config.brownOutVolts, 'V')}, is not below the turn-on voltage, ` +
        formatQuantity(config.turnOnVolts, 'V'),
      'Raise the turn-on voltage or lower the brown-out voltage',
    );
  }
  const inrush = config.decouplingFarads * config.railVolts ** 2;
  const usable = config.turnOnVolts ** 2 - config.brownOutVolts ** 2;
  if (config.capacitanceFarads * usable <= inrush) {
    refuse(
      `at turn-on the board's decoupling of ${formatQuantity(config.decouplingFarads, 'F')} takes all the energy that a ` +
        `capacitor of ${formatQuantity(config.capacitanceFarads, 'F')} holds above the brown-out voltage`,
      `Use a capacitor of more than ${formatQuantity(inrush / usable, 'F')}, or a higher turn-on voltage`,
    );
  }
}
