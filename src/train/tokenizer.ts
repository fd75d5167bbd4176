/** Trains a small byte-level BPE tokenizer in Qwen2's form: same pre-tokenizer, same special tokens, a vocabulary of one's own. */

/** Qwen2's split of text into words, before merges. */
const PATTERN = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const SPLIT = new RegExp(PATTERN.replace(/^\(\?i:[^)]*\)/, "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"), 'gu');

/** In the order of their ids, which follow the vocabulary's. */
export const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|object_ref_start|>', '<|object_ref_end|>', '<|box_start|>', '<|box_end|>', '<|quad_start|>', '<|quad_end|>', '<|vision_start|>', '<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>'];

/** The character that stands for each byte in a byte-level vocabulary (GPT-2): printable ones for themselves, the others from U+0100 on. */
function byteCharacters(): string[] {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++));
}

/** Byte-pair merges of the texts, most frequent first (ties: alphabetical, so the result depends on the texts alone).
 * @param size tokens wanted, bytes included and special ones not; fewer when every word is one token already
 * @returns the tokens, in the order of their ids, and the merges */
export function trainMerges(texts: Iterable<string>, size: number): { vocab: string[]; merges: [string, string][] } {
  const bytes = byteCharacters();
  const counts = new Map<string, number>();
  for (const text of texts) for (const [word] of text.normalize('NFC').matchAll(SPLIT)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].map(([word, count]) => ({ parts: [...Buffer.from(word)].map((b) => bytes[b]), count }));
  const vocab = [...bytes].sort();
  const merges: [string, string][] = [];
  while (vocab.length < size) {
    const pairs = new Map<string, number>();
    for (const { parts, count } of words) for (let i = 1; i < parts.length; i++) pairs.set(`${parts[i - 1]} ${parts[i]}`, (pairs.get(`${parts[i - 1]} ${parts[i]}`) ?? 0) + count);
    let best = '', most = 0;
    for (const [pair, count] of pairs) if (count > most || (count === most && pair < best)) [best, most] = [pair, count];
    if (most === 0) break;
    const [left, right] = best.split(' ');
    merges.push([left, right]);
    vocab.push(left + right);
    for (const { parts } of words) for (let i = 1; i < parts.length; i++) if (parts[i - 1] === left && parts[i] === right) parts.splice(--i, 2, left + right);
  }
  return { vocab, merges };
}

/** The files of a tokenizer directory, name → JSON value or text, as transformers writes them for Qwen2Tokenizer. */
export function tokenizerFiles({ vocab, merges }: { vocab: string[]; merges: [string, string][] }): Record<string, unknown> {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const added = specialTokens.map((content, i) => ({ id: vocab.length + i, content, ...plain, special: true }));
  const ids = Object.fromEntries(vocab.map((token, id) => [token, id]));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: PATTERN }, behavior: 'Isolated', invert: false }, byteLevel] },
      post_processor: { ...byteLevel, trim_offsets: false },
      decoder: { ...byteLevel, add_prefix_space: true, use_regex: true },
      model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab: ids, merges },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'Qwen2Tokenizer',
      processor_class: 'Qwen2VLProcessor',
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
      bos_token: null,
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      unk_token: null,
      clean_up_tokenization_spaces: false,
      model_max_length: 4096,
      padding_side: 'left',
    },
    'vocab.json': ids,
    'merges.txt': `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`,
    'chat_template.json': { chat_template: CHAT_TEMPLATE },
  };
}

/** Qwen2-VL's conversation format: a system prompt unless there is one, turns between <|im_start|> and <|im_end|>, placeholders for what is seen. */
const CHAT_TEMPLATE = [
  '{% for message in messages %}',
  "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}",
  "<|im_start|>{{ message['role'] }}\n",
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for content in message['content'] %}",
  "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}<|vision_start|><|image_pad|><|vision_end|>",
  "{% elif content['type'] == 'video' or 'video' in content %}<|vision_start|><|video_pad|><|vision_end|>",
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n",
  '{% endfor %}',
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
].join('');
