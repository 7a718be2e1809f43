import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterBootLoader } from '../../../src-main/board/flashers/boot-entry.js';
import type { ControlLines } from '../../../src-main/common/port.js';
import { EmulatorPort } from '../../support/emulator-port.js';

/** Levels of the two lines over time, as an oscilloscope on the adapter would show them. */
async function levels(chip: 'stm32' | 'msp430'): Promise<{ dtr: 0 | 1; rts: 0 | 1; atSeconds: number }[]> {
  const seen: { dtr: 0 | 1; rts: 0 | 1; atSeconds: number }[] = [];
  let lines: Required<ControlLines> = { dtr: false, rts: false };
  const port = new EmulatorPort(
    { receive: () => ({ reply: new Uint8Array(0), busySeconds: 0 }) },
    {
      onLines: (changed, atSeconds) => {
        lines = { ...lines, ...changed };
        seen.push({ dtr: lines.dtr ? 0 : 1, rts: lines.rts ? 0 : 1, atSeconds });
      },
    },
  );
  await enterBootLoader(port, chip);
  return seen;
}

test('an STM32 leaves reset while BOOT0 is high', async () => {
  const seen = await levels('stm32');
  const rise = seen.findIndex(({ dtr }, at) => at > 0 && dtr === 1 && seen[at - 1].dtr === 0);
  assert.ok(rise > 0);
  assert.equal(seen[rise].rts, 1);
});

test('an MSP430 sees two rising edges of TEST in reset, and leaves it while TEST is high', async () => {
  const seen = await levels('msp430');
  const release = seen.findIndex(({ dtr }, at) => at > 0 && dtr === 1 && seen[at - 1].dtr === 0);
  const edges = seen.filter(({ rts }, at) => at > 0 && at < release && rts === 1 && seen[at - 1].rts === 0);
  assert.equal(edges.length, 2);
  assert.equal(seen[release].rts, 1);
  assert.equal(seen.at(-1)?.rts, 0);
});
