/** Captions → a language model's replies → records, from files to files. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readRow } from '../../src/data/forms.ts';
import { buildWebvidQa, endpointJudge } from '../../src/eval/index.ts';
import { qaPrompt } from '../../src/tasks/webvid/ask.ts';
import { stave } from '../cli/run.ts';
import { judgeServer, json, type JudgeServer } from './judge-server.ts';

const line = (id: number) => `v${id},http://x.test/${id},PT00H00M10S,p,"Clip ${id}, of a ball${'!'.repeat(id)}"\n`;

let folder: string, csv: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stave-webvid-'));
  csv = join(folder, 'csv');
  await mkdir(csv);
  await writeFile(join(csv, 'a.csv'), `videoid,contentUrl,duration,page_dir,name\n${[1, 2, 3, 4].map(line).join('')}`);
  await writeFile(join(csv, 'b.csv'), `videoid,contentUrl,duration,page_dir,name\n${[5, 6].map(line).join('')}v7,,,,"Clip 6, of a ball!!!!!!"\n`); // two captions that say the same
});
after(() => rm(folder, { recursive: true, force: true }));

/** Writes about clip N one question or two; of clip 3 nothing that can be read. */
const writing = (): Promise<JudgeServer> => judgeServer((_, { body: { messages } }) => {
  const [, n] = /Clip (\d)/.exec(messages[1].content)!;
  if (n === '3') return 'I cannot see it.';
  const last = `Question: What is in ${n}? (A) a ball (B) a cube\nAnswer: (A) a ball`;
  return messages[1].content.startsWith(qaPrompt('multi')) ? `Question: First ${n}?\nAnswer: Yes.\n\n${last}` : last;
});

const linesOf = async (file: string): Promise<unknown[]> => (await readFile(file, 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);

test('a third gets one question, the others several; what can\'t be read is dropped; records are conversations to train on', async () => {
  await using server = await writing();
  const output = join(folder, 'built');
  const built = await buildWebvidQa({ captions: csv, output, writer: endpointJudge({ url: server.url }), protocol: 'strict' });
  assert.deepEqual({ ...built, asked: undefined }, { captions: 7, asked: undefined, samples: 6, dropped: 1, records: join(output, 'records.jsonl') });
  assert.ok(built.asked === server.requests.length && (built.asked === 6 || built.asked === 7), 'the same caption under the same template is asked about once');
  const { model, messages, max_tokens } = server.requests[0].body;
  assert.deepEqual([model, messages[0].content, max_tokens], ['Qwen/Qwen2.5-7B-Instruct', 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.', 512]);
  const samples = (await linesOf(join(output, 'webvid_qa.jsonl'))) as { videoid: string; question: string; answer: string; history: string[][] }[];
  assert.equal(server.requests.filter(({ body }) => body.messages[1].content.startsWith(qaPrompt('single'))).length, 2); // a third of seven
  for (const { videoid, question, answer, history } of samples) {
    const n = videoid === 'v7' ? '6' : videoid.slice(1);
    assert.deepEqual([question, answer], [`What is in ${n}? (A) a ball (B) a cube`, '(A) a ball']);
    if (history.length > 0) assert.deepEqual(history, [[`First ${n}?`, 'Yes.']]);
  }
  const rows = (await readFile(built.records, 'utf8')).trimEnd().split('\n').map((line) => readRow(line, '/videos'));
  assert.deepEqual(rows.flatMap(({ problems }) => problems), []);
  assert.deepEqual(rows.map(({ dialogue }) => dialogue!.media.length), [1, 1, 1, 1, 1, 1]);
  const last = rows.map(({ dialogue }) => dialogue!.messages.at(-1)!.content);
  assert.ok(last.every((answer) => answer === '(A) a ball' || answer === '(B) a ball'), JSON.stringify(last));
});

test('what was written is kept: a run that was stopped asks for the rest alone, and one that is done for nothing', async () => {
  await using whole = await writing();
  await buildWebvidQa({ captions: csv, output: join(folder, 'whole'), writer: endpointJudge({ url: whole.url }) });
  let n = 0;
  await using failing = await judgeServer((_, request) => (++n > 3 ? json(400, { error: 'enough' }) : request.body.messages[1].content.includes('Clip 3') ? 'Nothing.' : 'Question: Q?\nAnswer: A.'));
  const output = join(folder, 'stopped');
  const run = () => buildWebvidQa({ captions: csv, output, writer: endpointJudge({ url: failing.url, concurrency: 1 }) });
  await assert.rejects(run(), { code: 'JUDGE', message: /^the judge at .* cannot be asked\nit answers 400/ });
  n = -100;
  const { asked, captions } = await run();
  assert.equal(asked + 3, new Set(whole.requests.map(({ body }) => body.messages[1].content)).size);
  assert.equal(captions, 7);
  const before = await readFile(join(output, 'records.jsonl'), 'utf8');
  assert.equal((await run()).asked, 0);
  assert.equal(await readFile(join(output, 'records.jsonl'), 'utf8'), before);
});

test('the command: counts, the longest captions alone, what is missing', async () => {
  await using server = await writing();
  const args = ['webvid', csv, '--writer', server.url, '--out', join(folder, 'command')];
  const { code, out } = await stave([...args, '--limit', '2', '--videos', 'clips', '--json']);
  assert.equal(code, 0);
  const { captions, samples, records } = JSON.parse(out) as { captions: number; samples: number; records: string };
  assert.deepEqual([captions, samples], [2, 2]);
  assert.match(await readFile(records, 'utf8'), /"video":"clips\/v[67]\.mp4"/);
  assert.equal((await stave(args.slice(0, 2))).code, 2);
  const { code: none, err } = await stave(['webvid', folder, ...args.slice(2)]);
  assert.equal(none, 1);
  assert.match(err, /holds no captions/);
});
