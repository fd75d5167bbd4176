import assert from 'node:assert/strict';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mock, test } from 'node:test';
import { isOver, standingOf, type BestSettings } from '../../src/train/best.ts';
import { checkpointAt, checkpoints } from '../../src/train/checkpoint.ts';
import { train } from '../../src/train/index.ts';
import { evaluationsOf } from '../../src/train/metrics.ts';
import { RunRecord } from '../../src/train/record.ts';
import type { Recipe } from '../../src/train/recipe.ts';
import { openWeights, saveSafetensors } from '../../src/weights/index.ts';
import { stave } from '../cli/run.ts';
import { tiny, untimed } from './tiny.ts';

/** Best step and evaluations waited after each of these values; evaluation i is that of step i + 1. */
function course(values: number[], settings: Pick<BestSettings, 'metric' | 'min_delta'>): [best: number | undefined, waited: number][] {
  const evaluations = values.map((value, i) => ({ step: i + 1, loss: NaN, accuracy: NaN, [settings.metric]: value }));
  return values.map((_, i) => {
    const { best, waited } = standingOf(evaluations.slice(0, i + 1), settings);
    return [best?.step, waited];
  });
}

test('the best evaluation, and how long no better one has come', () => {
  assert.deepEqual(course([3, 2, 2, 2.5, 1], { metric: 'loss' }), [[1, 0], [2, 0], [2, 1], [2, 2], [5, 0]]);
  assert.deepEqual(course([0, 0.5, 0.5, 0.25, 1], { metric: 'accuracy' }), [[1, 0], [2, 0], [2, 1], [2, 2], [5, 0]]);
  assert.deepEqual(course([NaN, 3, NaN, Infinity, 2], { metric: 'loss' }), [[undefined, 1], [2, 0], [2, 1], [2, 2], [5, 0]]);
  assert.deepEqual(course([2, 1.75, 1.5, 1.25], { metric: 'loss', min_delta: 0.5 }), [[1, 0], [2, 1], [3, 2], [4, 0]]); // each the best; together they are more than 0.5
  assert.deepEqual([1, 2, 3].map((waited) => isOver({ best: null, waited }, { patience: 2 })), [false, true, true]);
  assert.equal(isOver({ best: null, waited: 1e9 }, {}), false);
});

const steps = async (recipe: Recipe): Promise<number[]> => (await checkpoints(recipe)).map((path) => Number(basename(path).slice('step-'.length)));
/** Leaves the weights alone in a checkpoint. */
async function withoutMoments(checkpoint: string): Promise<void> {
  const file = join(checkpoint, 'state.safetensors');
  const stored = await openWeights(file);
  const kept = await Promise.all([...stored.tensors.values()].filter(({ name }) => name.startsWith('param:')).map(async ({ name, shape }) => ({ name, dtype: 'F32' as const, shape: [...shape], data: await stored.readF32(name) })));
  await stored.close();
  await rm(file);
  await saveSafetensors(file, kept);
}

const model = ({ out }: Recipe): Promise<Buffer> => readFile(join(out, 'model', 'model.safetensors'));

test('a run ends when no better evaluation comes, with the best one\'s weights; stopped and resumed it ends the same', async () => {
  const changes = { steps: 12, eval: { every: 2, clips: 2 }, checkpoint: { every: 5, keep: 1 }, best: { metric: 'accuracy', patience: 3, min_delta: 1 } }; // no share is more than 1 above another
  await using whole = await tiny(changes);
  const result = await train(whole.recipe);
  const best = result.best!;
  assert.deepEqual([result.step, result.finished, result.ended, result.model_step], [8, true, 'patience', best.step]);
  assert.ok(best.step < 8, 'accuracy alone would have to grow with each evaluation');
  assert.deepEqual(await steps(whole.recipe), [best.step, 8]);
  assert.deepEqual((await untimed(whole.recipe.out)).at(-1), { step: 8, ended: 'patience', best, model_step: best.step });

  await using short = await tiny({ ...changes, steps: best.step, schedule: { warmup_steps: 2, total_steps: 12 }, eval: { clips: 0 }, best: undefined });
  await train(short.recipe);
  assert.ok((await model(short.recipe)).equals(await model(whole.recipe)), 'the model is that of a run up to the best step');

  await using parts = await tiny(changes);
  const { recipe } = parts;
  const stop = new AbortController();
  const stopped = await train(recipe, { signal: stop.signal, onStep: ({ step }) => step === 7 && stop.abort() });
  assert.deepEqual([stopped.step, stopped.ended, stopped.best], [7, 'signal', best]);
  assert.deepEqual((await untimed(recipe.out)).at(-1), { step: 7, ended: 'signal', best });
  await assert.rejects(train({ ...recipe, eval: { ...recipe.eval, clips: 4 } }, { resume: true }), { code: 'TRAIN', message: /written by another recipe\neval\.clips: 2 → 4\n/ });
  const resumed = await train(recipe, { resume: true });
  assert.deepEqual([resumed.step, resumed.ended, resumed.best], [8, 'patience', best]);
  assert.deepEqual(await untimed(recipe.out), await untimed(whole.recipe.out));
  assert.ok((await model(recipe)).equals(await model(whole.recipe)));

  assert.match(await readFile(join(recipe.out, 'report.html'), 'utf8'), new RegExp(`<th>best</th><td>most held-out answers right, [\\d.]+ % at step ${best.step}</td>.*<th>ended</th><td>3 evaluations in a row without an improvement; the model is that of step ${best.step}</td>`));
  assert.match((await stave(['runs', recipe.out])).out, new RegExp(`finished early +8/12 .* at ${best.step} `));

  await withoutMoments(checkpointAt(recipe, best.step));
  await rm(join(recipe.out, 'model'), { recursive: true });
  await train(recipe, { resume: true });
  assert.ok((await model(recipe)).equals(await model(whole.recipe)), 'the best weights are taken without their moments');

  const onwards = await train({ ...recipe, best: { ...recipe.best!, patience: 9 } }, { resume: true });
  assert.deepEqual([onwards.step, onwards.ended], [12, 'steps']);

  const metrics = join(recipe.out, 'metrics.jsonl');
  const lines = (await readFile(metrics, 'utf8')).split('\n');
  await writeFile(metrics, lines.filter((line) => !line.startsWith('{"step":4,"eval"')).join('\n'));
  await assert.rejects(train(recipe, { resume: true }), { code: 'TRAIN', message: /metrics\.jsonl has no evaluation of step 4\n/ });
  await writeFile(metrics, lines.join('\n'));
  const place = checkpointAt(recipe, onwards.best!.step);
  await rename(place, `${place}.away`);
  await assert.rejects(train(recipe, { resume: true }), { code: 'TRAIN', message: new RegExp(`the checkpoint of step ${onwards.best!.step}, which did best, is gone\n`) });
});

test('an evaluation is on disk before a checkpoint goes that it makes superfluous', async () => {
  await using setup = await tiny({ steps: 4, eval: { every: 2, clips: 2 }, checkpoint: { every: 2, keep: 1 }, best: { metric: 'loss' } });
  const seen: [evaluated: number | undefined, kept: number[]][] = [];
  const { sync } = RunRecord.prototype;
  const watched = mock.method(RunRecord.prototype, 'sync', async function (this: RunRecord) {
    seen.push([evaluationsOf(await this.lines()).at(-1)?.step, await steps(setup.recipe)]);
    await sync.call(this);
  });
  await train(setup.recipe);
  watched.mock.restore();
  assert.deepEqual(seen, [[undefined, []], [2, [2]], [2, [2]], [4, [2, 4]]]); // a checkpoint, its evaluation, and again
});

test('an evaluation that is made up for on resuming decides which checkpoints stay', async () => {
  const changes = { steps: 4, eval: { every: 2, clips: 64 }, checkpoint: { every: 2, keep: 1 }, best: { metric: 'loss' } };
  await using whole = await tiny(changes);
  await using parts = await tiny(changes);
  assert.equal((await train(whole.recipe)).best!.step, 4);
  const stop = new AbortController();
  const watching = setInterval(() => void untimed(parts.recipe.out).then((lines) => lines.some(({ step }) => step === 4) && stop.abort()), 5);
  const { finished } = await train(parts.recipe, { signal: stop.signal }).finally(() => clearInterval(watching));
  assert.deepEqual([finished, await steps(parts.recipe)], [false, [2, 4]]);
  await train(parts.recipe, { resume: true });
  assert.deepEqual([await steps(parts.recipe), await steps(whole.recipe)], [[4], [4]]);
});

test('where no evaluation can be the best, it is said that the model is the last', async () => {
  await using setup = await tiny({ steps: 2, eval: { every: 1, clips: 2 }, best: { metric: 'loss' } });
  const { recipe } = setup;
  await train(recipe);
  const file = join(recipe.out, 'metrics.jsonl');
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll(/"eval":\{"loss":[^,]+/g, '"eval":{"loss":null')); // as NaN stands in JSON
  const said: string[] = [];
  const { best, model_step } = await train(recipe, { resume: true, onLog: (line) => said.push(line) });
  assert.deepEqual([best, model_step], [undefined, 2]);
  assert.match(said.join('\n'), /^no evaluation has a held-out loss that is a number, so none is the best: the model is that of the last step, 2$/m);
});
