import type {
  CurrentRecord,
  ListLimits,
  ListStep,
  ProtectionOutcome,
  SupplyIdentity,
  SupplyLimits,
  SupplyProtection,
  SupplyReading,
  SupplyState,
} from '../driver.js';
import type { SetPoint } from './set-point.js';

/** What every driver is opened with. */
export interface WireOptions {
  limits: SupplyLimits;
  /** Longest wait for a reply, on the port's clock. */
  replySeconds: number;
  listLimits: ListLimits | null;
}

/**
 * One wire protocol: carries single actions out as a command table says. It need not know about turns, limits and
 * shutdown order; `SupervisedSupply` does that for all of them. Every method but the two at the end may throw RunError.
 */
export interface SupplyWire {
  /** The port's name, for messages. */
  readonly place: string;
  /** Once, before anything else is sent. */
  prepare(): Promise<void>;
  identify(): Promise<SupplyIdentity>;
  /** Whether output(true) must wait until `identify` has recognized the instrument. */
  readonly identifiesFirst: boolean;
  /** @param ampsFirst the order in which both are to arrive */
  set(point: SetPoint, ampsFirst: boolean): Promise<void>;
  output(on: boolean): Promise<void>;
  measure(): Promise<SupplyReading>;
  state(): Promise<SupplyState>;
  protect(
    protection: SupplyProtection,
  ): Promise<{ overVolts: ProtectionOutcome; overAmps: ProtectionOutcome }>;
  errors(): Promise<string[]>;
  loadList(steps: readonly ListStep[], repeats: number): Promise<void>;
  startList(): Promise<void>;
  stopList(): Promise<void>;
  /** Only for an instrument that streams samples. */
  record?(seconds: number): Promise<CurrentRecord>;
  /** From here on everything but the two below is refused, conversations under way included. */
  beginClosing(): void;
  /** Sends output off, whatever else is under way. @param turn resolves when the conversation under way has ended */
  sendOff(turn: Promise<unknown>): Promise<void>;
  /** Whether the instrument says that its output is off; false when it cannot be asked. */
  isOff(): Promise<boolean>;
}
