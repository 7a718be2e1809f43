import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourcePath } from '../../src-main/common/resources.js';
import type { ExploreResult } from '../../src-main/service/explore.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const cli = resourcePath('dist', 'src-main', 'hosts', 'cli.js');
const example = (name: string): string => join(resourcePath('dist', 'examples'), name);
const sweep = [
  ...['explore', example('digits.onnx'), '--calibration', example('digits-calibration.npz')],
  ...['--calibrate-by', 'minmax', '--capacitance', '100uF,1mF', '--sram', '100,16384'],
];

test('explore: front, reasons, picture, and one point on the virtual bench beside its prediction', async (t) => {
  const plot = join(await temporaryFolder(t), 'front.html');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      ...[cli, ...sweep, '--strategy', 'planned,adaptive', '--json', '--out', plot],
      ...['--verify', '1', '--data', example('digits-eval.npz')],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  const { points, front, verified } = JSON.parse(stdout) as ExploreResult;
  assert.equal(points.length, 8);
  assert.equal(points.filter((point) => !point.feasible && point.reason.includes('576 bytes')).length, 4);
  assert.ok(front.length > 0);
  assert.match(readFileSync(plot, 'utf8'), /^<!doctype html>[\s\S]*<svg[\s\S]*planned/);
  assert.equal(verified.length, 1);
  const [{ point, status: ended, measured }] = verified;
  const checked = points[point];
  assert.equal(ended, 'finished');
  assert.ok(checked.feasible && measured !== null && measured.latencySeconds !== null);
  assert.equal(measured.powerCycles, checked.predicted.powerCycles);
  assert.ok(Math.abs(measured.latencySeconds / checked.objectives.latencySeconds - 1) < 0.1);
});

test('explore: what is wrong with the command is said before anything is computed', () => {
  for (const [words, expected] of [
    [['--verify', '1'], /--verify.*--data/],
    [['--out', 'front.pdf'], /front\.pdf.*\.svg or \.html/],
    [['--capacitance', '1mF,,2mF'], /--capacitance.*empty entry/],
    [['--strategy', 'adaptve'], /Did you mean 'adaptive'/],
  ] as const) {
    const { stderr, status } = spawnSync(process.execPath, [cli, ...sweep, ...words], { encoding: 'utf8' });
    assert.equal(status, 2, stderr);
    assert.match(stderr, expected);
  }
});

test('explore: Ctrl+C ends it with one line', async () => {
  const child = spawn(process.execPath, [cli, ...sweep.slice(0, 4)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  // Long enough for the signal to be listened to, too short for 252 combinations.
  setTimeout(() => child.kill('SIGINT'), 1500);
  const status = await new Promise((resolve) => child.on('exit', resolve));
  assert.equal(status, 1, text);
  assert.match(text, /stopped before it was done/);
  assert.doesNotMatch(text, /fault of Brownout Bench/);
});
