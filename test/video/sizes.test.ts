/** Frame sizes and resizing against Pillow 13, torchvision 0.21 and transformers 4.46.1 (test/goldens/processor, test/goldens/resize). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resizeBicubic, resizer, smartResize } from '../../src/video/index.ts';
import { openWeights } from '../../src/weights/index.ts';

const golden = (file: string) => readFileSync(new URL(`../goldens/processor/${file}`, import.meta.url));
const { smart_resize, resize } = JSON.parse(golden('processor.json').toString());
const bytes = golden('processor.safetensors');
const headerLength = Number(bytes.readBigUInt64LE(0));
const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString());
const tensor = (name: string): Uint8Array => bytes.subarray(...header[name].data_offsets.map((at: number) => 8 + headerLength + at));

function difference(a: Uint8Array, b: Uint8Array): { exact: number; within1: number } {
  assert.equal(a.length, b.length);
  let exact = 0, within1 = 0;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) exact++;
    if (Math.abs(a[i] - b[i]) <= 1) within1++;
  }
  return { exact: exact / a.length, within1: within1 / a.length };
}

test('smartResize gives the recorded sizes', () => {
  for (const [height, width, minPixels, maxPixels, expected] of smart_resize.rows) {
    const size = smartResize(height, width, { factor: smart_resize.factor, minPixels, maxPixels });
    assert.deepEqual([size.height, size.width], expected, `${height}×${width} in ${minPixels}…${maxPixels}`);
  }
});

test('smartResize refuses what has no size', () => {
  const budget = { minPixels: 3136, maxPixels: 200704 };
  assert.throws(() => smartResize(0, 10, budget), { code: 'USAGE' });
  assert.throws(() => smartResize(10, 2001, budget), { code: 'LIMIT' });
  assert.throws(() => smartResize(100, 5000, { minPixels: 100, maxPixels: 784 }), { code: 'LIMIT' });
});

for (const [i, [h, w, H, W]] of resize.rows.entries()) {
  test(`resize ${h}×${w} → ${H}×${W}: bit for bit Pillow's`, () => {
    assert.equal(difference(resizeBicubic(tensor(`resize.${i}.input`), h, w, H, W), tensor(`resize.${i}.pil`)).exact, 1);
  });
  test(`resize ${h}×${w} → ${H}×${W}: torchvision's, all within 1 level, 99.9 % equal`, () => {
    const { exact, within1 } = difference(resizeBicubic(tensor(`resize.${i}.input`), h, w, H, W, 'torchvision'), tensor(`resize.${i}.torchvision`));
    assert.equal(within1, 1);
    assert.ok(exact > 0.999, `${exact}`);
  });
}

const torchvision8 = await openWeights(fileURLToPath(new URL('../goldens/resize/torchvision8.safetensors', import.meta.url)));

for (const name of [...torchvision8.tensors.keys()].filter((key) => key.endsWith('.input')))
  test(`resize of 8-bit tensors, ${name}: bit for bit torchvision's`, async () => {
    const output = name.replace('input', 'output');
    const [[h, w], [H, W]] = [torchvision8.info(name).shape, torchvision8.info(output).shape];
    const read = async (key: string) => (await torchvision8.read(key)) as Uint8Array;
    assert.equal(difference(resizeBicubic(await read(name), h, w, H, W, 'torchvision8'), await read(output)).exact, 1);
  });

test('a resizer keeps nothing of the frame before, and copies when the size stays', () => {
  const [h, w, H, W] = resize.rows[0];
  const input = tensor('resize.0.input');
  const resizeTo = resizer(h, w, H, W);
  const out = new Uint8Array(H * W * 3);
  resizeTo(new Uint8Array(h * w * 3).fill(255), out);
  assert.ok(out.every((v) => v === 255));
  assert.equal(difference(resizeTo(input, out), tensor('resize.0.pil')).exact, 1);
  const same = resizer(h, w, h, w)(input);
  assert.deepEqual(same, Uint8Array.from(input));
  assert.throws(() => resizeTo(input.subarray(3)), RangeError);
});
