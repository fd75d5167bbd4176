import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerBatch, load, type BatchProgress } from '../../src/generate/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`;
const model = await load(`${goldens}models/staveq2`, { threads: 1 });
const folder = await mkdtemp(join(tmpdir(), 'stave-batch-'));
after(async () => {
  await model.dispose();
  await rm(folder, { recursive: true });
});

type Line = { id: string | number; video: string; question: string; text?: string; error?: { code: string; what: string } };
const options = { max_new_tokens: 6 };
let files = 0;

/** The two files of a batch; `answers` absent: none yet. */
async function batch(questions: readonly unknown[], answers?: string): Promise<{ questions: string; out: string; lines: () => Promise<Line[]> }> {
  const name = join(folder, String(files++));
  const at = { questions: `${name}.questions.jsonl`, out: `${name}.answers.jsonl` };
  await writeFile(at.questions, questions.map((q) => `${typeof q === 'string' ? q : JSON.stringify(q)}\n`).join(''));
  if (answers !== undefined) await writeFile(at.out, answers);
  return { ...at, lines: async () => (await readFile(at.out, 'utf8')).split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line) };
}

const ask = (id: string | number, video = clip) => ({ id, video, question: `What is ${id}?` });

test('answers in order, each as a question asked by itself; a bad clip fails its line only', async () => {
  const { questions, out, lines } = await batch([{ ...ask('a'), kind: 'action', error: 'a field of its own' }, ask('b', 'nowhere.mp4'), ask('c', `${goldens}video/text.mp4`), ask(4), '']);
  const seen: BatchProgress[] = [];
  const summary = await answerBatch(model, questions, out, { ...options, onAnswer: (progress) => seen.push(progress) });
  assert.deepEqual(summary, { total: 4, answered: 4, skipped: 0, failed: 2 });
  assert.deepEqual(seen.map(({ done, failed }) => [done, failed]), [[1, 0], [2, 1], [3, 2], [4, 2]]);
  const written = await lines();
  assert.deepEqual(written.map(({ id, error }) => [id, error?.code]), [['a', undefined], ['b', 'VIDEO_MISSING'], ['c', 'VIDEO_UNREADABLE'], [4, undefined]]);
  for (const { id, text, video, question } of [written[0], written[3]]) {
    assert.deepEqual({ id, video, question }, ask(id));
    assert.equal(text, (await model.ask(clip, question, options).result()).text);
  }
});

test('it goes on after what is there, repairs a line cut short, and counts earlier failures', async () => {
  const all = [ask('a'), ask('b', 'nowhere.mp4'), ask('c'), ask('d')];
  const whole = await batch(all);
  await answerBatch(model, whole.questions, whole.out, options);
  const text = await readFile(whole.out, 'utf8');
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1);
  for (const [cut, skipped] of [[0, 0], [ends[0], 1], [ends[1] + 25, 2], [text.length - 1, 3], [text.length, 4]]) {
    const part = await batch(all, text.slice(0, cut));
    assert.deepEqual(await answerBatch(model, part.questions, part.out, options), { total: 4, answered: 4 - skipped, skipped, failed: 1 });
    assert.deepEqual((await part.lines()).map(({ id, text: answer }) => [id, answer]), (await whole.lines()).map(({ id, text: answer }) => [id, answer]));
  }
});

test('a path counts from the questions file, else from the working directory', async () => {
  const { questions, out, lines } = await batch([ask('a', 'test/goldens/video/one_frame.mp4'), ask('b', 'beside.mp4')]);
  await writeFile(join(folder, 'beside.mp4'), await readFile(`${goldens}video/one_frame.mp4`));
  await answerBatch(model, questions, out, options);
  assert.deepEqual((await lines()).map(({ error }) => error), [undefined, undefined]);
});

const wrong: [questions: unknown[], message: RegExp][] = [
  [[ask('a'), ask('b'), ask('a')], /questions\.jsonl:3: the id "a" stands in line 1 too/],
  [[ask(1), ask('1')], /:2: the id "1" stands in line 1 too/],
  [[ask('a'), 'hello'], /:2 is not JSON/],
  [[{ id: 'a', video: clip }], /:1: "question" is missing/],
  [[{ ...ask('a'), video: 7 }], /:1: "video" is 7/],
  [['null'], /:1: "id" is missing/],
];

test('questions are checked before any is asked', async () => {
  for (const [list, message] of wrong) {
    const { questions, out } = await batch(list);
    await assert.rejects(answerBatch(model, questions, out), { code: 'DATA', message });
    await assert.rejects(stat(out), { code: 'ENOENT' });
  }
});

test('answers of another question or model are not mixed in', async () => {
  const { model: info } = await model.ask(clip, 'What?', options).result();
  const answer = (changes: object) => `${JSON.stringify({ ...ask('a'), text: '', model: info, ...changes })}\n`;
  for (const [text, message] of [
    [answer({ question: 'Else?' }), /:1 answers another question under the id "a"/],
    [answer({ model: { ...info, parameters: 5 } }), /:1 is an answer of the model "staveq2" with 5 parameters/],
    [answer({}) + answer({}), /:2 is not an answer of an earlier run\nthe id "a" stands in line 1 too/],
    ['{}\n', /:1 is not an answer of an earlier run/],
    ['some notes\n', /:1 is not an answer of an earlier run/],
  ] as const) {
    const { questions, out } = await batch([ask('a')], text);
    await assert.rejects(answerBatch(model, questions, out), { code: 'DATA', message });
    assert.equal(await readFile(out, 'utf8'), text); // as it was
  }
  const { questions, out } = await batch([ask('a')], answer({ model: { ...info, dir: '/elsewhere' } }));
  assert.equal((await answerBatch(model, questions, out)).skipped, 1); // a model may be moved
  await assert.rejects(answerBatch(model, questions, questions), { code: 'USAGE' });
  await assert.rejects(answerBatch(model, questions, folder), { code: 'IO' });
});

test('an abort keeps the answers so far', async () => {
  const { questions, out, lines } = await batch(['a', 'b', 'c', 'd', 'e'].map((id) => ask(id)));
  const stop = new AbortController();
  await assert.rejects(answerBatch(model, questions, out, { ...options, signal: stop.signal, onAnswer: ({ done }) => done === 2 && stop.abort() }), { name: 'AbortError' });
  const before = await lines();
  assert.deepEqual(before.slice(0, 2).map(({ id }) => id), ['a', 'b']);
  assert.equal((await answerBatch(model, questions, out, options)).skipped, before.length);
  assert.deepEqual((await lines()).map(({ id }) => id), ['a', 'b', 'c', 'd', 'e']);
});

test('an engine that is gone ends the batch and fails no line', async () => {
  const { questions, out, lines } = await batch(['a', 'b', 'c', 'd', 'e'].map((id) => ask(id)));
  const gone = await load(`${goldens}models/staveq2`, { threads: 1 });
  await assert.rejects(answerBatch(gone, questions, out, { ...options, onAnswer: () => void gone.dispose() }), { code: 'RUNTIME' });
  const before = await lines();
  assert.ok(before.length < 5 && before.every(({ error }) => error === undefined));
});
