/** Every example, as a user runs it, with the model in the box or, before there is one, an untrained one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { boxModel, checkConversations, load, renderSet, type AnswerResult } from '../src/index.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const model = existsSync(boxModel) ? boxModel : join(root, 'test/goldens/models/staveq2');
const folder = await mkdtemp(join(tmpdir(), 'stave-examples-'));
after(() => rm(folder, { recursive: true }));
const clips = join(folder, 'clips');
await renderSet(clips, { count: 2, seed: 'examples', codec: 'h264' });
const clip = join(clips, 'clip-00000.mp4');
const question = 'What is the action happening in this video?';

const run = async (example: string, ...argv: string[]) => (await promisify(execFile)(process.execPath, [join(root, 'examples', example), ...argv, model])).stdout;

async function answer(options: object): Promise<AnswerResult> {
  await using loaded = await load(model);
  return await loaded.ask(clip, question, options).result(); // before the model goes
}

test('each is short, and imports only what the package exports', () => {
  for (const name of readdirSync(join(root, 'examples'))) {
    const text = readFileSync(join(root, 'examples', name), 'utf8');
    assert.ok(text.split('\n').length <= 40, name);
    for (const [, from] of text.matchAll(/^import .*? from '([^']+)'/gm)) assert.ok(from === '../src/index.ts' || from.startsWith('node:'), `${name} imports ${from}`);
  }
});

test('ask', async () => {
  const [text, took] = (await run('ask.ts', clip, question)).trim().split('\n').slice(-2);
  const result = await answer({});
  assert.equal(text, result.text.split('\n').at(-1));
  assert.match(took, new RegExp(`^${result.frames.length} frames of ${result.duration!.toFixed(1)} s, answered in `));
});

test('stream: in time, and not', async () => {
  const { text } = await answer({ temperature: 0.8, seed: 1 });
  assert.equal(await run('stream.ts', clip, question, '60000'), `${text}\n`);
  assert.match(await run('stream.ts', clip, question, '0'), / … stopped\n$/);
});

test('folder', async () => {
  const out = join(folder, 'answers.jsonl');
  assert.equal(await run('folder.ts', clips, out, question), `1/2\n2/2\n2 videos, 0 could not be answered: see "error" in their lines of ${out}\n`);
  const lines = (await readFile(out, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { id: string; text: string });
  assert.deepEqual(lines.map(({ id }) => id), ['clip-00000.mp4', 'clip-00001.mp4']);
  assert.equal(lines[0].text, (await answer({})).text);
});

test('plan first: the most frames whose tokens fit', async () => {
  const lines = (await run('plan-first.ts', clip, question, '150')).trim().split('\n');
  const plans = lines.filter((line) => line.includes(': grid ')).map((line) => Number(/(\d+) tokens/.exec(line)![1]));
  assert.ok(plans.at(-1)! <= 150 && plans.slice(0, -1).every((tokens) => tokens > 150), plans.join());
});

test('score', async () => {
  const lines = (await run('score.ts', '2', 'examples')).trim().split('\n');
  const [right, total] = [1, 2].map((i) => lines.slice(0, -1).reduce((sum, line) => sum + Number(/(\d+)\/(\d+)$/.exec(line)![i]), 0));
  assert.equal(lines.at(-1), `${((100 * right) / total).toFixed(1)} % of ${total} answers right`);
});

test('messages: rendered clips as conversations that can be trained on', async () => {
  const data = join(folder, 'data.jsonl');
  const records = (await readFile(join(clips, 'labels.jsonl'), 'utf8')).trim().split('\n').length;
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'examples', 'messages.ts'), clips, data]);
  assert.equal(stdout, `2 conversations, ${records} answers: ${data}\n`);
  const { good, answers, problems } = await checkConversations(data, model);
  assert.deepEqual([good, answers, problems], [2, records, []]);
});
