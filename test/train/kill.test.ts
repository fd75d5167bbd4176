import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { killAndResume, smallRecipe } from '../../scripts/kill-training.ts';
import { untimed } from './tiny.ts';

test('killed with SIGKILL at random points and resumed: weights, moments, losses, evaluations, the best checkpoint and the early end of an undisturbed run, bit for bit', { skip: process.platform === 'win32' }, async () => {
  const work = await mkdtemp(join(tmpdir(), 'stave-kill-'));
  try {
    const outcome = await killAndResume({ ...smallRecipe, steps: 40, best: { metric: 'accuracy', patience: 4, min_delta: 1 } }, { kills: 3, seed: 7, work, updates: 25 });
    assert.equal(outcome.kills.length, 3);
    assert.ok(outcome.kills.some(({ step }) => step > 0 && step < 25));
    assert.deepEqual(outcome.differing, []);
    const { step, ended } = (await untimed(join(work, 'killed'))).at(-1)!;
    assert.deepEqual([step, ended], [25, 'patience']); // no share of right answers is more than 1 above another
  } finally {
    await rm(work, { recursive: true });
  }
});
