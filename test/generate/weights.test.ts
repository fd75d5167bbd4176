/** --weights: which are chosen, and the copies that are made of it. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keptCopies, removeCopy } from '../../src/checkpoints/index.ts';
import type { StaveError } from '../../src/errors.ts';
import { locate, planVideo } from '../../src/generate/index.ts';
import { chooseWeights } from '../../src/generate/weights.ts';
import { weightBytes } from '../../src/generate/weight-bytes.ts';
import { parseConfig, parameterShapes } from '../../src/models/qwen2vl/index.ts';
import { clip, model, stave } from '../cli/run.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-weights-'));
after(() => rm(folder, { recursive: true }));
process.env.STAVE_CACHE = join(folder, 'cache');
process.env.HF_HOME = join(folder, 'hub');

type Said = { token_ids: number[]; model: { name: string; dir: string; weights: object; fingerprint: string } };

async function ask(...more: string[]): Promise<Said> {
  const { code, out, err } = await stave(['ask', clip, 'What?', '--model', model, '--max-tokens', '4', '--json', '--threads', '1', ...more]);
  assert.equal(code, 0, err);
  return JSON.parse(out) as Said;
}

test('ask --weights converts once; the answer says what was used and what it was made from', async () => {
  const plain = await ask();
  assert.deepEqual(plain.model.weights, { vision: 'bf16', language: 'bf16', embeddings: 'bf16', head: 'bf16' });
  assert.deepEqual(await keptCopies(), [], 'auto leaves a small model as it is');
  const small = await ask('--weights', 'int8');
  assert.deepEqual(small.model, { ...plain.model, weights: { vision: 'int8', language: 'int8', embeddings: 'int8', head: 'int8' }, fingerprint: small.model.fingerprint });
  assert.notEqual(small.model.fingerprint, plain.model.fingerprint);
  const [copy, ...none] = await keptCopies();
  assert.deepEqual([none, copy.name, copy.types, copy.whole, copy.size > 500_000], [[], 'staveq2', small.model.weights, true, true]);

  const converted: number[] = [];
  const { loaded, ...found } = await locate(model, { weights: 'int8', onConvert: ({ done }) => converted.push(done) });
  assert.deepEqual([loaded, found, converted], [copy.dir, { name: 'staveq2', dir: model }, []]);
  const { memory: { total } } = await planVideo(loaded, clip);
  await assert.rejects(planVideo(loaded, clip, '', { limits: { memory: total - 1 } }), ({ fix }: StaveError) => /--weights int4 with the checkpoint that this one was made from/.test(fix!));
  const moved = join(folder, 'moved');
  await cp(model, moved, { recursive: true });
  assert.equal((await locate(moved, { weights: 'int8' })).loaded, copy.dir, 'found by content, not by place');
});

test('two that want a copy at once make it once; another process is waited for', async () => {
  let ends = 0;
  const once = () => locate(model, { weights: 'vision:int8,language:int4', onConvert: ({ done, total }) => (ends += Number(done === total)) });
  const [a, b] = await Promise.all([once(), once()]);
  assert.deepEqual([a.loaded, ends], [b.loaded, 1]);
  assert.deepEqual((await readdir(join(process.env.STAVE_CACHE!, 'weights'))).filter((name) => /lock|partial/.test(name)), []);

  const controller = new AbortController();
  const key = `${a.loaded}.lock`;
  await removeCopy(a.loaded.split('/').at(-1)!);
  await writeFile(key, JSON.stringify({ pid: process.ppid, host: hostname(), id: 'another' }));
  const stopped = locate(model, { weights: 'vision:int8,language:int4', signal: controller.signal, onConvert: ({ waiting }) => { assert.match(waiting!, /^process \d+ on /); controller.abort(new Error('enough')); } });
  await assert.rejects(stopped, { message: 'enough' });
  await rm(key);
  await locate(model, { weights: 'f16' });
});

test('models lists copies and removes them', async () => {
  await mkdir(join(process.env.STAVE_CACHE!, 'weights', '0123456789abcdef-int8-int8-int8-int8-1.partial'), { recursive: true });
  const { out } = await stave(['models']);
  assert.match(out, /^staveq2 +f16 +1 MB +converted copy +[0-9a-f]{16}-f16-f16-f16-f16-1$/m);
  assert.match(out, /^- +- +0 B +conversion that was stopped +0123456789abcdef-/m);
  for (const { key } of await keptCopies()) {
    assert.equal((await stave(['models', 'remove', key])).code, 2, 'nobody said yes');
    const { code, out } = await stave(['models', 'remove', key, '--yes']);
    assert.deepEqual([code, out.replace(/, .*/s, '')], [0, `${key} removed`]);
  }
  assert.deepEqual(await keptCopies(), []);
  await assert.rejects(removeCopy('../../x'), { code: 'MODEL_MISSING' });
});

/** Qwen2-VL-2B's config.json, and 7B's sizes. */
const config = (size: '2B' | '7B') => parseConfig({ model_type: 'qwen2_vl', ...(size === '2B' ? { hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 28, num_attention_heads: 12, num_key_value_heads: 2, vocab_size: 151936, tie_word_embeddings: true, vision_config: { hidden_size: 1536 } } : { hidden_size: 3584, intermediate_size: 18944, num_hidden_layers: 28, num_attention_heads: 28, num_key_value_heads: 4, vocab_size: 152064, vision_config: { hidden_size: 3584 } }), rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] }, eos_token_id: 151645 });

/** What auto makes of a machine's memory. */
function chosen(size: '2B' | '7B', gigabytes: number): (string | undefined)[] {
  const of = config(size);
  const parameters = [...parameterShapes(of).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b), 0);
  const types = chooseWeights({ dir: size, config: of, parameters, weightTypes: { vision: 'bf16', language: 'bf16', embeddings: 'bf16', head: 'bf16' } }, 'auto', gigabytes * 1e9);
  return [types?.vision, types?.language, types?.head];
}

test('auto: 8 bits for large models, 4 where 8 would take more than half of the memory', () => {
  assert.deepEqual(chosen('2B', 16), ['int8', 'int8', 'int8']);
  assert.deepEqual(chosen('2B', 5), ['int8', 'int4', 'int8']);
  assert.deepEqual(chosen('7B', 64), ['int8', 'int8', 'int8']);
  assert.deepEqual(chosen('7B', 16), ['int8', 'int4', 'int8']);
});

test('bytes of loaded weights, by hand', () => {
  const floats = { vision: 'bf16', language: 'bf16', embeddings: 'bf16', head: 'bf16' };
  const int8 = { vision: 'int8', language: 'int8', embeddings: 'int8', head: 'int8' };
  const all = 2_208_985_600 + 151_936 * 1536; // the table is the head too
  assert.equal(weightBytes(config('2B'), floats), 4 * all);
  // 8 bits, and 5 bytes a block of 128; floats of four bytes for what is no matrix
  const share = weightBytes(config('2B'), int8) / all;
  assert.ok(share > 1 + 5 / 128 && share < 1.045, String(share));
  // by rows: 4 bytes a row; vision's patch embedding is no matrix
  const matrices = [...parameterShapes(config('2B'))].filter(([name, shape]) => name.startsWith('visual.') && shape.length === 2).map(([, shape]) => shape);
  const saved = weightBytes(config('2B'), floats) - weightBytes(config('2B'), { ...floats, vision: 'w8a8' });
  assert.equal(saved, matrices.reduce((sum, [out, inner]) => sum + 3 * out * inner - 4 * out, 0));
});

async function refused(argv: string[], message: RegExp): Promise<void> {
  const { code, err } = await stave(argv);
  assert.equal(code, 2, err);
  assert.match(err, message);
}

test('words that are none, and weights that a converted checkpoint has not', async () => {
  await refused(['ask', clip, 'What?', '--model', model, '--weights', 'int3'], /^error: "int3" names no type of weights\n→ give auto, one of f32, f16, int8, w8a8, int4, or types of parts/);
  await refused(['convert', model, join(folder, 'none')], /^error: --weights is missing/);
  const out = join(folder, 'converted');
  const { code, out: said, err } = await stave(['convert', model, out, '--weights', 'int8']);
  assert.deepEqual([code, said, err], [0, `835 kB of weights (int8) in ${out}\n`, '']);
  await refused(['ask', clip, 'What?', '--model', out, '--weights', 'int4'], /^error: the weights of .*converted are int8, vision:int8,language:int4,embeddings:int8,head:int8 is asked for\n.*\n→ leave --weights out, or give the checkpoint that it was made from, "staveq2"/);
  assert.equal((await locate(out, { weights: 'int8' })).loaded, out);
  assert.equal((await locate(out)).loaded, out);
});
