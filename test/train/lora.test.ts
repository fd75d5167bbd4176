/** Fine-tuning through a recipe; that its numbers are PyTorch's is held by the training reference set. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mergeAdapter } from '../../src/checkpoints/index.ts';
import { StaveError } from '../../src/errors.ts';
import { openAdapter } from '../../src/models/adapter.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { openQwen2VL, parameterShapes } from '../../src/models/qwen2vl/index.ts';
import { loadTokenizer } from '../../src/text/index.ts';
import { checkpoints } from '../../src/train/checkpoint.ts';
import { dropoutRows, startLora } from '../../src/train/lora.ts';
import { parseRecipe, readMetrics, train } from '../../src/train/index.ts';
import { startModel } from '../../src/train/model.ts';
import { openWeights, saveCheckpoint, type SaveTensor, type Weights } from '../../src/weights/index.ts';
import { tiny, tinyJson, tokenizer } from './tiny.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-lora-'));
after(() => rm(folder, { recursive: true }));

/** A model to begin with, in BF16. */
const base = (await train(parseRecipe({ ...tinyJson, out: 'base', steps: 1, eval: { clips: 0 } }, folder))).model!;

const temporal = ['visual.blocks.*.temp_attn.*', 'visual.blocks.*.norm3.*'];
const lora = { r: 2, alpha: 4, targets: ['attn.qkv', 'mlp.fc1', 'q_proj', 'down_proj'], rank_pattern: { 'attn.qkv': 3 }, alpha_pattern: { 'attn.qkv': 3 } };
const tune = (changes: Record<string, unknown> = {}) => tiny({ model: undefined, tokenizer: undefined, init: base, trainable: temporal, lora, eval: { every: 3, clips: 2 }, ...changes });

const bytes = (...path: string[]) => readFile(join(...path));
const names = ({ tensors }: Weights) => [...tensors.keys()].toSorted();

test('a tuned model: what is trained changes, all else is the base\'s to the bit; adapter and base merge to it', async () => {
  await using run = await tune();
  const { recipe } = run;
  const { model, adapter } = await train(recipe);
  await using before = await openWeights(base);
  await using now = await openWeights(model!);
  assert.deepEqual(names(now), names(before));
  const changed: string[] = [];
  for (const name of names(before)) if ((await before.readF32(name)).join() !== (await now.readF32(name)).join()) changed.push(name);
  const expected = /temp_attn|norm3|\.attn\.qkv\.weight|fc1\.weight|q_proj\.weight|down_proj\.weight/;
  assert.deepEqual(changed.filter((name) => !name.endsWith('.bias')), names(before).filter((name) => expected.test(name) && !name.endsWith('.bias')));
  assert.ok(changed.every((name) => expected.test(name)));

  await mergeAdapter(base, adapter!, join(recipe.out, 'merged'));
  await using merged = await openWeights(join(recipe.out, 'merged'));
  for (const name of names(now)) assert.deepEqual(await merged.read(name), await now.read(name), name);
  const json = JSON.parse((await bytes(adapter!, 'adapter_config.json')).toString()) as Record<string, unknown>;
  assert.deepEqual([json.r, json.lora_alpha, json.target_modules, json.modules_to_save, json.rank_pattern, json.base_model_name_or_path], [2, 4, lora.targets, ['norm3', 'temp_attn'], { 'attn.qkv': 3 }, base]);

  await using state = await openWeights(join((await checkpoints(recipe)).at(-1)!, 'state.safetensors'));
  assert.equal(names(state).filter((name) => name.startsWith('m:')).length, 2 * 6 + 2 * (2 + 2 + 2 + 2)); // moments of what is trained, and of nothing else
});

const losses = async (out: string) => (await readMetrics(join(out, 'metrics.jsonl'))).flatMap((line) => ('loss' in line ? [line.loss] : []));

test('stopped and resumed, with dropout and micro-batches: the same adapter', async () => {
  const changes = { lora: { ...lora, dropout: 0.2 }, batch: { clips: 1, accumulate: 2 } };
  await using whole = await tune(changes);
  await using parts = await tune(changes);
  await train(whole.recipe);
  const stop = new AbortController();
  await train(parts.recipe, { signal: stop.signal, onStep: ({ step }) => step === 3 && stop.abort() });
  await train(parts.recipe, { resume: true });
  assert.ok((await bytes(whole.recipe.out, 'adapter', 'adapter_model.safetensors')).equals(await bytes(parts.recipe.out, 'adapter', 'adapter_model.safetensors')));
  await using without = await tune({ ...changes, lora });
  await train(without.recipe);
  const [a, b] = [await losses(whole.recipe.out), await losses(without.recipe.out)];
  assert.deepEqual(a.slice(0, 2), b.slice(0, 2)); // B is zero until the second update: what is dropped before it does not show
  assert.notDeepEqual(a.slice(3), b.slice(3));
});

const newer = (name: string) => name.replace('base_model.model.model.', 'base_model.model.model.language_model.').replace('base_model.model.visual.', 'base_model.model.model.visual.');

test('a base in float32, mapped from its file, trains as the same one in bfloat16; names of either generation', async () => {
  await using stored = await openWeights(base);
  const wide = join(folder, 'wide');
  await saveWide(stored, wide, (name) => name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.'));
  await using narrow = await tune({ steps: 3 });
  await using mapped = await tune({ steps: 3, init: wide });
  const [a, b] = [await train(narrow.recipe), await train(mapped.recipe)];
  await using first = await openWeights(join(a.adapter!, 'adapter_model.safetensors'));
  await using second = await openWeights(join(b.adapter!, 'adapter_model.safetensors'));
  for (const name of names(first)) assert.deepEqual(await second.read(newer(name)), await first.read(name), name);
  await using model = await openWeights(b.model!);
  assert.ok(model.has('model.visual.blocks.0.norm3.weight'));
});

/** The checkpoint in float32 under other names. */
async function saveWide(stored: Weights, dir: string, nameOf: (name: string) => string): Promise<void> {
  await cp(base, dir, { recursive: true });
  await saveCheckpoint(dir, [...stored.tensors.values()].map(({ name, shape }): SaveTensor => ({ name: nameOf(name), dtype: 'F32', shape, data: () => stored.readF32(name) })));
}

test('part of a module trained: PEFT knows whole modules alone, so the rest of it goes along', async () => {
  await using run = await tune({ steps: 1, trainable: ['visual.blocks.0.temp_attn.proj.weight'], lora: { ...lora, targets: 'visual\\.blocks\\.\\d\\.(attn|temp_attn)\\.(qkv|proj)', rank_pattern: {}, alpha_pattern: {} } });
  const { adapter } = await train(run.recipe);
  const { config, weights } = await openQwen2VL(base);
  await weights.close();
  const opened = await openAdapter(adapter!, { dir: base, shapes: parameterShapes(config) });
  await opened.weights.close();
  assert.deepEqual([...opened.whole.keys()], ['visual.blocks.0.temp_attn.proj.weight', 'visual.blocks.0.temp_attn.proj.bias']);
  assert.deepEqual([...opened.layers.keys()].toSorted(), ['visual.blocks.0.attn.proj', 'visual.blocks.0.attn.qkv', 'visual.blocks.0.temp_attn.qkv', 'visual.blocks.1.attn.proj', 'visual.blocks.1.attn.qkv', 'visual.blocks.1.temp_attn.proj', 'visual.blocks.1.temp_attn.qkv']);
});

const rows = (seed: number, index: number) => dropoutRows(seed, index, { rows: 100 });

test('A starts as torch\'s Linear does, B at zero; seed and name decide', () => {
  const layers = [{ module: 'a', in: 400, out: 3, r: 8, alpha: 8, scale: 1 }, { module: 'b', in: 400, out: 3, r: 8, alpha: 8, scale: 1 }];
  const start = startLora(layers, 1);
  const [A, other] = ['a', 'b'].map((name) => start.get(`${name}.lora_A.weight`)!.data);
  const bound = 1 / Math.sqrt(400); // kaiming_uniform_(a=√5) is U(−1/√in, 1/√in)
  assert.ok(A.every((x) => Math.abs(x) <= bound) && Math.max(...A) > 0.98 * bound && Math.min(...A) < -0.98 * bound);
  const std = Math.sqrt(A.reduce((sum, x) => sum + x * x, 0) / A.length);
  assert.ok(Math.abs(std / (bound / Math.sqrt(3)) - 1) < 0.05, String(std));
  assert.ok(start.get('a.lora_B.weight')!.data.every((x) => x === 0));
  assert.notDeepEqual(A, other);
  assert.deepEqual(startLora(layers.slice(0, 1), 1).get('a.lora_A.weight')!.data, A);
  assert.deepEqual([rows(1, 0).dims, rows(1, 0)], [[100], rows(1, 0)]);
  assert.notDeepEqual(rows(1, 0), rows(1, 1));
});

test('a recipe that asks for adapters where none can be is refused, by field and value', async () => {
  const parse = (changes: Record<string, unknown>) => parseRecipe({ ...tinyJson, model: undefined, init: base, lora, ...changes }, '/');
  const wrong = (changes: Record<string, unknown>, message: RegExp) => assert.throws(() => parse(changes), (error) => error instanceof StaveError && error.code === 'RECIPE' && message.test(error.message));
  wrong({ lora: { ...lora, r: 0 } }, /^lora\.r is 0/);
  wrong({ lora: { r: 4 } }, /^lora\.targets is missing/);
  wrong({ lora: { ...lora, rank: 4 } }, /^lora\.rank is not a known field/);
  wrong({ lora: { ...lora, dropout: 1 } }, /^lora\.dropout is 1/);
  wrong({ lora: { ...lora, targets: '(a+)+' } }, /^lora\.targets is "\(a\+\)\+"\nInvalid regular expression/);
  wrong({ init: undefined, model: tinyJson.model }, /^lora is \{.*\nan adapter belongs to a checkpoint/);
  assert.deepEqual(parse({}).trainable, []);
  assert.deepEqual(parse({ tokenizer: undefined }).tokenizer, base);

  const open = await loadTokenizer(textReader(tokenizer));
  const refused = (changes: Record<string, unknown>, message: RegExp) => assert.rejects(startModel(parse(changes), open), (error) => error instanceof StaveError && error.code === 'RECIPE' && message.test(error.message));
  await refused({ lora: { ...lora, targets: ['q_proj', 'fc3'] } }, /^lora\.targets is \["q_proj","fc3"\]\nthe model has no linear layer "fc3"\n→ layers have names like visual\.blocks\.0\.attn\.qkv, /);
  await refused({ trainable: ['*.attn.qkv.*'] }, /^lora\.targets is .*\nall layers called "attn\.qkv" are trained whole already/);
  await refused({ lora: { ...lora, rank_pattern: { o_proj: 8 } } }, /^lora\.rank_pattern is \{"o_proj":8\}\nno layer with an adapter is called "o_proj"/);
});
