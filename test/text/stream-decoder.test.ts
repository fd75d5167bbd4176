import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tokenizer as Reference } from '@huggingface/tokenizers';
import { loadTokenizer, StreamDecoder } from '../../src/text/index.ts';
import { files, json } from './goldens.ts';
import { Random } from '../../src/generate/random.ts';

for (const path of ['qwen2-tokenizer', 'models/qwen2vl']) {
  const tokenizer = await loadTokenizer(files(path));
  const reference = new Reference(await json(path, 'tokenizer.json'), { clean_up_tokenization_spaces: false });
  const stream = (ids: number[], skipSpecial = false) => {
    const decoder = new StreamDecoder(tokenizer, { skipSpecial });
    return [...ids.map((id) => decoder.push(id)), decoder.end()];
  };

  test(`${path}: the pieces of any ids are the library's decoding of all of them`, () => {
    const random = new Random(7);
    const bytes = Array.from({ length: 256 }, (_, id) => id); // ids of single bytes: mostly broken characters
    for (let round = 0; round < 300; round++) {
      const ids = Array.from({ length: 1 + (random.next32() % 24) }, () => (random.next() < 0.5 ? bytes[random.next32() % 256] : random.next32() % tokenizer.vocabSize));
      for (const skip_special_tokens of [false, true]) {
        const expected = reference.decode(ids, { skip_special_tokens });
        assert.equal(stream(ids, skip_special_tokens).join(''), expected);
        assert.equal(tokenizer.decode(ids, { skipSpecial: skip_special_tokens }), expected);
      }
    }
  });

  test(`${path}: of a real text, no piece ends inside a character`, async () => {
    const { tokenizer: rows } = await json('processor', 'processor.json');
    for (const { text } of rows) {
      const pieces = stream(tokenizer.encode(text));
      for (const piece of pieces) assert.ok(piece.isWellFormed() && !piece.includes('\ufffd'), JSON.stringify(piece));
      assert.equal(pieces.join(''), text.normalize('NFC'));
    }
  });

  test(`${path}: a character comes with its last byte, a broken one when it is known to be broken`, () => {
    const id = (byte: number) => tokenizer.id(byte >= 0xa1 ? String.fromCharCode(byte) : String.fromCharCode(0x100 + 33 + byte - 0x7f))!; // 0x7f–0xa0 are written as U+0121 …
    const [f0, x9f, x8e, xac] = [0xf0, 0x9f, 0x8e, 0xac].map(id); // 🎬
    assert.deepEqual(stream([f0, x9f, x8e, xac]), ['', '', '', '🎬', '']);
    assert.deepEqual(stream([xac]), ['\ufffd', '']); // a continuation byte alone
    assert.deepEqual(stream([f0, x9f]), ['', '', '\ufffd']); // cut off
    assert.deepEqual(stream([f0, x9f, tokenizer.id('a')!]), ['', '', '\ufffda', '']);
    const end = tokenizer.id('<|im_end|>')!;
    assert.deepEqual(stream([f0, x9f, end]), ['', '', '\ufffd<|im_end|>', '']);
    assert.deepEqual(stream([f0, x9f, end, x8e, xac], true), ['', '', '', '', '🎬', '']); // special tokens are left out before bytes are joined, as in the reference
  });
}
