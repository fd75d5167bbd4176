import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codes } from '../../src/errors.ts';

/** Headings of docs/errors.md with the text under each. */
const sections = new Map(
  readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section.slice(section.indexOf('\n')).trim()]),
);

for (const [code, meaning] of Object.entries(codes))
  test(`docs/errors.md explains ${code}`, () => {
    const text = sections.get(code) ?? assert.fail(`add "### ${code}" to docs/errors.md`);
    assert.ok(text.length > meaning.length, 'it says more than src/errors.ts does');
    assert.match(text, /^To do: /m, 'it says what to do');
  });

test('docs/errors.md explains no code that does not exist', () => {
  assert.deepEqual([...sections.keys()].filter((code) => !Object.hasOwn(codes, code)), []);
});
