import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWeights } from '../../src/weights/index.ts';
import { fileBytes, folder, write } from './files.ts';

const f32 = (begin: unknown, end: unknown, shape: unknown = [1], dtype: unknown = 'F32'): object => ({ dtype, shape, data_offsets: [begin, end] });
const ok = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';

/** Files that must be refused, and what the message has to say about them. */
const hostile: [string, Uint8Array, RegExp][] = [
  ['an empty file', new Uint8Array(), /0 bytes long/],
  ['a file of 7 bytes', new Uint8Array(7), /7 bytes long/],
  ['a header longer than the file', fileBytes(ok, 4, 1000n), /header of 1000 bytes, but only 58/],
  ['a header of 2^63 bytes', fileBytes(ok, 4, 1n << 63n), /header of 9223372036854775808 bytes, at most 100000000/],
  ['a header above the cap', fileBytes(ok, 4, 100_000_001n), /100000001 bytes, at most/],
  ['a header of no bytes', fileBytes('', 0), /header of 0 bytes/],
  ['a header that does not start with {', fileBytes(` ${ok}`, 4), /starts with byte 32/],
  ['a byte order mark', fileBytes(`\ufeff${ok}`, 4), /starts with byte 239/],
  ['an array as header', fileBytes('[1]', 0), /starts with byte 91/],
  ['a header that is not JSON', fileBytes('{"a":}', 0), /not JSON/],
  ['a header cut off in the middle', fileBytes(ok, 4, 20n), /not JSON/],
  ['text after the JSON', fileBytes(`${ok}x`, 4), /not JSON/],
  ['a header that is not UTF-8', fileBytes('{"a":1}', 0).map((b) => (b === 97 ? 0xff : b)), /not JSON in UTF-8/],
  ['a name given twice', fileBytes('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8), /names "a" twice/],
  ['a name given twice in two spellings', fileBytes('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8), /names "a" twice/],
  ['a dtype given twice', fileBytes('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"dtype":"I32"}}', 4), /names "dtype" twice/],
  ['metadata given twice', fileBytes('{"__metadata__":{"k":"1","k":"2"}}', 0), /names "k" twice/],
  ['metadata that is no object', fileBytes({ __metadata__: ['x'] }), /__metadata__ is \["x"\]/],
  ['metadata that is no string', fileBytes({ __metadata__: { k: 1 } }), /__metadata__ "k" is 1/],
  ['a tensor that is no object', fileBytes({ a: [1] }), /"a" is \[1\]/],
  ['a tensor that is null', fileBytes({ a: null }), /"a" is null/],
  ['an unknown dtype', fileBytes({ a: f32(0, 4, [1], 'F33') }, 4), /"a" has dtype "F33"\n.*F32/],
  ['a dtype inherited by every object', fileBytes({ a: f32(0, 4, [1], 'toString') }, 4), /dtype "toString"/],
  ['no dtype', fileBytes({ a: { shape: [1], data_offsets: [0, 4] } }, 4), /dtype missing/],
  ['no shape', fileBytes({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /shape missing/],
  ['a shape that is no list', fileBytes({ a: f32(0, 4, 1) }, 4), /shape 1/],
  ['a negative size', fileBytes({ a: f32(0, 4, [-1]) }, 4), /shape \[-1\]/],
  ['two negative sizes', fileBytes({ a: f32(0, 4, [-1, -1]) }, 4), /shape \[-1,-1\]/],
  ['a size of minus zero', fileBytes('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}', 0), /shape/],
  ['a fractional size', fileBytes({ a: f32(0, 4, [0.5, 2]) }, 4), /shape \[0.5,2\]/],
  ['a size in a string', fileBytes({ a: f32(0, 4, ['1']) }, 4), /shape \["1"\]/],
  ['a size of 2^53', fileBytes('{"a":{"dtype":"F32","shape":[9007199254740992],"data_offsets":[0,4]}}', 4), /shape \[9007199254740992\]/],
  ['a size that overflows to infinity', fileBytes('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4), /shape/],
  ['a product above 2^53', fileBytes({ a: f32(0, 4, [2 ** 32, 2 ** 32]) }, 4), /more than 2\^53 bytes/],
  ['a product that wraps to 0 in 64 bits', fileBytes({ a: f32(0, 0, [2 ** 32, 2 ** 32]) }, 0), /more than 2\^53 bytes/],
  ['a product that overflows before a 0', fileBytes({ a: f32(0, 0, [2 ** 40, 2 ** 40, 0]) }, 0), /more than 2\^53 bytes/],
  ['elements below and bytes above 2^53', fileBytes({ a: f32(0, 4, [2 ** 51]) }, 4), /more than 2\^53 bytes/],
  ['one offset', fileBytes({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4), /data_offsets \[0\]/],
  ['three offsets', fileBytes({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 4), /data_offsets \[0,4,8\]/],
  ['a negative offset', fileBytes({ a: f32(-4, 0) }, 4), /data_offsets \[-4,0\]/],
  ['a fractional offset', fileBytes({ a: f32(0.5, 4.5) }, 8), /data_offsets/],
  ['offsets that go backwards', fileBytes({ a: f32(4, 0) }, 4), /spans bytes 4 to 0 \(-4\)/],
  ['a span shorter than the shape', fileBytes({ a: f32(0, 4, [2]) }, 4), /spans bytes 0 to 4 \(4\), F32 \[2\] needs 8/],
  ['a span longer than the shape', fileBytes({ a: f32(0, 8) }, 8), /spans bytes 0 to 8 \(8\), F32 \[1\] needs 4/],
  ['a tensor beyond the file', fileBytes({ a: f32(0, 4) }, 3), /ends at byte 4 of the data, the file holds 3/],
  ['a tensor far beyond the file', fileBytes({ a: f32(2 ** 52, 2 ** 52 + 4) }, 4), /ends at byte 4503599627370500/],
  ['two tensors on the same bytes', fileBytes({ a: f32(0, 4), b: f32(0, 4) }, 4), /"b" starts at byte 0 .* overlaps tensor "a"/],
  ['two tensors that share a byte', fileBytes({ a: f32(0, 4), b: f32(3, 7) }, 7), /"b" starts at byte 3 .* overlaps tensor "a", which ends at 4/],
  ['a tensor inside another', fileBytes({ a: f32(0, 16, [4]), b: f32(4, 8) }, 16), /"b" .* overlaps tensor "a"/],
  ['a gap at the start', fileBytes({ a: f32(4, 8) }, 8), /4 bytes between the header and tensor "a"/],
  ['a gap between tensors', fileBytes({ a: f32(0, 4), b: f32(8, 12) }, 12), /4 bytes between tensor "a" and tensor "b"/],
  ['an empty tensor in a gap', fileBytes({ a: f32(0, 4), b: f32(6, 6, [0]), c: f32(8, 12) }, 12), /2 bytes between tensor "a" and tensor "b"/],
  ['bytes after the last tensor', fileBytes({ a: f32(0, 4) }, 5), /1 bytes after tensor "a"/],
  ['data without a tensor', fileBytes({}, 1), /1 bytes after the header/],
];

for (const [name, bytes, message] of hostile) {
  test(`refused: ${name}`, async (t) => {
    const file = write(join(folder(t), 'x.safetensors'), bytes);
    await assert.rejects(openWeights(file), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'WEIGHTS_CORRUPT', String(error));
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`${file}: `), 'the message names the file');
      return true;
    });
  });
}

/** Files that look odd and are valid. */
const odd: [string, Uint8Array, string[]][] = [
  ['no tensor at all', fileBytes({}), []],
  ['metadata alone', fileBytes({ __metadata__: { format: 'pt' } }), []],
  ['spaces after the JSON', fileBytes(`${ok}     `, 4), ['a']],
  ['a scalar', fileBytes({ a: f32(0, 4, []) }, 4), ['a']],
  ['a tensor of no elements', fileBytes({ a: f32(0, 4), b: f32(4, 4, [3, 0, 2]) }, 4), ['a', 'b']],
  ['tensors out of order', fileBytes({ b: f32(4, 8), a: f32(0, 4) }, 8), ['b', 'a']],
  ['an odd offset', fileBytes({ a: f32(0, 1, [1], 'U8'), b: f32(1, 5) }, 5), ['a', 'b']],
  ['names that objects inherit', fileBytes('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"constructor":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}', 5), ['__proto__', 'constructor']],
];

for (const [name, bytes, tensors] of odd) {
  test(`accepted: ${name}`, async (t) => {
    await using weights = await openWeights(write(join(folder(t), 'x.safetensors'), bytes));
    assert.deepEqual([...weights.tensors.keys()], tensors);
    for (const n of tensors) assert.equal((await weights.read(n)).byteLength, weights.info(n).byteLength);
  });
}

test('a file cut off after it was opened is noticed when reading', async (t) => {
  const file = write(join(folder(t), 'x.safetensors'), fileBytes({ a: f32(0, 400, [100]) }, 400));
  await using weights = await openWeights(file);
  truncateSync(file, 100);
  await assert.rejects(weights.read('a'), { code: 'WEIGHTS_CORRUPT', message: /ends within tensor "a"/ });
  await assert.rejects(weights.readF32('a'), { code: 'WEIGHTS_CORRUPT' });
});
