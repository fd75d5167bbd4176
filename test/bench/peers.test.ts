import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tables, type Result, type System } from '../../reference/bench/table.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-peers-'));
after(() => rm(folder, { recursive: true }));

const result = (vision: number, prefill: number, decode: number, peak: number, text_prefill?: number): Result =>
  ({ load: 1, answers: [{ vision, prefill, first_token: vision + prefill, decode, text_prefill }], prompt_tokens: 756, visual_tokens: 704, memory: { loaded: 1e9, peak } });

const system = (program: string, setting: string, ...results: Result[]): System => ({ program, setting, results });

test('the best of the rounds, and how many times as fast it is, as the best of each stage too', () => {
  const ours = system('stave', 'int4', result(5, 3, 20, 2e9), result(4, 4, 25, 2.5e9));
  const text = tables([ours], [system('other', 'a', result(10, 6, 30, 3e9, 5)), system('other', 'b', result(20, 9, 50, 5e9))]);
  for (const row of [
    '| stave int4 | 4.00 | 3.00 | 8.00 | 25.0 | 1.0 | 2.50 |',
    '| other, the best of each stage | 10.00 | 5.00 | 15.00 | 50.0 | 1.0 | 3.00 |', // the text's prefill is the least
    '| stave int4 : other a | 2.50 | 2.00 | 2.00 | 0.83 | 83 % |',
    '| stave int4 : other b | 5.00 | 3.00 | 3.63 | 0.50 | 50 % |',
    '| stave int4 : other, the best of each stage | 2.50 | 1.67 | 1.88 | 0.50 | 83 % |',
  ]) assert.ok(text.includes(row), `${row} is missing in\n${text}`);
});

test('a program with one setting has no best of each stage; alone there is nothing to compare', () => {
  assert.doesNotMatch(tables([system('stave', 'int4', result(4, 3, 25, 2e9))], [system('other', 'a', result(8, 3, 25, 4e9))]), /each stage/);
  assert.equal(tables([system('stave', 'int4', result(4, 3, 25, 2e9))], []).split('\n').length, 3);
});

test('stave and a peer take turns; the peer is started with each of its settings', { timeout: 300e3 }, async () => {
  const peer = join(folder, 'peer'), started = join(folder, 'started');
  const line = JSON.stringify({ ...result(10, 5, 30, 3e9, 4), versions: { 'llama.cpp': '0.5' } });
  await writeFile(peer, `#!/bin/sh\necho "$@" >> '${started}'\necho noise\necho '${line}'\n`, { mode: 0o755 });
  const argv = [fileURLToPath(new URL('../../reference/bench/run.ts', import.meta.url)), '--dir', folder, '--shape', 'small', '--rounds', '1', '--threads', '1', '--weights', 'int8', '--llama', peer, '--gguf', 'G'];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 300e3 });
  assert.equal(status, 0, stderr);
  assert.equal(await readFile(started, 'utf8'), 'G/llm-Q4_0.gguf G/mmproj-bf16.gguf 1 33\nG/llm-Q4_0.gguf G/mmproj-q8_0.gguf 1 33\n');
  assert.match(stdout, /, llama\.cpp 0\.5\n/);
  assert.match(stdout, /\| llama\.cpp, the best of each stage \| 10\.00 \| 4\.00 \| 14\.00 \| 30\.0 \|/);
  assert.match(stdout, /\| stave int8, STA : llama\.cpp Q4_0, vision bf16, no STA \|/);
});
