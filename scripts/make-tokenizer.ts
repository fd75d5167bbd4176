/** Makes the tokenizer of the model in the box: byte-level BPE of Qwen2's form with a vocabulary learnt from Motion-10's questions and
 * answers and some everyday English. Usage: node scripts/make-tokenizer.ts DIR
 * The shipped one, box/tokenizer, was made before yes/no was asked in everyday words: made anew, 56 of the 504 tokens that it learns are others, which its model does not know. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actions, colorNames, makeScene, shapeNames } from '../src/clips/index.ts';
import { questions } from '../src/tasks/questions.ts';
import { byteCharacters } from '../src/text/stream-decoder.ts';
import { trainMerges } from './bpe.ts';

/** Vocabulary with the special tokens at its end. */
const size = 768;
const specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>'];

/** Qwen2's split into pieces: contractions, words with the character before them, single digits, punctuation, line ends, spaces. */
const pattern = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const split = new RegExp(pattern.replace(/\(\?i:(.*?)\)/, "'[sStTmMdD]|'[rR][eE]|'[vV][eE]|'[lL][lL]"), 'gu'); // the same without the inline flag

/** Phrases beyond the task's own, so that other wordings do not fall to single letters. */
const english = `Can you tell me what is happening in the video? Please describe what you see. What do you see in this clip? Which object is moving, and in which direction does it move?
Is anything moving to the left or to the right? Is it going up or down? Does the object get bigger or smaller? Is it getting closer to the camera or farther away from the camera?
Does it rotate clockwise or counterclockwise? Which way does it turn? Did the object show up or vanish? What did it do? How many objects are there? How many shapes can you see?
Which of these came first? Which was the first to move? What was the last one to move? What is in the background? Where is the object? Who is there? When does it start and when does it end?
The first one is on the left and the second one is on the right. There is a small shape near the top and a large one at the bottom. It does not move. Nothing happens.
You are a helpful assistant. Look at the provided video and answer the question. Answer with yes or no. Answer in one word. Answer in one sentence. Choose the right answer from the following options.
Yes, it is. No, it is not. The answer is: It was before the other, after that it stopped. One, two, three, four, five, six, seven, eight, nine, ten. Once, twice, never. Please explain why. Thank you.`;

function corpus(): Map<string, number> {
  const pieces = new Map<string, number>();
  const add = (text: string, count: number): void => {
    for (const [piece] of text.matchAll(split)) pieces.set(piece, (pieces.get(piece) ?? 0) + count);
  };
  for (let i = 0; i < 3000; i++)
    for (const { question, answer } of questions(makeScene(`tokenizer/${i}`))) {
      add(question, 1);
      add(answer, 1);
    }
  for (const name of [...shapeNames, ...colorNames]) for (const text of [` ${name}`, name[0].toUpperCase() + name.slice(1)]) add(text, 400);
  for (const name of Object.values(actions)) add(` ${name}`, 400);
  add(english, 20);
  for (const role of ['system', 'user', 'assistant']) add(role, 1000);
  return pieces;
}

const [dir] = process.argv.slice(2);
if (!dir) {
  console.error('Usage: node scripts/make-tokenizer.ts DIR');
  process.exit(2);
}
const merges = trainMerges(corpus(), size - 256 - specials.length, 2);
const printable = byteCharacters().toSorted((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
const tokens = [...printable, ...merges.map(([a, b]) => a + b)];
const first = tokens.length;
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: specials.map((content, i) => ({ id: first + i, content, ...flags })),
  normalizer: { type: 'NFC' },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    ],
  },
  post_processor: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  },
};
const config = {
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(specials.map((content, i) => [first + i, { content, ...flags }])),
  additional_special_tokens: specials.slice(1),
  bos_token: null,
  clean_up_tokenization_spaces: false,
  eos_token: '<|im_end|>',
  errors: 'replace',
  model_max_length: 4096,
  pad_token: '<|endoftext|>',
  split_special_tokens: false,
  tokenizer_class: 'Qwen2Tokenizer',
  unk_token: null,
};
/** Qwen2-VL's turns; no system turn unless the caller gives one (every token counts in a model this small). */
const template = [
  '{% for message in messages %}<|im_start|>{{ message.role }}\n',
  '{% if message.content is string %}{{ message.content }}',
  '{% else %}{% for part in message.content %}',
  "{% if part.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>",
  "{% elif part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>",
  "{% elif part.type == 'text' %}{{ part.text }}{% endif %}",
  '{% endfor %}{% endif %}<|im_end|>\n{% endfor %}',
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
].join('');

mkdirSync(dir, { recursive: true });
const write = (name: string, value: unknown): void => writeFileSync(join(dir, name), `${JSON.stringify(value, null, 1)}\n`);
write('tokenizer.json', tokenizer);
write('tokenizer_config.json', config);
write('chat_template.json', { chat_template: template });
console.log(`${first + specials.length} tokens (${merges.length} merges, longest ${JSON.stringify(tokens.reduce((a, b) => (b.length > a.length ? b : a)))}) in ${dir}`);
