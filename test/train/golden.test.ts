import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkTrainingSet } from '../../scripts/conformance/training.ts';

test('labels, gradients, both stages, the adapter and what it merges to agree with PyTorch 2.6 and peft (see the README of test/goldens/training)', async () => {
  const rows = await checkTrainingSet(fileURLToPath(new URL('../goldens/training', import.meta.url)));
  assert.deepEqual(rows.filter(({ ok }) => !ok).map(({ name, note }) => `${name}: ${note}`), []);
  assert.ok(rows.length > 17);
});
