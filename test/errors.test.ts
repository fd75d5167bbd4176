import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAbort, StaveError } from '../src/errors.ts';

test('isAbort: the reasons that signals make, our own, and any reason of the signal that is handed in', async () => {
  assert.ok(isAbort(AbortSignal.abort().reason));
  const late = AbortSignal.timeout(1);
  await new Promise((resolve) => { late.addEventListener('abort', resolve); setTimeout(resolve, 1000); });
  assert.ok(isAbort(late.reason));
  assert.ok(isAbort(new StaveError('ABORTED', { what: 'left' })));
  for (const reason of ['enough', new Error('enough')]) {
    const { signal } = new AbortController();
    assert.ok(!isAbort(reason, signal), 'not aborted yet');
    assert.ok(isAbort(reason, AbortSignal.abort(reason)));
    assert.ok(!isAbort(reason));
  }
  assert.ok(!isAbort(new StaveError('IO', { what: 'x' }), AbortSignal.abort()));
});
