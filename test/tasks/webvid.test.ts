import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { test } from 'node:test';
import { random } from '../../src/clips/index.ts';
import { seededDraws } from '../../src/tasks/draws.ts';
import { labelsByHeaders } from '../../src/tasks/labels.ts';
import { qaPrompt, qaSamples, splitCaptions, type QaSample } from '../../src/tasks/webvid/ask.ts';
import { collectCaptions } from '../../src/tasks/webvid/captions.ts';
import { exchangeOptions, hasBothOptions, referenceExchange } from '../../src/tasks/webvid/exchange.ts';
import { parseReply } from '../../src/tasks/webvid/parse.ts';
import { webvidRecord, webvidRecords } from '../../src/tasks/webvid/records.ts';
import { encodeConversation, labelsOf, loadChatTemplate, loadTokenizer, type Message } from '../../src/text/index.ts';

const csv = (...names: string[]) => `videoid,contentUrl,duration,page_dir,name\n${names.map((name, i) => `${name.length}${i},u,d,p,"${name}"\n`).join('')}`;
const turn = (question: string, answer: string, video = false): Message[] => [
  { role: 'user', content: [...(video ? [{ type: 'video' as const }] : []), { type: 'text', text: question }] },
  { role: 'assistant', content: [{ type: 'text', text: answer }] },
];
const draws = (seed: string) => seededDraws(random(seed));

test('captions: the longest in code points first, equal ones as they stand', () => {
  const names = collectCaptions({ 'b.csv': csv('four'), 'a.csv': csv('😀😀😀', 'five5', 'Four'), 'c.CSV': csv('not read at all') }).map(({ name }) => name);
  assert.deepEqual(names, ['five5', 'Four', 'four', '😀😀😀']);
});

test('a third of the captions gets one question, the others several', () => {
  const { single, multi } = splitCaptions(Array.from({ length: 11 }, (_, i) => i), draws('split'));
  assert.equal(single.length, 3);
  assert.deepEqual([...single, ...multi].toSorted((a, b) => a - b), Array.from({ length: 11 }, (_, i) => i));
  assert.ok(!qaPrompt('single').includes('multi-turn') && qaPrompt('multi').includes('multi-turn') && qaPrompt('single').endsWith('description: \n'));
});

test('replies: the last pair is asked, those before are its history', () => {
  const reply = 'Sure!\nQuestion: a?\nAnswer: b\n\nquestion: c?\n  ANSWER: d';
  assert.deepEqual(parseReply(reply, 'multi'), { question: 'c?', answer: 'd', history: [['a?', 'b']] });
  assert.deepEqual(parseReply(reply, 'single'), { question: 'c?', answer: 'b', history: [] }, 'an indented line is none');
  assert.deepEqual(qaSamples([{ videoid: '1' }, { videoid: '2' }], ['Question: a', reply], 'multi').map(({ videoid }) => videoid), ['2']);
});

test('exchanging twice gives the same question back; what has no two options stays', () => {
  for (const qa of [{ question: 'Which? (A) x (B) y', answer: '(A) x' }, { question: '(A) one (B) two', answer: '(B) two' }, { question: 'É? (A) 😀 a (B) b.', answer: '(B) b.' }]) {
    const once = exchangeOptions(qa);
    assert.notDeepEqual(once, qa);
    assert.deepEqual(exchangeOptions(once), qa);
    if (!qa.question.startsWith('(A)')) assert.deepEqual(referenceExchange(qa), once, 'as the reference does');
  }
  for (const qa of [{ question: 'What?', answer: 'A man.' }, { question: 'Q (A) x', answer: '(A) x' }, { question: '(B) y (A) x', answer: '(A) x' }, { question: 'Q (A) x (B) y (C) z', answer: '(A) x' }, { question: 'Q (A) x (B) y', answer: 'x' }]) {
    assert.deepEqual(exchangeOptions(qa), qa);
    if (!hasBothOptions(qa.question)) assert.notDeepEqual(referenceExchange(qa), qa, 'the reference garbles it');
  }
});

test('training records: half of the options exchanged, all samples there; history only when strict', () => {
  const samples = Array.from({ length: 400 }, (_, i): QaSample => ({ videoid: String(i), question: 'Which? (A) x (B) y', answer: '(A) x', history: [['Who?', 'He.']] }));
  const records = webvidRecords(samples, draws('records'));
  const exchanged = records.filter(([, answer]) => JSON.stringify(answer).includes('(B) x')).length;
  assert.ok(exchanged > 160 && exchanged < 240, String(exchanged));
  assert.equal(new Set(records.map(([user]) => JSON.stringify(user))).size, 400);
  assert.equal(webvidRecord(samples[0]).length, 2);
  assert.deepEqual(webvidRecord(samples[0], { protocol: 'strict' }).map(({ role, content }) => [role, content.length]), [['user', 2], ['assistant', 1], ['user', 1], ['assistant', 1]]);
});

test('labels found in the ids equal those found from the messages', async () => {
  const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
  const tokenizer = await loadTokenizer(async (name) => (name === 'tokenizer.json' ? gunzipSync(await readFile(`${goldens}qwen2-tokenizer/tokenizer.json.gz`)).toString() : undefined));
  const template = await loadChatTemplate((name) => readFile(`${goldens}models/staveq2/${name}`, 'utf8').catch(() => undefined));
  const one = encodeConversation(tokenizer, template, turn('What happens?', 'A man runs.', true), { videoTokens: [6] });
  assert.deepEqual(labelsByHeaders(one.ids, 'every'), [...labelsOf(one)]);
  assert.deepEqual(labelsByHeaders(one.ids, 'last'), [...labelsOf(one)]);
  const two = encodeConversation(tokenizer, template, [...turn('What?', 'This.', true), ...turn('Why?', 'That.')], { videoTokens: [3] });
  assert.deepEqual(labelsByHeaders(two.ids, 'every'), [...labelsOf(two)]);
  const last = labelsByHeaders(two.ids, 'last');
  assert.deepEqual(last.filter((id) => id !== -100), [...labelsOf(two)].filter((id) => id !== -100).slice(-last.filter((id) => id !== -100).length));
  assert.throws(() => labelsByHeaders([1, 2, 3], 'every'), { code: 'DATA' });
  assert.deepEqual(labelsByHeaders([1, 151643, 151656], 'last'), [1, -100, -100]);
});
