import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { StaveError } from '../../src/errors.ts';
import { openQwen2VL } from '../../src/models/qwen2vl/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import { checkpoints, loadCheckpoint } from '../../src/train/checkpoint.ts';
import { evaluateModel } from '../../src/train/evaluate.ts';
import { firstFormatHash, identityOf } from '../../src/train/identity.ts';
import { readMetrics, train, type TrainProgress } from '../../src/train/index.ts';
import { openWeights } from '../../src/weights/index.ts';
import { tiny, untimed } from './tiny.ts';

const codeOf = (code: string, text: RegExp) => (error: unknown) => error instanceof StaveError && error.code === code && text.test(error.message);

test('a run that is stopped and resumed ends as one that was not: losses, evaluations, weights', async () => {
  const changes = { optimizer: { lr: 0.01, weight_decay: 0.1, decay: 'trainer', groups: [{ tensors: ['*.temp_attn.*', '*.norm3.*'], lr: 0.03, weight_decay: 0.2 }] } };
  await using whole = await tiny(changes);
  await using parts = await tiny(changes);
  const seen: TrainProgress[] = [];
  const finished = await train(whole.recipe, { onStep: (progress) => seen.push(progress) });
  assert.deepEqual([finished.step, finished.finished], [6, true]);
  assert.deepEqual(seen.map(({ step }) => step), [1, 2, 3, 4, 5, 6]);
  assert.ok(seen.every(({ loss, clips_per_second, gflops, eta, memory }) => loss > 0 && clips_per_second > 0 && gflops > 0 && eta >= 0 && memory > 1e7));

  const stop = new AbortController();
  const stopped = await train(parts.recipe, { signal: stop.signal, onStep: ({ step }) => step === 3 && stop.abort() });
  assert.deepEqual([stopped.step, stopped.finished], [3, false]);
  const resumed = await train(parts.recipe, { resume: true });
  assert.equal(resumed.finished, true);

  assert.deepEqual(await untimed(parts.recipe.out), await untimed(whole.recipe.out));
  const [a, b] = await Promise.all([whole, parts].map(({ recipe }) => readFile(join(recipe.out, 'model', 'model.safetensors'))));
  assert.ok(a.equals(b), 'the saved models are the same bytes');
  assert.deepEqual((await checkpoints(whole.recipe)).map((path) => path.slice(-7)), ['0000004', '0000006']);
});

test('a stop in the middle of an evaluation does not wait for its end; the resumed run makes up for it', async () => {
  const changes = { steps: 4, eval: { every: 2, clips: 64 }, checkpoint: { every: 4, keep: 2 } };
  await using whole = await tiny(changes);
  await using parts = await tiny(changes);
  await train(whole.recipe);
  const { out } = parts.recipe;
  /** Goes on until the step is done and its evaluation has begun. */
  const until = async (step: number) => {
    const stop = new AbortController();
    const watching = setInterval(() => void untimed(out).then((lines) => lines.some((line) => line.step === step) && stop.abort()), 5);
    const result = await train(parts.recipe, { resume: step > 2, signal: stop.signal });
    clearInterval(watching);
    assert.deepEqual([result.step, result.finished], [step, false]);
    assert.ok((await untimed(out)).every((line) => !('eval' in line) || Number(line.step) < step), 'the evaluation was left');
    assert.ok((await checkpoints(parts.recipe)).at(-1)!.endsWith(String(step)));
  };
  await until(2);
  await until(4);
  const { finished, eval: held } = await train(parts.recipe, { resume: true });
  assert.equal(finished, true);
  assert.ok(held !== undefined && held.accuracy >= 0);
  assert.deepEqual(await untimed(out), await untimed(whole.recipe.out));
});

test('an evaluation is left when the signal says so', async () => {
  const stop = new AbortController();
  let asked = 0;
  const batch = { feeds: { labels: { data: [1n] } }, segments: [{ kind: 'action', labels: [0, 1] }] } as unknown as Batch;
  const engine = {
    evaluate: async (_batch: Batch, signal?: AbortSignal) => {
      if (++asked === 2) stop.abort();
      signal?.throwIfAborted();
      return { nll: Float32Array.of(0), predicted: BigInt64Array.of(1n) };
    },
  };
  await assert.rejects(evaluateModel(engine, { next: async () => batch, count: 50 }, stop.signal), { name: 'AbortError' });
  assert.equal(asked, 2);
});

test('a second run into the same folder is refused: it would mix with the first', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 } });
  await train(setup.recipe);
  await assert.rejects(train(setup.recipe), codeOf('TRAIN', /holds a run that has come to step 2\n.*\n→ continue it \(resume: true\)/));
});

test('a run that is refused leaves no folder of its own behind', async () => {
  await using setup = await tiny({ trainable: ['nothing.*'], out: 'runs/first' });
  const runs = dirname(setup.recipe.out);
  await assert.rejects(train(setup.recipe), codeOf('RECIPE', /no tensor matches/));
  assert.deepEqual(await readdir(dirname(runs)), []);
  await mkdir(runs);
  await assert.rejects(train(setup.recipe), codeOf('RECIPE', /no tensor matches/));
  assert.deepEqual(await readdir(runs), []);
});

test('the saved model is a checkpoint like any other', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 } });
  const { recipe } = setup;
  const { model: directory } = await train(recipe);
  const model = await openQwen2VL(directory!);
  assert.equal(model.config.vision_config.temporal_attention?.rows, 'frame-major');
  assert.equal(model.preprocessor.max_pixels, 4704);
  assert.deepEqual((await readdir(directory!)).filter((name) => name.includes('partial')), []);
  const config = JSON.parse(await readFile(join(directory!, 'config.json'), 'utf8'));
  assert.deepEqual([config.architectures, config.stave, config.torch_dtype, config.video_token_id], [['Qwen2VLForConditionalGeneration'], { sampling: { rule: 'count', frames: 4, repeat: true } }, 'bfloat16', model.config.video_token_id]);

  const { weights } = await loadCheckpoint(recipe, await identityOf(recipe));
  const saved = await openWeights(directory!);
  for (const [name, { data }] of weights) {
    const stored = await saved.readF32(name);
    data.forEach((x, i) => assert.ok(Math.abs(stored[i] - x) <= Math.abs(x) / 256, `${name}[${i}]: ${stored[i]}, trained ${x}`)); // bfloat16 keeps 8 bits
  }
  await saved.close();
  await model.weights.close();
});

test('a loss that is no number ends the run with the step, the layer and the clips; the checkpoint before stays', async () => {
  await using setup = await tiny({ optimizer: { lr: 1e20, weight_decay: 0 }, schedule: { name: 'constant', warmup_steps: 2 }, checkpoint: { every: 1, keep: 2 } });
  await assert.rejects(train(setup.recipe), codeOf('TRAIN', /^step [3-6]: .*NaN.*\n(visual|model|lm_head|the gradient of)[.\w ]* is not finite, with .*train\/1\/\d+.*\n→ start again with a lower optimizer\.lr/));
  const lines = await readMetrics(join(setup.recipe.out, 'metrics.jsonl'));
  assert.ok(lines.length >= 2 && lines.every((line) => !('loss' in line) || Number.isFinite(line.loss)));
});

test('resuming needs a checkpoint of the same recipe', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 } });
  await assert.rejects(train(setup.recipe, { resume: true }), codeOf('TRAIN', /has no checkpoint/));
  await train(setup.recipe);
  const { model, optimizer } = setup.recipe;
  const changed = { ...setup.recipe, seed: 2, optimizer: { ...optimizer, lr: 0.02, muon: { lr: 1, momentum: 0.5 } }, model: { ...model, hidden_size: 64 }, trainable: ['visual.*'] };
  await assert.rejects(train(changed, { resume: true }), codeOf('TRAIN', /written by another recipe\nseed: 1 → 2, model\.hidden_size: 32 → 64, trainable: \["\*"\] → \["visual\.\*"\], optimizer\.lr: 0\.01 → 0\.02, optimizer\.muon\.lr: absent → 1, optimizer\.muon\.momentum: absent → 0\.5\n→ resume with the recipe/));
  const again = await train({ ...setup.recipe, threads: 2 }, { resume: true }); // nothing that decides the numbers
  assert.deepEqual([again.step, again.finished], [2, true]);
});

test('only tensors that match "trainable" change', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 }, dtype: 'F32', trainable: ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'] });
  await using other = await tiny({ steps: 1, eval: { clips: 0 }, dtype: 'F32', optimizer: { lr: 0 } });
  const [tuned, start] = await Promise.all([setup, other].map(async ({ recipe }) => openWeights((await train(recipe)).model!)));
  for (const name of tuned.tensors.keys()) {
    const [a, b] = [await tuned.readF32(name), await start.readF32(name)];
    assert.equal(a.some((x, i) => x !== b[i]), /temp_attn|norm3/.test(name), name);
  }
  await tuned.close();
  await start.close();
});

test('a group\'s rate is that of its tensors alone', async () => {
  const changes = { steps: 2, eval: { clips: 0 }, dtype: 'F32', trainable: ['visual.*'] };
  await using setup = await tiny({ ...changes, optimizer: { lr: 0.01, groups: [{ tensors: ['*.temp_attn.*'], lr: 0 }] } });
  await using other = await tiny({ ...changes, steps: 1 }); // the first warm-up step has rate 0
  const [tuned, start] = await Promise.all([setup, other].map(async ({ recipe }) => openWeights((await train(recipe)).model!)));
  for (const name of tuned.tensors.keys()) {
    const [a, b] = [await tuned.readF32(name), await start.readF32(name)];
    assert.equal(a.some((x, i) => x !== b[i]), name.startsWith('visual.') && !name.includes('temp_attn'), name);
  }
  await tuned.close();
  await start.close();
});

test('the tokenizer and the starting checkpoint may lie elsewhere but must hold the same', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 } });
  const { model: start } = await train(setup.recipe);
  await using tuned = await tiny({ steps: 1, eval: { clips: 0 }, model: undefined, init: start });
  await train(tuned.recipe);
  const [tokenizer, init] = ['tokenizer', 'init'].map((name) => join(tuned.recipe.out, '..', name));
  await cp(tuned.recipe.tokenizer, tokenizer, { recursive: true });
  await cp(start!, init, { recursive: true });
  const moved = { ...tuned.recipe, tokenizer, init };
  assert.equal((await train(moved, { resume: true })).finished, true);
  await appendFile(join(tokenizer, 'tokenizer.json'), '\n');
  await assert.rejects(train(moved, { resume: true }), codeOf('TRAIN', /written by another recipe\nwhat "tokenizer" holds: "[0-9a-f]{16}" → "[0-9a-f]{16}"\n/));
  await assert.rejects(train({ ...moved, tokenizer: tuned.recipe.tokenizer, init: tokenizer.replace(/tokenizer$/, 'nowhere') }, { resume: true }), { code: 'MODEL_MISSING' });
  const weights = await readFile(join(init, 'model.safetensors'));
  weights[weights.length - 1] ^= 1;
  await writeFile(join(init, 'model.safetensors'), weights);
  await assert.rejects(train({ ...moved, tokenizer: tuned.recipe.tokenizer }, { resume: true }), codeOf('TRAIN', /written by another recipe\nwhat "init" holds: /));
});

test('a checkpoint of the first format is continued', async () => {
  await using setup = await tiny({ steps: 2, eval: { clips: 0 } });
  await train(setup.recipe);
  const file = join((await checkpoints(setup.recipe)).at(-1)!, 'state.json');
  const first = (recipe: string) => writeFile(file, JSON.stringify({ format: 1, step: 2, recipe }));
  await first(firstFormatHash(setup.recipe));
  assert.equal((await train(setup.recipe, { resume: true })).finished, true);
  await first('other');
  await assert.rejects(train(setup.recipe, { resume: true }), codeOf('TRAIN', /its hash is other/));
});
