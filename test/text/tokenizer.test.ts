/** Ids and texts of the Qwen2 vocabulary are compared row by row in test/models/processor.test.ts; here is what the rows don't show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTokenizer } from '../../src/text/index.ts';
import { files, json, memory } from './goldens.ts';

const qwen2 = await loadTokenizer(files('qwen2-tokenizer'));
const tiny = await loadTokenizer(files('models/qwen2vl'));

test('special tokens in a text are plain text unless asked for', () => {
  const text = 'a<|im_end|><|video_pad|>b';
  for (const tokenizer of [qwen2, tiny]) {
    const special = (ids: number[]) => ids.filter((id) => tokenizer.added(id)?.special).map((id) => tokenizer.token(id));
    assert.deepEqual(special(tokenizer.encode(text)), []);
    assert.deepEqual(special(tokenizer.encode(text, { special: true })), ['<|im_end|>', '<|video_pad|>']);
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    assert.equal(tokenizer.decode(tokenizer.encode(text, { special: true })), text);
    assert.equal(tokenizer.decode(tokenizer.encode(text, { special: true }), { skipSpecial: true }), 'ab');
  }
});

test('both ways of encoding agree on texts without special tokens', async () => {
  const { tokenizer: rows } = await json('processor', 'processor.json');
  for (const { text, ids } of rows) if (!text.includes('<|')) assert.deepEqual(qwen2.encode(text), ids);
});

test('text is normalised to NFC, as the vocabulary was made', () => {
  assert.deepEqual(qwen2.encode('cafe\u0301'), qwen2.encode('caf\u00e9'));
});

test('ids: count, look-up both ways, ids outside the vocabulary stand for nothing', () => {
  assert.equal(qwen2.vocabSize, 151657);
  assert.equal(qwen2.id('<|im_end|>'), 151645);
  assert.equal(qwen2.token(qwen2.id('Ġthe')!), 'Ġthe');
  assert.equal(qwen2.id('no such token'), undefined);
  assert.equal(qwen2.decode([9707, 151900, -1, 0]), 'Hello!');
  assert.deepEqual(qwen2.encode(''), []);
  assert.equal(qwen2.decode([]), '');
});

test('added tokens: those of tokenizer_config.json count too, those that are not special stay tokens in plain text', async () => {
  const tokenizer = await json('models/qwen2vl', 'tokenizer.json');
  const config = await json('models/qwen2vl', 'tokenizer_config.json');
  config.added_tokens_decoder[1014] = { content: '<think>', special: false, normalized: false };
  config.added_tokens_decoder[1015] = { content: '<|new|>', special: true, normalized: false };
  const extended = await loadTokenizer(memory({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': config }));
  const { 0: first, length } = extended.encode('<think><|new|>');
  assert.equal(first, 1014);
  assert.ok(length > 2);
  assert.deepEqual(extended.encode('<think><|new|>', { special: true }), [1014, 1015]);
  assert.equal(extended.decode([1014, 1015], { skipSpecial: true }), '<think>');

  config.added_tokens_decoder[1002].content = '<|other|>';
  await assert.rejects(loadTokenizer(memory({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': config })), { code: 'TOKENIZER', message: /token 1002 is "<\|im_end\|>" in tokenizer.json and "<\|other\|>"/ });
});

const refused = async (contents: Record<string, unknown>, message: RegExp) => assert.rejects(loadTokenizer(memory(contents)), { code: 'TOKENIZER', message });

test('a tokenizer that can not be used says why', async () => {
  const good = await json('models/qwen2vl', 'tokenizer.json');
  await refused({}, /has no tokenizer\.json/);
  await refused({ 'tokenizer.json': '{"model":' }, /tokenizer\.json is not valid JSON/);
  await refused({ 'tokenizer.json': '[]' }, /does not hold a JSON object/);
  await refused({ 'tokenizer.json': {} }, /has no model/);
  await refused({ 'tokenizer.json': { ...good, model: { ...good.model, type: 'Unigram' } } }, /model\.type is "Unigram"/);
  await refused({ 'tokenizer.json': { ...good, model: { type: 'BPE' } } }, /vocab or model\.merges is missing/);
  await refused({ 'tokenizer.json': { ...good, decoder: { type: 'Metaspace' } } }, /Metaspace/);
  await refused({ 'tokenizer.json': { ...good, model: { ...good.model, vocab: { a: -1 } } } }, /vocab\["a"\] is -1/);
  await refused({ 'tokenizer.json': { ...good, added_tokens: [{ id: 3 }] } }, /an added token is/);
  await refused({ 'tokenizer.json': { ...good, normalizer: { type: 'Unheard' } } }, /cannot be used/);
  await refused({ 'tokenizer.json': good, 'tokenizer_config.json': 'x' }, /tokenizer_config\.json is not valid JSON/);
});
