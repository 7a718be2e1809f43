import type { ControlledPort, ControlLines } from '../../common/port.js';

/** One position of the lines and how long it is held. A line that is asserted is at the low level on the adapter's pin. */
interface EntryStep {
  lines: ControlLines;
  holdSeconds: number;
}

/** NRST on DTR, BOOT0 on RTS: reset while BOOT0 is high (ST AN2606, pattern 1). */
const STM32: readonly EntryStep[] = [
  { lines: { rts: false, dtr: true }, holdSeconds: 0.05 },
  { lines: { dtr: false }, holdSeconds: 0.1 },
];

/** RST on DTR, TEST on RTS: two rising edges of TEST while RST is low, the second of which outlives it (SLAU550, entry sequence). */
const MSP430: readonly EntryStep[] = [
  { lines: { dtr: true, rts: true }, holdSeconds: 0.02 },
  { lines: { rts: false }, holdSeconds: 0.01 },
  { lines: { rts: true }, holdSeconds: 0.01 },
  { lines: { rts: false }, holdSeconds: 0.01 },
  { lines: { dtr: false }, holdSeconds: 0.01 },
  { lines: { rts: true }, holdSeconds: 0.25 },
];

const SEQUENCES = { stm32: STM32, msp430: MSP430 } as const;

/**
 * Brings a chip into its boot loader by the adapter's control lines, wired as docs/hardware.md says.
 *
 * @throws RunError when the adapter has no such lines
 */
export async function enterBootLoader(port: ControlledPort, chip: keyof typeof SEQUENCES): Promise<void> {
  for (const { lines, holdSeconds } of SEQUENCES[chip]) {
    await port.setLines(lines);
    const until = port.now() + holdSeconds;
    // What a chip says while it is being reset means nothing.
    while (port.now() < until) {
      await port.read(until - port.now());
    }
  }
}
