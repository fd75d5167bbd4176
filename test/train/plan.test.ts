import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { concat, graph, initializer, input, matmul } from '../../src/graph/index.ts';
import { StaveError } from '../../src/errors.ts';
import type { Batch } from '../../src/train/batch.ts';
import { peakBytes } from '../../src/train/liveness.ts';
import { planTable } from '../../src/cli/train-plan.ts';
import { parseRecipe, parseStages } from '../../src/train/index.ts';
import { startModel } from '../../src/train/model.ts';
import { planTraining } from '../../src/train/plan-stages.ts';
import { planHere, type TrainPlan } from '../../src/train/plan.ts';
import { sectionsOf, spread } from '../../src/train/sections.ts';
import { timeUpdates } from '../../src/train/trial.ts';
import { runData } from '../../src/train/run-data.ts';
import { startData } from '../../src/train/setup.ts';
import { openTokenizer } from '../../src/train/tokenizer.ts';
import { model as golden, stave } from '../cli/run.ts';
import { tinyJson } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-plan-'));
after(() => rm(folder, { recursive: true }));

const mean = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length;

const withLessons = (lessons: object[], steps: number) => parseRecipe({ ...tinyJson, data: { ...tinyJson.data, lessons }, steps }, folder);

const bounds = (lessons: object[], steps: number) => sectionsOf(withLessons(lessons, steps)).map(({ name, start, steps: n }) => [name, start, n]);

/** A batch that was looked at. */
const look = (index: number) => ({ index, sizes: { B: 1, S: 1, L: 1, tokens: 1, rows: 1 }, bytes: 1 });

const size = (outputs: Parameters<typeof graph>[0]) => peakBytes(graph(outputs), { N: 100 });

test('what lives at once: two of a chain, one in place, views nothing, weights nothing', () => {
  const x = input('x', 'float32', ['N', 10]);
  const one = 4 * 100 * 10;
  const square = initializer('w', 'float32', [10, 10], { data: new Float32Array(100) });
  const layer = (v: typeof x) => matmul(v, square);
  assert.equal(size({ y: layer(x) }), one);
  assert.equal(size({ y: layer(layer(layer(x))) }), 2 * one); // a product's input and its output
  assert.equal(size({ y: layer(x).add(1).exp().neg() }), one); // each into its input's place
  assert.equal(size({ y: layer(x).reshape([-1, 5]).add(1) }), one);
  const kept = layer(x);
  assert.equal(size({ y: kept.exp().add(kept) }), 2 * one); // kept is needed again
  assert.equal(size({ y: kept.exp(), kept }), 2 * one);
  assert.equal(size({ y: concat([layer(x), layer(x).exp()], 0) }), 4 * one);
  assert.equal(size({ y: layer(x).add(matmul(square, square).sum()) }), one); // a number that weights alone give is there already
});

test('the plan of a recipe: its sizes, what its batches hold, and nothing written', async () => {
  const recipe = parseRecipe({ ...tinyJson, batch: { clips: 2, accumulate: 2 }, steps: 4 }, folder);
  const model = await startModel(recipe, await openTokenizer(recipe));
  const weights = [...model.trained.values()].reduce((sum, { data }) => sum + data.length, 0);
  const source = startData(runData(recipe, model, undefined));
  let tokens = 0;
  for (let index = 0; index < 8; index++) tokens += ((await source.next({ set: 'train', index }, 8)) as Batch).sizes.tokens;
  await source.close();

  const file = join(folder, 'recipe.json');
  const { steps: _, ...shared } = { ...tinyJson, out: recipe.out, batch: recipe.batch };
  await writeFile(file, JSON.stringify({ ...shared, stages: [{ steps: 4 }, { steps: 3, trainable: ['visual.blocks.*.temp_attn.*'], lora: { r: 2, targets: ['q_proj'] } }] }));
  const { code, out } = await stave(['train', '--plan', file, '--json', '--set', 'eval.clips=4']);
  assert.equal(code, 0);
  const [plan, second] = out.trim().split('\n').map((line) => JSON.parse(line) as TrainPlan);
  assert.deepEqual([plan.parameters, plan.trained, plan.steps, plan.clips, plan.tokens, plan.looked_at], [weights, weights, 4, 4, tokens / 4, 8]);
  const { total, ...parts } = plan.memory;
  assert.equal(Object.values(parts).reduce((a, b) => a + b), total);
  assert.equal(plan.memory.state, 11 * 4 * weights); // weights and two moments before and after an update and in a checkpoint, the gradients' sum twice
  const { trial } = plan;
  assert.ok(trial !== undefined && trial.updates > 0 && trial.update > 0 && trial.evaluation > 0);
  assert.ok(Math.abs(trial.total - (4 * trial.update + 2 * trial.evaluation)) < 1e-9);
  assert.deepEqual(plan.sections, [{ name: 'all', steps: 4, clips: 4, tokens: plan.tokens, update: trial.update }]);
  assert.ok(trial.peak > total / 2 && trial.peak < 2 * total, `${trial.peak} on trial, ${total} by shapes`);
  assert.ok(second.steps === 3 && second.trained < second.parameters && second.parameters > weights && second.memory.frozen > 0);
  assert.ok(!existsSync(recipe.out));
});

test('lessons are planned one by one: what their own batches hold, every turn as often as the others', async () => {
  const lessons = [{ steps: 3, frames: 2, clips: 1 }, { steps: 4, turns: [{ frames: 8, clips: 3 }, { frames: 2, clips: 4, questions: 1 }] }, { steps: 50, frames: 2 }];
  const recipe = withLessons(lessons, 9);
  const model = await startModel(recipe, await openTokenizer(recipe));
  const source = startData(runData(recipe, model, undefined));
  const tokens: number[] = [], clips: number[] = [];
  for (let index = 0; index < 9; index++) {
    const { sizes } = (await source.next({ set: 'train', index }, 9)) as Batch;
    tokens.push(sizes.tokens);
    clips.push(sizes.B);
  }
  await source.close();
  const plan = await planHere(recipe, { trial: false });
  const section = (name: string, from: number, to: number) => ({ name, steps: to - from, clips: mean(clips.slice(from, to)), tokens: mean(tokens.slice(from, to)) });
  assert.deepEqual(plan.sections, [section('lesson 1', 0, 3), section('lesson 2', 3, 7), section('lesson 3', 7, 9)]); // so short that all of their batches were looked at
  assert.ok(plan.looked_at === 9 && Math.abs(plan.tokens - mean(tokens)) < 1e-9 && Math.abs(plan.clips - mean(clips)) < 1e-9);
});

test('batches looked at: spread over a section, turns as often as each other, none twice', () => {
  const section = { name: 'lesson 2', start: 100, steps: 1000, turns: 4 };
  for (const [count, micro] of [[2, 1], [5, 1], [8, 3], [12, 2]]) {
    const found = spread(section, count, micro);
    assert.ok(found.length >= count && new Set(found).size === found.length);
    const updates = found.map((index) => Math.floor(index / micro) - 100);
    assert.deepEqual([0, 1, 2, 3].map((turn) => updates.filter((update) => update % 4 === turn).length), Array(4).fill(found.length / 4));
    assert.ok(updates.every((update) => update >= 0 && update < 1000) && (found.length === 4 || Math.max(...updates) >= 500));
  }
  assert.deepEqual(spread({ ...section, steps: 3 }, 12, 2), [200, 202, 204, 201, 203, 205]); // all there are
  assert.deepEqual(bounds([], 5), [['all', 0, 5]]);
  assert.deepEqual(bounds([{ steps: 2 }, { steps: 2 }], 5), [['lesson 1', 0, 2], ['lesson 2', 2, 2], ['the rest', 4, 1]]);
  assert.deepEqual(bounds([{ steps: 5 }, { steps: 2 }], 5), [['lesson 1', 0, 5]]);
});

test('time is worked out section by section: a slow one does not make another slow', async () => {
  const sections = [{ looks: [look(1), look(3)] }, { looks: [look(10), look(20), look(30)] }, { looks: [look(100)] }];
  const asked: number[] = [];
  const update = async ({ index }: { index: number }) => {
    asked.push(index);
    return index * (index < 10 ? 0.5 : index < 100 ? 0.01 : 0.02); // seconds a unit of work
  };
  const { updates, seconds } = await timeUpdates(sections, ({ index }) => index, update);
  assert.deepEqual([updates, asked], [6, [100, 3, 30, 100, 1, 20, 100]]); // the largest first: it takes the memory
  assert.deepEqual(seconds.map((s) => Number(s.toFixed(9))), [1, 0.2, 2]);
  const slow = await timeUpdates(sections, ({ index }) => index, async ({ index }) => index * 25); // over the time before the second is reached
  assert.ok(slow.updates === 1 && Math.abs(slow.seconds[2] - 2500) < 1e-9);
});

test('stages from a checkpoint are planned with its tokenizer: the models that they will start from are not there yet', async () => {
  const { tokenizer: _tokenizer, model: _model, steps: _steps, ...shared } = { ...tinyJson, out: 'staged', init: golden };
  const plans = await planTraining(parseStages({ ...shared, stages: [{ steps: 1 }, { steps: 2 }] }, folder), { trial: false });
  assert.deepEqual(plans.map(({ steps, clips }) => [steps, clips]), [[1, 2], [2, 2]]);
});

test('what does not fit is not tried', async () => {
  const container = mock.method(process, 'constrainedMemory', () => 1e6);
  const { availableMemory } = process;
  Object.assign(process, { availableMemory: undefined }); // as in Node 20 before 20.13
  const { trial, no_trial } = await planHere(parseRecipe(tinyJson, folder)).finally(() => Object.assign(process, { availableMemory }));
  container.mock.restore();
  assert.equal(trial, undefined);
  assert.match(no_trial!, /MB of memory are free, which is not enough$/);
});

test('what is wrong with the recipe is said, and what does not go together', async () => {
  const wrong = parseRecipe({ ...tinyJson, trainable: ['nothing.*'] }, folder);
  await assert.rejects(planTraining([wrong]), (error) => error instanceof StaveError && error.code === 'RECIPE' && /which no tensor matches/.test(error.message));
  const file = join(folder, 'whole.json');
  await writeFile(file, JSON.stringify(tinyJson));
  const { code, err } = await stave(['train', '--plan', file, '--resume']);
  assert.deepEqual([code, /--plan and --resume do not go together/.test(err)], [2, true]);
});

test('the table of a plan', () => {
  const memory = { frozen: 0, state: 48e6, update: 143e6, evaluation: 9e6, base: 273e6, total: 473e6 };
  const plan = { name: 'box', parameters: 2e6, trained: 1e5, steps: 1000, clips: 8, tokens: 917, sections: [{ name: 'all', steps: 1000, clips: 8, tokens: 917 }], looked_at: 12, memory };
  assert.equal(
    planTable({ ...plan, trial: { updates: 4, peak: 529e6, update: 4.515, evaluation: 61, total: 7322 } }),
    `run       box
weights   2.00 M, 100,000 of them trained
updates   1,000 of 8 clips
tokens    about 917,000, 917 an update (12 batches looked at)
memory    about 473 MB: weights and moments 48 MB, an update 143 MB, an evaluation 9 MB, the rest 273 MB
trial     529 MB at most, 4 updates timed
time      about 2 h 2 min: 4.51 s an update, 1 min 1 s an evaluation
`,
  );
  const sections = [{ name: 'lesson 1', steps: 600, clips: 48, tokens: 1500, update: 0.25 }, { name: 'lesson 10', steps: 300, clips: 16, tokens: 9000, update: 12 }, { name: 'the rest', steps: 100, clips: 16, tokens: 9500, update: 12.5 }];
  assert.match(
    planTable({ ...plan, sections, trial: { updates: 6, peak: 529e6, update: 5, evaluation: 61, total: 5061 } }),
    /^updates    1,000 of 8 clips on average\n.*\ntrial .*\ntime       .*; each lesson by updates of its own\nlesson 1   600 of 48 clips, 1,500 tokens an update, 0\.25 s: 2 min 30 s\nlesson 10  300 of 16 clips, 9,000 tokens an update, 12 s: 1 h 0 min\nthe rest   100 of 16 clips, 9,500 tokens an update, 13 s: 20 min 50 s\n$/ms,
  );
  assert.match(planTable({ ...plan, sections: sections.map((section) => ({ ...section, update: undefined })), no_trial: 'none was asked for' }), /\nlesson 1   600 of 48 clips, 1,500 tokens an update\n/);
  assert.match(planTable({ ...plan, no_trial: '100 MB of memory are free, which is not enough' }), /\ntrial     none: 100 MB of memory are free, which is not enough\n$/);
});
