import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { killAndResume, smallRecipe } from '../../scripts/kill-training.ts';

test('killed with SIGKILL at random points and resumed: weights, moments, losses and evaluations of an undisturbed run, bit for bit', { skip: process.platform === 'win32' }, async () => {
  const work = await mkdtemp(join(tmpdir(), 'stave-kill-'));
  try {
    const outcome = await killAndResume({ ...smallRecipe, steps: 24 }, { kills: 3, seed: 7, work });
    assert.equal(outcome.kills.length, 3);
    assert.ok(outcome.kills.some(({ step }) => step > 0 && step < 24));
    assert.deepEqual(outcome.differing, []);
  } finally {
    await rm(work, { recursive: true });
  }
});
