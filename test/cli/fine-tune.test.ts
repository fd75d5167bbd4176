/** insert, merge and ask --adapter as a user calls them. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { clip, goldens, model, stave } from './run.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-fine-tune-'));
after(() => rm(folder, { recursive: true }));
const adapter = join(goldens, 'training/adapter');
const plain = join(goldens, 'models/qwen2vl');

const ask = async (...more: string[]) => {
  const { code, out, err } = await stave(['ask', clip, 'What happens?', '--threads', '1', '--max-tokens', '8', '--json', ...more]);
  assert.equal(code, 0, err);
  return JSON.parse(out) as { token_ids: number[]; model: { adapter: string | null; parameters: number; fingerprint: string } };
};

test('insert --init zero: the new model gives the base\'s answer, and says what it has', async () => {
  const out = join(folder, 'zero');
  const inserted = await stave(['insert', plain, out, '--init', 'zero', '--head-scale', '0.5', '--order', 'temporal-first', '--blocks', 'last:2']);
  assert.deepEqual([inserted.code, inserted.out, inserted.err], [0, `temporal attention in 2 blocks, 4 heads each, 0.02 M new weights: ${out}\n`, '']);
  const [before, now] = [await ask('--model', plain), await ask('--model', out)];
  assert.deepEqual(now.token_ids, before.token_ids);
  const json = await stave(['insert', plain, join(folder, 'some'), '--blocks', '0,2', '--json']);
  assert.deepEqual((JSON.parse(json.out) as { blocks: number[] }).blocks, [0, 2]);
});

test('an adapter beside the weights and merged into them answers alike; its answers are another model\'s', async () => {
  const out = join(folder, 'merged');
  const merged = await stave(['merge', model, adapter, out, '--dtype', 'F32']);
  assert.deepEqual([merged.code, merged.out, merged.err], [0, `merged model saved in ${out}\n`, '']);
  const [base, beside, within] = [await ask('--model', model), await ask('--model', model, '--adapter', adapter), await ask('--model', out)];
  assert.deepEqual(beside.token_ids, within.token_ids);
  assert.notDeepEqual(beside.token_ids, base.token_ids);
  assert.deepEqual([base.model.adapter, beside.model.adapter], [null, adapter]);
  assert.notEqual(beside.model.fingerprint, base.model.fingerprint);
  const moved = join(folder, 'moved');
  await cp(adapter, moved, { recursive: true });
  assert.equal((await ask('--model', model, '--adapter', moved)).model.fingerprint, beside.model.fingerprint);
});

async function refused(argv: string[], code: number, message: RegExp): Promise<void> {
  const outcome = await stave(argv);
  assert.deepEqual([outcome.code, outcome.out], [code, ''], argv.join(' '));
  assert.match(outcome.err, message);
}

test('misuse is one clear error, and nothing is written', async () => {
  const dir = await mkdtemp(join(folder, 'refused-'));
  const out = join(dir, 'out');
  await refused(['insert', plain], 2, /OUT_DIR is missing/);
  await refused(['insert', model, out], 1, /^error: .*staveq2 has temporal attention already/);
  await refused(['insert', plain, dir], 1, /^error: .* exists already\n.*\n→ choose another one/);
  await refused(['insert', plain, out, '--init', 'ones'], 2, /--init must be one of normal, zero/);
  await refused(['insert', plain, out, '--blocks', 'some'], 2, /--blocks must be all, last:N or numbers/);
  await refused(['insert', plain, out, '--blocks', '0,9'], 2, /blocks is \[0,9\]\nthe vision encoder has 3 blocks/);
  await refused(['insert', plain, out, '--head-scale', '-1'], 2, /head_scale is -1/);
  await refused(['merge', plain, adapter, out], 1, /^error: the adapter in .* does not fit the model in .*qwen2vl\n/);
  await refused(['merge', model, plain, out], 1, /has no adapter_config\.json/);
  await refused(['ask', clip, 'What?', '--model', plain, '--adapter', adapter], 1, /^error: the adapter in .* does not fit/);
  assert.deepEqual(await readdir(dir), []);
});
