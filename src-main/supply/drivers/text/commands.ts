import type { Framing } from './text-port.js';

/** A question whose answer is a number. */
export interface NumberQuery {
  send: string;
  /** How its reply ends, where that is not the table's rule. */
  framing?: Framing;
  /** Where in the reply the number stands (first group); the default takes one number with or without its unit. */
  pattern?: RegExp;
}

/** A question whose answer is one of two: told by its text, or by a bit of a number or of a byte. */
export type SwitchQuery =
  | { send: string; framing?: Framing; yes: RegExp; no: RegExp }
  | { send: string; framing?: Framing; bit: number; of: 'byte' | 'hexadecimal' | 'decimal'; yesWhen?: 0 | 1 };

/** A command that carries a number: `{value}` is replaced. */
export interface SetCommand {
  send: string;
  /** Filled up with zeros in front to this many characters. */
  width?: number;
}

export interface ProtectionCommands {
  /** Sent in order; one without `{value}` only switches the protection on. Null: the instrument has none. */
  overVolts: readonly string[] | null;
  overAmps: readonly string[] | null;
  tripped: readonly { what: string; ask: SwitchQuery }[];
}

/**
 * A sequence that the instrument plays. Placeholders: {count} and {repeats}; in `each`, per step, {index} (from
 * `firstIndex`), {volts}, {amps}, {seconds}; in `all`: {volts*}, {amps*}, {seconds*} joined by commas, {steps*} for
 * volts,amps,seconds of all steps, and {seconds} of the first.
 */
export interface ListCommands {
  before: readonly string[];
  each: string | null;
  firstIndex: number;
  all: readonly string[];
  /** What stands for {repeats}: the number in its frame, and "for ever". */
  repeats: string;
  forever: string;
  start: readonly string[];
  stop: readonly string[];
}

/**
 * Command table of a supply that is spoken to in text. Nothing else distinguishes one such instrument from another; null
 * where it has no such command.
 */
export interface TextCommands {
  id: string;
  name: string;
  /** Ends every message. */
  terminator: string;
  /** How replies end. */
  framing: Framing;
  /** Silence that the instrument needs between messages. */
  gapSeconds: number;
  /** A question is asked this often until it is answered as it should be; commands are checked by asking. */
  attempts: number;
  /** Sent first, without terminator: ends or clears whatever a broken conversation has left behind. */
  wake: string | null;
  /** Sent next, in order: remote control, channel. */
  prepare: readonly string[];
  identify: {
    send: string;
    framing?: Framing;
    /** Named groups manufacturer, model, serial, firmware. */
    pattern: RegExp;
    /** What `manufacturer model` must look like for this table to be the right one; null takes any. */
    expects: RegExp | null;
  };
  setVolts: SetCommand;
  setAmps: SetCommand;
  /** Set points read back. Where they are given, every set is checked with them. */
  readVolts: NumberQuery | null;
  readAmps: NumberQuery | null;
  outputOn: readonly string[];
  outputOff: readonly string[];
  outputState: SwitchQuery;
  measureVolts: NumberQuery;
  measureAmps: NumberQuery;
  /** Yes: constant current; no: constant voltage. */
  currentLimited: SwitchQuery | null;
  /** Returns and removes the oldest error: `code,"message"`, code 0 when there is none. */
  nextError: string | null;
  /** Empties the error queue. */
  clear: string | null;
  protection: ProtectionCommands | null;
  list: ListCommands | null;
}
