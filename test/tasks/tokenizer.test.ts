import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { trainMerges } from '../../scripts/bpe.ts';
import { makeScene } from '../../src/clips/index.ts';
import { questions } from '../../src/tasks/index.ts';
import { encodeConversation, loadChatTemplate, loadTokenizer, type ReadText } from '../../src/text/index.ts';

let dir: string;
const read: ReadText = (name) => readFile(join(dir, name), 'utf8').catch(() => undefined);
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stave-tokenizer-'));
  await promisify(execFile)(process.execPath, ['scripts/make-tokenizer.ts', dir]);
});
after(() => rm(dir, { recursive: true, force: true }));

test('merges of a small text, worked out by hand', () => {
  // low ×5, lower ×2, newest ×6, widest ×3 (Sennrich et al., section 3.2, without their end-of-word sign)
  const merges = trainMerges(new Map([['low', 5], ['lower', 2], ['newest', 6], ['widest', 3]]), 6, 2);
  assert.deepEqual(merges, [['e', 's'], ['es', 't'], ['l', 'o'], ['lo', 'w'], ['e', 'w'], ['ew', 'est']]);
});

test('any text comes back, the task costs few tokens', async () => {
  const tokenizer = await loadTokenizer(read);
  assert.equal(tokenizer.vocabSize, 768);
  for (const text of ['Hello wörld 你好 😀\n\ttabs', 'What is the action happening in this video?', "It's 12 o'clock!", '<|im_start|> is plain text here']) assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  let [tokens, characters] = [0, 0];
  for (let i = 0; i < 100; i++)
    for (const { question, answer } of questions(makeScene(`cost/${i}`))) {
      tokens += tokenizer.encode(question).length + tokenizer.encode(answer).length;
      characters += question.length + answer.length;
    }
  assert.ok(characters / tokens > 4, `${characters / tokens} characters a token`);
});

test('special tokens are last and the template uses them', async () => {
  const [tokenizer, template] = [await loadTokenizer(read), await loadChatTemplate(read)];
  const specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>'];
  assert.deepEqual(specials.map((s) => tokenizer.id(s)), specials.map((_, i) => 760 + i));
  const { ids } = encodeConversation(tokenizer, template, [{ role: 'user', content: [{ type: 'video' }, { type: 'text', text: 'Hi' }] }], { videoTokens: [3], addGenerationPrompt: true });
  assert.equal(tokenizer.decode(ids), '<|im_start|>user\n<|vision_start|><|video_pad|><|video_pad|><|video_pad|><|vision_end|>Hi<|im_end|>\n<|im_start|>assistant\n');
});

test('the files are the same every time', async () => {
  const again = await mkdtemp(join(tmpdir(), 'stave-tokenizer-'));
  await promisify(execFile)(process.execPath, ['scripts/make-tokenizer.ts', again]);
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'chat_template.json']) assert.equal(await readFile(join(again, file), 'utf8'), await readFile(join(dir, file), 'utf8'));
  await rm(again, { recursive: true });
});
