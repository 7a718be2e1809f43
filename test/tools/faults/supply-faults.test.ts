import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINE_FAULTS } from '../../../tools/faults/line-faults.js';
import { faultProfiles, summarize, tryFault } from '../../../tools/faults/supply-faults.js';
import { SUPPLY_DRIVERS } from '../../../src-main/supply/drivers/index.js';

/** Protocols whose replies have a checksum: nothing wrong may pass. */
const CHECKED = new Set(['rdtech-dps', 'riden-rd60xx']);

/** Text without a checksum, and no over-voltage protection that can be set over the line. */
const WITHOUT_PROTECTION = new Set(['korad', 'siglent-spd', 'keithley-2450']);

test('there are at least 20 kinds of fault, and every driver is tried', () => {
  assert.ok(LINE_FAULTS.length >= 20);
  const tried = new Set(faultProfiles().map(({ profile }) => profile.driver));
  for (const { id } of SUPPLY_DRIVERS) {
    // The generic table is that of the virtual supply; the ampere meter is the source meter's engine.
    assert.ok(tried.has(id) || id === 'scpi' || id === 'ppk2-ampere-meter', id);
  }
});

for (const fault of LINE_FAULTS) {
  test(`${fault.kind}: every driver recovers or tells, ends soon, and the output goes off`, async () => {
    for (const driver of faultProfiles()) {
      const trials = await tryFault(fault, driver);
      const cell = summarize(trials);
      const where = `${fault.kind}, ${driver.emulator.id}: ${JSON.stringify(cell)}`;
      assert.ok(trials.length > 0, where);
      assert.deepEqual(cell.breaches, [], where);
      // Without a level of over-voltage protection only reading back tells a wrong voltage, which takes its time.
      assert.ok(cell.overLimitSeconds <= (WITHOUT_PROTECTION.has(driver.emulator.id) ? 0.5 : 0), where);
      if (fault.goneSeconds !== Infinity) {
        assert.equal(cell.leftOn, 0, where);
      } else {
        // What was left on is told as such in every single trial.
        assert.ok(
          trials.every(({ isOff, off }) => isOff || off === 'not possible'),
          where,
        );
      }
      if (CHECKED.has(driver.emulator.id)) {
        assert.equal(cell.misread, 0, where);
      } else if (cell.misread > 0) {
        assert.match(fault.kind, /^reply: a (byte|bit)|^command: (a bit flipped|another number)/, where);
        assert.ok(cell.misread <= 2, where);
      }
    }
  });
}
