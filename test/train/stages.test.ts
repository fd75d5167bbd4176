import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { StaveError } from '../../src/errors.ts';
import { loadRecipe, loadStages, parseStages, train, trainStages } from '../../src/train/index.ts';
import { stave } from '../cli/run.ts';
import { tinyJson } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-stages-'));
after(() => rm(folder, { recursive: true }));

const { steps: _, model, ...shared } = tinyJson;
const temporal = ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'];
const lora = { r: 2, alpha: 2, targets: ['attn.qkv', 'q_proj'] };
const json = { ...shared, model, eval: { clips: 0 }, checkpoint: { every: 2, keep: 1 }, stages: [{ steps: 3, trainable: temporal }, { steps: 4, trainable: temporal, lora, optimizer: { lr: 0.001 } }] };

const adapter = (out: string) => readFile(join(out, 'stage-2', 'adapter', 'adapter_model.safetensors'));

test('two stages in one recipe are the two runs that one would do by hand', async () => {
  const out = join(folder, 'both');
  const result = await trainStages(parseStages(json, folder, out));
  assert.deepEqual([result.stage, result.finished, result.model, result.adapter], [1, true, join(out, 'stage-2', 'model'), join(out, 'stage-2', 'adapter')]);
  const { stages: [first, second], model: ofModel, ...rest } = json;
  const [one] = parseStages({ ...rest, model: ofModel, ...first }, folder, join(folder, 'one'));
  const [two] = parseStages({ ...rest, init: (await train(one)).model, ...second }, folder, join(folder, 'two'));
  await train(two);
  assert.ok((await adapter(out)).equals(await readFile(join(folder, 'two', 'adapter', 'adapter_model.safetensors'))));
});

test('on the command line: stopped in either stage and resumed, it ends the same; a stage that is done is not done again', async () => {
  const file = join(folder, 'recipe.json');
  await writeFile(file, JSON.stringify(json));
  const out = join(folder, 'parts');
  for (const [at, stage, step] of [[2, 1, 2], [3, 2, 2]] as const) {
    const stop = new AbortController();
    const { code, out: said } = await stave(['train', file, '--out', out, '--json', ...(stage === 1 ? [] : ['--resume'])], { signal: stop.signal, onOut: (text) => text.trim().split('\n').length === at && stop.abort() });
    const end = JSON.parse(said.trim().split('\n').at(-1)!) as { stage: number; step: number };
    assert.deepEqual([code, end.stage, end.step], [130, stage - 1, step]);
  }
  const { code, out: said, err } = await stave(['train', file, '--out', out, '--resume']);
  assert.deepEqual([code, said], [0, `model saved in ${join(out, 'stage-2', 'model')}, its adapter in ${join(out, 'stage-2', 'adapter')}\n`]);
  assert.doesNotMatch(err, /stage 1:/);
  assert.ok((await adapter(out)).equals(await adapter(join(folder, 'both'))));

  const again = await stave(['train', file, '--out', out]);
  assert.match(again.err, /stage-1 holds a run that has come to step 3/);
  await writeFile(file, JSON.stringify({ ...json, stages: [{ ...json.stages[0], optimizer: { lr: 0.5 } }, json.stages[1]] }));
  assert.match((await stave(['train', file, '--out', out, '--resume'])).err, /was written by another recipe\noptimizer\.lr: 0\.01 → 0\.5/);
  assert.match((await stave(['train', file, '--out', join(folder, 'new'), '--resume'])).err, /nothing to resume/);
});

test('a recipe that lacks even its folder is told all that is wrong with it', () => {
  const { stages: _, out: __, ...rest } = { ...json, out: '' };
  assert.throws(() => parseStages({ ...rest, steps: 1.5 }, '/'), (error) => error instanceof StaveError && /out is missing/.test(error.message) && /steps is 1\.5/.test(error.message));
  assert.equal(parseStages({ ...rest, steps: 1 }, '/', '/given')[0].out, '/given');
  const staged = { ...rest, stages: [{ steps: 0 }, { steps: 1, init: 'other', batch: { clips: 'two' } }] };
  assert.throws(() => parseStages(staged, '/'), (error) => error instanceof StaveError && [/not right in 4 places/, /out is missing/, /stages\[0\]: steps is 0/, /stages\[1\]\.init is "other"/, /stages\[1\]: batch\.clips is "two"/].every((told) => told.test(error.message)));
});

test('a stage is a recipe of its own, and told by its number', async () => {
  const stages = parseStages(json, '/base');
  assert.deepEqual(stages.map(({ name, out, init, lora: adapters }) => [name, out, init, adapters?.r]), [
    ['run, stage 1', '/base/run/stage-1', null, undefined],
    ['run, stage 2', '/base/run/stage-2', '/base/run/stage-1/model', 2],
  ]);
  assert.equal(stages[1].tokenizer, tinyJson.tokenizer);
  const wrong = (changed: object[], message: RegExp) => assert.throws(() => parseStages({ ...json, stages: changed }, '/'), (error) => error instanceof StaveError && error.code === 'RECIPE' && message.test(error.message));
  wrong([], /^stages is \[\]/);
  wrong([{ steps: 1 }, { steps: 0 }], /^stages\[1\]: steps is 0/);
  wrong([{ steps: 1, out: 'elsewhere' }], /^stages\[0\]\.out is "elsewhere"\nit is the same for all stages/);
  wrong([{ steps: 1, lora }], /^stages\[0\]: lora is /); // the first makes a new model
  await writeFile(join(folder, 'staged.json'), JSON.stringify(json));
  await assert.rejects(loadRecipe(join(folder, 'staged.json')), (error) => error instanceof StaveError && /stages is .*\nthis is a recipe of several runs\n→ read it with loadStages/.test(error.message));
  assert.equal((await loadStages(join(folder, 'staged.json'))).length, 2);
});
