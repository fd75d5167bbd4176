import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadRecipe } from '../../src/train/index.ts';

const root = new URL('../../', import.meta.url);
const recipe = await loadRecipe(fileURLToPath(new URL('box/recipe.json', root)));
const rows = readFileSync(new URL('docs/training.md', root), 'utf8').split('\n').filter((line) => line.startsWith('| `'));
const documented = new Set(rows.flatMap((row) => [...row.split('|')[1].matchAll(/`([\w.]+)`/g)].map(([, name]) => name)));

/** Fields of the recipe, those of its parts with their path; `model` is config.json's business. */
const fields = Object.entries(recipe).flatMap(([name, value]) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && name !== 'model' ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
);

for (const field of fields) test(`docs/training.md explains the recipe's ${field}`, () => assert.ok(documented.has(field), `add a row for \`${field}\` to docs/training.md`));
