/** Every reference set in test/goldens, as `npm run conformance` runs it. */
import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findSets } from '../scripts/conformance.ts';

const goldens = fileURLToPath(new URL('goldens', import.meta.url));

for (const { dir, kind } of await findSets(goldens))
  test(`${kind.kind} set ${relative(goldens, dir)}`, async () => {
    const rows = await kind.check(dir);
    assert.ok(rows.length > 0, 'a set has cases');
    assert.deepEqual(rows.filter(({ ok, note }) => !ok && !note?.startsWith('not yet supported')), []);
  });
