import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { StaveError } from '../../src/errors.ts';
import { changed, type Changes } from '../../src/train/change.ts';
import { loadRecipe, loadStages } from '../../src/train/index.ts';
import { stave } from '../cli/run.ts';
import { tinyJson } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-set-'));
after(() => rm(folder, { recursive: true }));
const file = join(folder, 'recipe.json');
await writeFile(file, JSON.stringify({ ...tinyJson, steps: 2, eval: { clips: 0 } }));
const { steps: _, ...shared } = tinyJson;
const staged = join(folder, 'staged.json');
await writeFile(staged, JSON.stringify({ ...shared, stages: [{ steps: 3 }, { steps: 4, optimizer: { lr: 0.001 } }] }));

const set = (changes: Changes) => loadRecipe(file, changes);
const refused = (work: Promise<unknown>, text: RegExp) => assert.rejects(work, (error) => error instanceof StaveError && error.code === 'RECIPE' && text.test(error.message));

test('a path leads to any field, one that the recipe leaves to its default too; the given JSON stays', async () => {
  const recipe = await loadRecipe(file, { 'optimizer.lr': 5e-5, 'optimizer.betas': [0.8, 0.9], 'checkpoint.keep': 7, 'lora': null, 'model.vision_config.depth': 1 });
  assert.deepEqual([recipe.optimizer.lr, recipe.optimizer.betas, recipe.checkpoint, recipe.lora, (recipe.model.vision_config as { depth: number }).depth], [5e-5, [0.8, 0.9], { every: 2, keep: 7 }, undefined, 1]);
  const json = { a: [{ b: 1 }, { b: 2 }] };
  assert.deepEqual([changed(json, { 'a.1.b': 3, 'c.d': 4 }), json], [{ a: [{ b: 1 }, { b: 3 }], c: { d: 4 } }, { a: [{ b: 1 }, { b: 2 }] }]);
  assert.deepEqual((await loadStages(staged, { set: { 'stages.1.optimizer.lr': 0.5, 'batch.clips': 1 } })).map(({ optimizer, batch }) => [optimizer.lr, batch.clips]), [[0.01, 1], [0.5, 1]]);
});

test('a path that leads nowhere is refused, and so is one to a field without effect', async () => {
  await refused(set({ 'optimizer.rate': 1 }), /recipe\.json with optimizer\.rate=1: optimizer\.rate is not a known field\n→ known fields here: .*\blr\b/);
  await refused(set({ 'optimiser.lr': 1 }), /optimiser is not a known field/);
  await refused(set({ 'steps.lr': 1 }), /the path "steps\.lr" leads nowhere\nsteps is 2, which has no fields/);
  await refused(set({ 'optimizer.betas.2': 1 }), /optimizer\.betas is \{"2":1\}\n→ give a list of 2 numbers/);
  await refused(set({ 'optimizer..lr': 1 }), /a part of it is empty/);
  await refused(set({ '__proto__.lr': 1 }), /leads nowhere/);
  await refused(set({ 'model.hiden_size': 64 }), /the recipe's model has no "hiden_size"/);
  await refused(set({ 'optimizer.lr': 'high' }), /with optimizer\.lr="high": optimizer\.lr is "high"\n→ give a number/);
  await refused(loadStages(staged, { set: { 'stages.2.steps': 1 } }), /stages is a list of 2\n→ give the number of an entry, from 0 to 1/);
  await refused(loadStages(staged, { set: { 'optimizer.lr': 1 } }), /"optimizer\.lr" of the recipe is not that of all stages\nstages\[1\] has a "optimizer" of its own\n→ say which: stages\.1\.optimizer\.lr/);
});

test('--set is written into the run, and a resumed run has to have it again', async () => {
  const out = join(folder, 'run');
  const { code } = await stave(['train', file, '--out', out, '--set', 'optimizer.lr=5e-4', '--set', 'name=with less']);
  assert.equal(code, 0);
  const written = JSON.parse(await readFile(join(out, 'recipe.json'), 'utf8')) as { name: string; optimizer: { lr: number } };
  assert.deepEqual([written.name, written.optimizer.lr], ['with less', 5e-4]);
  const without = await stave(['train', file, '--out', out, '--resume']);
  assert.equal(without.code, 1);
  assert.match(without.err, /written by another recipe\noptimizer\.lr: 0\.0005 → 0\.01\n/);
  assert.equal((await stave(['train', file, '--out', out, '--resume', '--set', 'optimizer.lr=0.0005'])).code, 0);
  const wrong = await stave(['train', file, '--set', 'optimizer.lr']);
  assert.deepEqual([wrong.code, /--set must be PATH=VALUE, got "optimizer\.lr"/.test(wrong.err)], [2, true]);
});
