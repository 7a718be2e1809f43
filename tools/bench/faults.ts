import { LINE_FAULTS } from '../faults/line-faults.js';
import { faultProfiles, tryAllFaults, type FaultCell } from '../faults/supply-faults.js';

/** The table of line faults by supply driver: how often a conversation ended right, with an error, or misread. */
export async function benchFaults(print: (line: string) => void): Promise<unknown> {
  const begin = performance.now();
  const cells = await tryAllFaults();
  const drivers = faultProfiles().map(({ emulator }) => emulator.id);
  const widest = Math.max(...LINE_FAULTS.map(({ kind }) => kind.length));
  const columns = drivers.map((driver) => Math.max(8, driver.length));
  print('line faults by supply driver; each fault at every message or reply of a conversation');
  print('(identify, set, protect, on, measure, set, measure, off)');
  print('');
  print(
    `${'fault'.padEnd(widest)}  ${drivers.map((driver, index) => driver.padEnd(columns[index])).join('  ')}`,
  );
  for (const { kind } of LINE_FAULTS) {
    const row = drivers.map((driver, index) => {
      const cell = cells.find((each) => each.fault === kind && each.driver === driver);
      return (cell === undefined ? '-' : short(cell)).padEnd(columns[index]);
    });
    print(`${kind.padEnd(widest)}  ${row.join('  ')}`);
  }
  const trials = cells.reduce((sum, each) => sum + each.trials, 0);
  const breaches = cells.flatMap((cell) =>
    cell.breaches.map((each) => `${cell.fault}, ${cell.driver}: ${each}`),
  );
  print('');
  print(
    '12r recovered and right; 3e clear error, output off; 1m a reading was wrong and nothing could show it (no',
  );
  print('checksum in this protocol); 2! output still on, since the cable stays away, and it is told so.');
  print(
    `${trials} trials in ${((performance.now() - begin) / 1000).toFixed(1)} s; output on when it could be off: ` +
      `${breaches.length === 0 ? 'never' : breaches.join('; ')}; longest to the end: ` +
      `${Math.max(...cells.map(({ slowestSeconds }) => slowestSeconds)).toFixed(1)} s simulated`,
  );
  const over = cells.filter(({ overLimitSeconds }) => overLimitSeconds > 0);
  for (const { fault, driver, overLimitSeconds } of over) {
    print(
      `${driver}, ${fault}: more than the board's limit for up to ${overLimitSeconds.toFixed(2)} s, until it was read back`,
    );
  }
  return { trials, breaches, cells };
}

function short({ trials, recovered, misread, leftOn }: FaultCell): string {
  const failed = trials - recovered - misread;
  return [
    recovered > 0 ? `${recovered}r` : '',
    failed > 0 ? `${failed}e` : '',
    misread > 0 ? `${misread}m` : '',
    leftOn > 0 ? `${leftOn}!` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}
