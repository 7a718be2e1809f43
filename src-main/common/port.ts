/**
 * A byte stream to a board or an instrument, with a clock of its own. A real serial port runs on wall time; a port of
 * the virtual bench runs on simulated time, which advances only while somebody reads. Protocol code written against
 * this interface is therefore the same for both, and its timeouts are deterministic on the virtual bench.
 */
export interface Port {
  /** What a person would call it: `/dev/ttyACM0`, `virtual-pico`. */
  readonly name: string;
  /** Seconds on this port's own clock; only differences have a meaning. */
  now(): number;
  /** Queues bytes for sending. Rejects with a RunError when the port is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Waits until at least one byte has arrived and returns everything that has; an empty array when `timeoutSeconds` of
   * this port's clock pass without one. Rejects with a RunError when the port is gone.
   */
  read(timeoutSeconds: number): Promise<Uint8Array>;
  /** Releases the port. Safe to call twice. */
  close(): Promise<void>;
}

/** Outputs of a serial adapter beside its data line; true = asserted, which is the low level on the wire. */
export interface ControlLines {
  dtr?: boolean;
  rts?: boolean;
}

/** A port with control lines, by which some boards are reset and brought into their boot loaders. */
export interface ControlledPort extends Port {
  /** Changes the lines that are named. Rejects with a RunError where the adapter has none. */
  setLines(lines: ControlLines): Promise<void>;
  /** Goes on at another rate, after both sides have agreed to it. */
  setBaudRate(baudRate: number): Promise<void>;
}
