/** The command line as a user meets it: a process, its output, its exit status, and what it leaves on disk. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourcePath } from '../../src-main/common/resources.js';
import { sharedPath } from '../support/shared.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { writeOnnx } from '../support/onnx-writer.js';

function brownout(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resourcePath('dist', 'src-main', 'hosts', 'cli.js'), ...args],
    { cwd, encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  return { status, stdout, stderr };
}

const example = (name: string) => resourcePath('dist', 'examples', name);

/** A campaign on the bundled digits, as small as one can be. */
const CAMPAIGN = `name: Small
models:
  - file: ${example('digits.onnx')}
    data: ${example('digits-eval.npz')}
    calibration: ${example('digits-calibration.npz')}
strategies: [layer, tile]
capacitances: [470 uF]
harvests:
  - constant: { volts: 5 V, amps: 10 mA }
samples: 1
`;

test('run stores every cell; a second call has nothing left to do; runs, compare and report read them', async (context) => {
  const folder = await temporaryFolder(context);
  writeFileSync(join(folder, 'c.yaml'), CAMPAIGN);
  const first = brownout(folder, 'run', 'c.yaml', '--db', 'b.sqlite', '--json');
  assert.equal(first.status, 0, first.stderr);
  const { runs } = JSON.parse(first.stdout) as { runs: { id: number; status: string; strategy: string }[] };
  assert.deepEqual(runs.map((run) => [run.strategy, run.status]).sort(), [
    ['layer', 'finished'],
    ['tile', 'finished'],
  ]);

  const second = brownout(folder, 'run', 'c.yaml', '--db', 'b.sqlite');
  assert.equal(second.status, 0, 'nothing left to do is no mistake');
  assert.match(second.stdout, /All 2 runs of this campaign were already stored; --again/);
  assert.match(second.stdout, /layer.*finished/);

  const filtered = brownout(folder, 'runs', '--db', 'b.sqlite', '--where', 'strategy=tile', '--json');
  assert.equal((JSON.parse(filtered.stdout) as { total: number }).total, 1);

  const compared = brownout(folder, 'compare', '1', '2', '--db', 'b.sqlite');
  assert.equal(compared.status, 0, compared.stderr);
  assert.match(compared.stdout, /Strategy +layer +tile/);

  for (const ending of ['html', 'csv', 'json']) {
    const report = brownout(folder, 'report', '1', '2', '--db', 'b.sqlite', '--out', `r.${ending}`);
    assert.equal(report.status, 0, report.stderr);
    assert.match(readFileSync(join(folder, `r.${ending}`), 'utf8'), /tile/);
  }
});

/** What is wrong, the command, and what its one line must say. */
const MISTAKES: [string, (folder: string) => string[], RegExp][] = [
  [
    'a truncated .tflite',
    (folder) => {
      const model = readFileSync(sharedPath('models', 'kws_ds_cnn_int8.tflite'));
      writeFileSync(join(folder, 'cut.tflite'), model.subarray(0, 20_000));
      return ['compile', 'cut.tflite', '--out', 'image.bin'];
    },
    /cut\.tflite/,
  ],
  [
    'an ONNX with an unknown operator',
    (folder) => {
      writeFileSync(
        join(folder, 'odd.onnx'),
        writeOnnx({
          opset: 13,
          inputs: { x: [1, 4] },
          initializers: {},
          nodes: [{ operator: 'Einsum', name: 'strange', inputs: ['x'], output: 'y' }],
          outputs: ['y'],
        }),
      );
      return ['compile', 'odd.onnx', '--out', 'image.bin'];
    },
    /Einsum.*strange|strange.*Einsum/,
  ],
  [
    'a campaign with a misspelt key',
    (folder) => {
      writeFileSync(join(folder, 'bad.yaml'), CAMPAIGN.replace('strategies', 'stratgies'));
      return ['run', 'bad.yaml', '--db', 'new.sqlite'];
    },
    /bad\.yaml:6:1.*stratgies.*'strategies'/,
  ],
  [
    'a database that is not one',
    (folder) => {
      writeFileSync(join(folder, 'c.yaml'), CAMPAIGN);
      writeFileSync(join(folder, 'notes.sqlite'), 'Dear diary, this is no database at all. '.repeat(200));
      return ['run', 'c.yaml', '--db', 'notes.sqlite'];
    },
    /notes\.sqlite/,
  ],
  ['a model that is not there', () => ['inspect', 'nowhere.tflite'], /nowhere\.tflite.*no such file/],
  ['a misspelt strategy', () => ['compile', 'm.tflite', '--strategy', 'tiles'], /'tiles'.*'tile'/],
  [
    'a capacitance without sense',
    () => ['infer', 'm', '--data', 'd', '--capacitance', 'big'],
    /--capacitance.*big/,
  ],
  [
    'a campaign with a file that is not there',
    (folder) => {
      writeFileSync(join(folder, 'c.yaml'), CAMPAIGN.replace('digits.onnx', 'nowhere.onnx'));
      return ['run', 'c.yaml', '--db', 'new.sqlite'];
    },
    /nowhere\.onnx/,
  ],
  [
    'a campaign with a capacitor below the decoupling',
    (folder) => {
      writeFileSync(join(folder, 'c.yaml'), CAMPAIGN.replace('470 uF', '470 uF, 1 pF'));
      return ['run', 'c.yaml', '--db', 'new.sqlite'];
    },
    /1\.00 pF/,
  ],
  [
    'a turn-on voltage above what the supply gives',
    (folder) => {
      writeFileSync(join(folder, 'c.yaml'), `${CAMPAIGN}thresholds: { von: 7 V, voff: 3 V }\n`);
      return ['run', 'c.yaml', '--db', 'new.sqlite'];
    },
    /turn-on voltage of 7\.00 V cannot be reached/,
  ],
  [
    'a harvest above what the board takes',
    () => [
      ...['infer', example('digits.onnx'), '--data', example('digits-eval.npz'), '--limit', '1'],
      ...['--calibration', example('digits-calibration.npz'), '--backend', 'virtual', '--power', '50V,10mA'],
    ],
    /50\.0 V.*5\.50 V/,
  ],
  [
    'power on the host backend',
    () => ['infer', 'm', '--data', 'd', '--power', '5V,10mA'],
    /--backend virtual/,
  ],
  ['a power that is no source', () => ['infer', 'm', '--data', 'd', '--power', '5,10'], /5V,10mA/],
  ['a scale without sense', () => ['infer', 'm', '--data', 'd', '--scale', 'abc'], /--scale.*abc/],
  ['samples for an image that is not written', () => ['compile', 'm', '--data', 'd'], /--out/],
  ['a port beyond 65535', () => ['serve', '--no-open', '--db', 'new.sqlite', '--port', '99999'], /99999/],
  ['a supply port beyond 65535', () => ['virtual-supply', '--port', '99999'], /99999/],
  [
    'a demo in a folder that cannot be made',
    () => ['demo', '--db', '/dev/null/x/demo.sqlite'],
    /\/dev\/null\/x/,
  ],
  [
    'flashing what is no image',
    (folder) => {
      writeFileSync(join(folder, 'notes.txt'), 'no image');
      return ['flash', 'notes.txt', '--port', '/dev/nowhere'];
    },
    /notes\.txt: is not an image/,
  ],
  ['a misspelt command', () => ['inspct', 'm.tflite'], /inspct.*inspect/s],
  ['a missing option', () => ['runs'], /--db/],
];

for (const [what, prepare, message] of MISTAKES) {
  test(`${what}: exit status 2, the place, nothing changed on disk`, async (context) => {
    const folder = await temporaryFolder(context);
    const args = prepare(folder);
    const before = snapshot(folder);
    const { status, stderr } = brownout(folder, ...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
    assert.ok(!stderr.includes('    at '), 'no stack trace');
    assert.deepEqual(snapshot(folder), before);
  });
}

test('the reason of a run that does not terminate stands below the table', async (context) => {
  const folder = await temporaryFolder(context);
  writeFileSync(
    join(folder, 'c.yaml'),
    CAMPAIGN.replace('[layer, tile]', '[restart]').replace('470 uF', '100 uF'),
  );
  const { status, stdout } = brownout(folder, 'run', 'c.yaml', '--db', 'b.sqlite');
  assert.equal(status, 0, 'a finding, not a failure');
  assert.match(stdout, /Run 1 not-terminating: no progress in \d+ power cycles/);
});

test('doctor looks at the database it is given', async (context) => {
  const folder = await temporaryFolder(context);
  writeFileSync(join(folder, 'notes.sqlite'), 'no database '.repeat(100));
  for (const path of ['notes.sqlite', '.', join('nowhere', 'b.sqlite')]) {
    const { status, stdout } = brownout(folder, 'doctor', '--db', path);
    assert.equal(status, 1, path);
    assert.match(stdout, /BROKEN +Database/);
  }
  assert.equal(brownout(folder, 'doctor', '--db', 'new.sqlite').status, 0);
  assert.deepEqual(readdirSync(folder), ['notes.sqlite']);
});

test('a capacitor of 1 F is charged before the board is asked', async (context) => {
  const folder = await temporaryFolder(context);
  const { status, stderr } = brownout(
    folder,
    ...['infer', example('digits.onnx'), '--data', example('digits-eval.npz'), '--limit', '1'],
    ...['--calibration', example('digits-calibration.npz'), '--backend', 'virtual'],
    ...['--power', '5V,10mA', '--capacitance', '1F'],
  );
  assert.equal(status, 0, stderr);
});

function snapshot(folder: string): Map<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]));
}

test('self-test prints every part; a fault is named with its remedy and exit status 1', async (context) => {
  const folder = await temporaryFolder(context);
  const whole = brownout(folder, 'self-test', '--virtual');
  assert.equal(whole.status, 0, whole.stderr);
  assert.equal(whole.stdout.match(/^pass/gm)?.length, 6);
  const broken = brownout(folder, 'self-test', '--virtual', '--fault', 'adc-shorted');
  assert.equal(broken.status, 1);
  assert.match(broken.stdout, /FAIL +capacitor through the ADC +0\.00 V.*\n +The board runs, .*GPIO26/);
  const json = brownout(folder, 'self-test', '--virtual', '--fault', 'nvm-absent', '--json');
  const { checks } = JSON.parse(json.stdout) as { checks: { id: string; passed: boolean }[] };
  assert.deepEqual(
    checks.filter(({ passed }) => !passed).map(({ id }) => id),
    ['nvm-identity', 'nvm-pattern'],
  );
  for (const wrong of [
    [],
    ['--port', '/dev/null', '--virtual'],
    ['--port', '/dev/null', '--fault', 'nvm-small'],
  ]) {
    const refused = brownout(folder, 'self-test', ...wrong);
    assert.equal(refused.status, 2, wrong.join(' '));
    assert.match(refused.stderr, /--port .* or --virtual/);
  }
});

test('virtual-board runs a program, and refuses what is none with what is wrong', async (context) => {
  const folder = await temporaryFolder(context);
  const firmware = resourcePath('firmware', 'prebuilt', 'pico-fram.uf2');
  const run = brownout(folder, 'virtual-board', '--firmware', firmware, '--seconds', '20ms', '--json');
  assert.equal(run.status, 0, run.stderr);
  const result = JSON.parse(run.stdout) as { ended: string; cycles: number; output: string; notes: string[] };
  assert.equal(result.ended, 'time');
  assert.ok(result.cycles > 1000);
  // Our own firmware begins with the zero byte that ends a cut frame.
  assert.equal(result.output.charCodeAt(0), 0);
  assert.deepEqual(result.notes, []);
  writeFileSync(join(folder, 'text.bin'), 'this is not a program');
  const refused = brownout(folder, 'virtual-board', '--firmware', 'text.bin');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /text\.bin: it has no second-stage boot loader/);
});
