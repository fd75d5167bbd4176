import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadStages, parseRecipe, parseStages } from '../../src/train/index.ts';

const root = new URL('../../', import.meta.url);
const shipped = await loadStages(fileURLToPath(new URL('box/recipe.json', root)));
const rows = readFileSync(new URL('docs/training.md', root), 'utf8').split('\n').filter((line) => line.startsWith('| `'));
const documented = new Set(rows.flatMap((row) => [...row.split('|')[1].matchAll(/`([\w.]+)`/g)].map(([, name]) => name)));

/** The recipe of docs/fine-tuning.md. */
const [, block] = /^```json\n([^]*?)^```/m.exec(readFileSync(new URL('docs/fine-tuning.md', root), 'utf8'))!;
const stages = parseStages(JSON.parse(block), '/');

/** Of what the recipes above do without. */
const more = parseRecipe({ out: 'run', init: 'base', data: { task: 'motion10' }, steps: 9, eval: { every: 1 }, best: { metric: 'loss', patience: 1, min_delta: 0 }, optimizer: { lr: 1, groups: [{ tensors: ['*'], lr: 1, weight_decay: 1 }] } }, '/');

/** Fields of the recipes, those of their parts with their path; `model` is config.json's business. */
const fields = [...shipped, ...stages, more].flatMap((whole) =>
  Object.entries(whole).flatMap(([name, value]) => (typeof value === 'object' && value !== null && !Array.isArray(value) && name !== 'model' ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name])),
);

test('docs/fine-tuning.md shows the paper\'s stages', () => {
  assert.deepEqual(stages.map(({ trainable, lora }) => [trainable.length, lora?.r]), [[2, undefined], [2, 16]]);
});

for (const field of new Set(fields)) test(`docs/training.md explains the recipe's ${field}`, () => assert.ok(documented.has(field), `add a row for \`${field}\` to docs/training.md`));
