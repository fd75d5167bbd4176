import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { takeLock } from '../../src/files/lock.ts';
import { answerBatch, load, type BatchOptions, type BatchProgress, type BatchSummary } from '../../src/generate/index.ts';
import { Decoder } from '../../src/generate/decoder.ts';
import { fullDisk } from '../files/full-disk.ts';

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

const counts = ({ throughput: _throughput, ...rest }: BatchSummary) => rest;

const ask = (id: string | number, video = clip) => ({ id, video, question: `What is ${id}?` });

test('answers in order, each as a question asked by itself; a bad clip fails its line only', async () => {
  const { questions, out, lines } = await batch([{ ...ask('a'), kind: 'action', error: 'a field of its own' }, ask('b', 'nowhere.mp4'), ask('c', `${goldens}video/text.mp4`), ask(4), '']);
  const seen: BatchProgress[] = [];
  const summary = await answerBatch(model, questions, out, { ...options, onAnswer: (progress) => seen.push(progress) });
  assert.deepEqual(counts(summary), { total: 4, answered: 4, skipped: 0, failed: 2 });
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
    assert.deepEqual(counts(await answerBatch(model, part.questions, part.out, options)), { total: 4, answered: 4 - skipped, skipped, failed: 1 });
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
  const result = await model.ask(clip, 'What?').result();
  const { model: info } = result;
  const answer = (changes: object) => `${JSON.stringify({ ...result, ...ask('a'), ...changes })}\n`;
  for (const [text, message] of [
    [answer({ question: 'Else?' }), /:1 answers another question under the id "a"/],
    [answer({ model: { ...info, parameters: 5, fingerprint: 'other' } }), /:1 is an answer of the model "staveq2" with 5 parameters/],
    [answer({ model: { ...info, fingerprint: 'other' } }), /:1 is an answer of another model with the name "staveq2"\nits model\.fingerprint is "other", this run's is "[0-9a-f]{16}"\n→ choose another --out, or the same --model/],
    [answer({ model: { ...info, fingerprint: undefined } }), /:1 is an answer of another model .*\nits model\.fingerprint is unknown/],
    [answer({ sampling: undefined }), /:1 was made with sampling\.frames unknown\nthis run would use \{"fps":1,/],
    [answer({ system: undefined }), /:1 was made with system unknown\nthis run would use null/],
    [answer({ sampling: 7, temporal_scope: [] }), /:1 was made with sampling\.frames unknown/],
    [answer({}) + answer({}), /:2 is not an answer of an earlier run\nthe id "a" stands in line 1 too/],
    ['{}\n', /:1 is not an answer of an earlier run/],
    ['some notes\n', /:1 is not an answer of an earlier run/],
  ] as const) {
    const { questions, out } = await batch([ask('a')], text);
    await assert.rejects(answerBatch(model, questions, out), { code: 'DATA', message });
    assert.equal(await readFile(out, 'utf8'), text); // as it was
  }
  const { questions, out } = await batch([ask('a')], answer({ model: { ...info, dir: '/elsewhere', name: 'elsewhere' } }));
  assert.equal((await answerBatch(model, questions, out)).skipped, 1); // a model may be moved
  await assert.rejects(answerBatch(model, questions, questions), { code: 'USAGE' });
  await assert.rejects(answerBatch(model, questions, folder), { code: 'IO' });
});

/** Options of the first run, of the second, the field that tells them apart with both its values. */
const changed: [first: BatchOptions, second: BatchOptions, field: string, there: string, here: string][] = [
  [{}, { sampling: { rule: 'count', frames: 2 } }, 'sampling.frames', '{"fps":1,"max_frames":32,"min_frames":4,"rule":"stave"}', '{"frames":2,"rule":"count"}'],
  [{ sampling: { rule: 'times', times: [0, 1] } }, { sampling: { rule: 'times', times: [0, 2] } }, 'sampling.frames', '{"rule":"times","times":[0,1]}', '{"rule":"times","times":[0,2]}'],
  [{}, { max_pixels: 9408 }, 'sampling.pixels.max_pixels', '1003520', '9408'],
  [{ min_pixels: 9408 }, { min_pixels: 12544 }, 'sampling.pixels.min_pixels', '9408', '12544'],
  [{}, { max_new_tokens: 7 }, 'sampling.tokens.max_new_tokens', '6', '7'],
  [{ temperature: 2 }, {}, 'sampling.tokens.temperature', '2', '0.01'],
  [{ temperature: 2 }, { temperature: 2, seed: 5 }, 'sampling.tokens.seed', '0', '5'],
  [{ system: 'Be short.' }, {}, 'system', '"Be short."', 'null'],
  [{}, { temporal_scope: 'all' }, 'temporal_scope', '"item"', '"all"'],
];

test('a run with other settings is refused with the field that differs, and nothing is asked', async () => {
  for (const [first, second, field, there, here] of changed) {
    const { questions, out } = await batch([ask('a', 'nowhere.mp4'), ask('b')]);
    await answerBatch(model, questions, out, { ...options, ...first });
    const text = await readFile(out, 'utf8');
    await writeFile(questions, `${JSON.stringify(ask('c', 'nowhere.mp4'))}\n`, { flag: 'a' });
    await assert.rejects(answerBatch(model, questions, out, { ...options, ...second }), { code: 'DATA', message: `${out}:2 was made with ${field} ${there}\nthis run would use ${here}\n→ choose another --out, or give the same options again` });
    assert.equal(await readFile(out, 'utf8'), text);
    assert.equal((await answerBatch(model, questions, out, { ...options, ...first })).skipped, 2);
  }
});

test('the same model with one weight changed is another model', async () => {
  const copy = join(folder, 'copies', 'staveq2');
  await cp(`${goldens}models/staveq2`, copy, { recursive: true });
  const { questions, out } = await batch([ask('a', `${goldens}video/one_frame.mp4`)]);
  await answerBatch(model, questions, out, options);
  const resumed = async () => {
    await using other = await load(copy, { threads: 1 });
    return (await answerBatch(other, questions, out, options)).skipped;
  };
  assert.equal(await resumed(), 1); // a copy is the same model
  const weights = await readFile(join(copy, 'model.safetensors'));
  weights[weights.length - 1000] ^= 1;
  await writeFile(join(copy, 'model.safetensors'), weights);
  await assert.rejects(resumed(), { code: 'DATA', message: /:1 is an answer of another model with the name "staveq2"\nits model\.fingerprint is "[0-9a-f]{16}", this run's is "[0-9a-f]{16}"/ });
});

test('the folder of the answers is made; where it cannot be, that is said before anything is asked', async () => {
  const { questions } = await batch([ask('a', 'nowhere.mp4')]);
  const out = join(folder, 'made', 'here', 'answers.jsonl');
  assert.equal((await answerBatch(model, questions, out)).answered, 1);
  assert.equal((await answerBatch(model, questions, out)).skipped, 1);
  await assert.rejects(answerBatch(model, questions, join(questions, 'answers.jsonl')), { code: 'IO', message: /^cannot write .*answers\.jsonl\na file of that name is there/ });
});

test('one batch at a time writes the answers, and a full disk leaves whole lines', async (t) => {
  const { questions, out, lines } = await batch([ask('a'), ask('b'), ask('c')]);
  {
    await using _ = await takeLock(`${out}.lock`, assert.fail);
    await assert.rejects(answerBatch(model, questions, out, options), { code: 'IO', message: /^another batch writes .*answers\.jsonl\nprocess \d+/ });
  }
  await fullDisk(t, 2);
  await assert.rejects(answerBatch(model, questions, out, options), { code: 'IO', message: /^no space left on the disk/ });
  assert.deepEqual((await lines()).map(({ id }) => id), ['a']);
  assert.ok((await readFile(out, 'utf8')).endsWith('\n'));
  assert.deepEqual(counts(await answerBatch(model, questions, out, options)), { total: 3, answered: 2, skipped: 1, failed: 0 });
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

test('an answer is on disk before the model reads the next prompt: a kill costs the one in flight', async (t) => {
  for (const choices of [undefined, ['open', 'close']]) {
    const { questions, out } = await batch(['a', 'b', 'c', 'd'].map((id) => ask(id)));
    const kept: number[] = []; // lines that were there when a question's decoder was fed for the first time
    const decoders = new WeakSet<Decoder>();
    const { append } = Decoder.prototype;
    const fed = t.mock.method(Decoder.prototype, 'append', function (this: Decoder, ...args: Parameters<Decoder['append']>) {
      if (!decoders.has(this)) kept.push(readFileSync(out, 'utf8').split('\n').length - 1);
      decoders.add(this);
      return append.apply(this, args);
    });
    await answerBatch(model, questions, out, choices === undefined ? { max_new_tokens: 6 } : { choices });
    fed.mock.restore();
    assert.deepEqual(kept, [0, 1, 2, 3]);
  }
});

/** Without what differs from run to run, as JSON has it. */
const stable = ({ timings: _timings, tokens_per_second: _rate, peak_memory: _memory, reused: _reused, ...rest }: Record<string, unknown>) => JSON.parse(JSON.stringify(rest)) as object;

test('however much is decoded ahead and kept, the answers are the same; what it took is told', async () => {
  const other = `${goldens}video/rotated_90.mp4`;
  const list = [ask('a'), ask('b', other), ask('c'), ask('d', `${goldens}video/one_frame.mp4`), ask('e', other)];
  await using forgetful = await load(`${goldens}models/staveq2`, { threads: 1, reuse: 0 });
  const runs = [];
  for (const [by, ahead] of [[model, 0], [model, 1], [model, undefined], [forgetful, 0], [forgetful, undefined]] as const) {
    const { questions, out, lines } = await batch(list);
    const { throughput } = await answerBatch(by, questions, out, { ...options, ahead });
    runs.push({ lines: (await lines()).map(stable), throughput: throughput! });
  }
  for (const { lines } of runs.slice(1)) assert.deepEqual(lines, runs[0].lines);
  const { seconds, questions_per_second, frames_per_second, model_busy } = runs[3].throughput;
  const shown = (runs[3].lines as { frames: unknown[] }[]).reduce((sum, { frames }) => sum + frames.length, 0);
  assert.ok(Math.abs(seconds * questions_per_second - 5) < 1e-6 && Math.abs(seconds * frames_per_second - shown) < 1e-6);
  assert.ok(model_busy > 0 && model_busy <= 1);
  assert.ok(Math.abs(runs[2].throughput.frames_per_second * runs[2].throughput.seconds) < 1e-6); // the model knew all of the clips
  await assert.rejects(batch(list).then(({ questions, out }) => answerBatch(model, questions, out, { ahead: -1 })), { code: 'USAGE', message: /^ahead is -1/ });
});

test('choices: each line is the decision, and goes on with the same choices alone', async () => {
  const { questions, out, lines } = await batch([ask('a'), ask('b', 'nowhere.mp4'), ask('c')]);
  const choices = ['open', ['close', 'shut']];
  assert.deepEqual(counts(await answerBatch(model, questions, out, { choices, temperature: 2 })), { total: 3, answered: 3, skipped: 0, failed: 1 });
  const [a, b, c] = (await lines()) as unknown as Record<string, unknown>[];
  assert.deepEqual((b.error as { code: string }).code, 'VIDEO_MISSING');
  for (const line of [a, c]) {
    const { id, video, question: text } = line as { id: string; video: string; question: string };
    assert.deepEqual(stable(line), stable({ id, video, question: text, ...(await model.decide(video, text, choices, { temperature: 2 })) }));
  }
  assert.equal((await answerBatch(model, questions, out, { choices, temperature: 2 })).skipped, 3);
  for (const [changed, message] of [
    [{ choices: ['open', 'close'], temperature: 2 }, /:1 was made with choices \[\["open"\],\["close","shut"\]\]\nthis run would use \[\["open"\],\["close"\]\]/],
    [{ choices }, /:1 was made with temperature 2\nthis run would use 1/],
    [{ choices, temperature: 2, normalize: 'mean' }, /:1 was made with normalize "sum"/],
    [options, /:1 was made with sampling\.tokens\.max_new_tokens unknown/],
  ] as [BatchOptions, RegExp][]) await assert.rejects(answerBatch(model, questions, out, changed), { code: 'DATA', message });
  const worded = await batch([ask('a')]);
  await answerBatch(model, worded.questions, worded.out, options);
  await assert.rejects(answerBatch(model, worded.questions, worded.out, { choices }), { code: 'DATA', message: /:1 was made with choices unknown/ });
  const fresh = await batch([ask('a')]);
  await assert.rejects(answerBatch(model, fresh.questions, fresh.out, { choices: ['open', 'open'] }), { code: 'USAGE', message: /"open" is given twice/ });
  await assert.rejects(stat(fresh.out), { code: 'ENOENT' });
});
