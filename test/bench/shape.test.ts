/** The bench as a process, on a shape so small that its numbers mean nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pairsText, type Pairs } from '../../bench/shape/pairs.ts';
import type { Report } from '../../bench/shape/report.ts';
import { shapeConfig } from '../../bench/shape/shapes.ts';
import { visionFlops } from '../../bench/shape/work.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-bench-'));
after(() => rm(folder, { recursive: true }));

function bench(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('../../bench/shape.ts', import.meta.url)), ...argv], { encoding: 'utf8', env: { ...process.env, TMPDIR: folder } });
  return { status, stdout, stderr };
}

test('every stage is measured on the prompt of the workload, between two measurements of the machine', async () => {
  const { status, stdout, stderr } = bench('--shape', 'small', '--sta', '--clips', '1', '--tokens', '3', '--json');
  assert.equal(status, 0, stderr);
  const { limits, cases: [only, ...others], machine } = JSON.parse(stdout) as Report;
  assert.deepEqual([only.grid, only.prompt_tokens, only.visual_tokens, only.sta, others.length], [[8, 16, 22], 756, 704, true, 0]);
  assert.equal(limits.length, 2);
  assert.equal(only.vision.all.length, 1);
  const most = Math.max(...limits.map(({ fp32 }) => fp32));
  const rate = visionFlops(shapeConfig('small', true), [8, 16, 22]) / Math.min(...only.vision.all);
  assert.ok(Math.abs(only.reached.vision.of_limit - rate / most) < 1e-9);
  assert.ok(only.memory.peak >= only.memory.loaded && only.memory.loaded > 1e7);
  assert.match(machine.onnxruntime, /^1\./);
  assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith('stave')), [], 'the checkpoint is gone');
});

test('the vision encoder with and without temporal attention by turns: a time of each for every pair', () => {
  const { status, stdout, stderr } = bench('--shape', 'small', '--pairs', '2', '--frames', '2', '--json');
  assert.equal(status, 0, stderr);
  const { sta, base, frames } = JSON.parse(stdout) as Pairs & { frames: number };
  assert.deepEqual([sta.length, base.length, frames], [2, 2, 2]);
  assert.ok([...sta, ...base].every((seconds) => seconds > 0));
});

test('what temporal attention adds is told of the medians, and pair by pair', () => {
  assert.equal(pairsText({ sta: [1.1, 2.4, 1.05], base: [1, 2, 1] }), 'with STA 1.100 s, without 1.000 s (medians of 3): temporal attention adds 10.0 %; pair by pair 10.0 %, from 5.0 % to 20.0 %');
});

test('what cannot be run is said, with exit code 2', () => {
  for (const [argv, says] of [[[], /--shape/], [['--shape', 'gpt-2'], /gpt-2[^]*qwen2-vl-2b/], [['--shape', 'small', '--base'], /--sta/], [['--shape', 'small', '--frames', '1'], /--frames 1/], [['--shape', 'small', '--pairs', '0'], /--pairs 0/], [['--shap', 'small'], /--shap/]] as const) {
    const { status, stderr } = bench(...argv);
    assert.equal(status, 2, stderr);
    assert.match(stderr, says);
  }
});
