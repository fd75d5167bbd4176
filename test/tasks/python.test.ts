/** What of Python the references' scores hang on. Expected values: CPython's documentation and its own output, or closed forms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/clips/index.ts';
import { parseCsv } from '../../src/tasks/python/csv.ts';
import { fixed, parseInteger } from '../../src/tasks/python/numbers.ts';
import { pythonRandom } from '../../src/tasks/python/random.ts';
import { setOrder } from '../../src/tasks/python/set-order.ts';
import { byCodePoints, capitalize, readLines, splitLines, strip } from '../../src/tasks/python/text.ts';

const drawn = (seed: number, n: number) => Array.from({ length: n }, pythonRandom(seed));

test('random.seed(n); random.random(): CPython\'s numbers', () => {
  assert.deepEqual(drawn(0, 2), [0.8444218515250481, 0.7579544029403025]);
  assert.deepEqual(drawn(42, 2), [0.6394267984578837, 0.025010755222666936]);
  assert.deepEqual(drawn(1, 1), [0.13436424411240122]);
  const many = drawn(7, 20000); // over several turns of the state
  assert.ok(Math.abs(many.reduce((a, b) => a + b) / many.length - 0.5) < 0.01);
  assert.equal(new Set(many).size, many.length);
});

test('a set of integers iterates by slots', () => {
  assert.deepEqual(setOrder([8, 0]), [8, 0], 'both want slot 0');
  assert.deepEqual(setOrder([0, 8]), [0, 8]);
  assert.deepEqual(setOrder([3, 3, 1]), [1, 3]);
  for (const n of [0, 1, 4, 5, 18, 19, 76, 77, 1000, 60_000]) {
    const values = Array.from({ length: n }, (_, i) => i);
    assert.deepEqual(setOrder(values), values, 'numbers from 0 on stand in their own slots');
    assert.deepEqual(setOrder(values.toReversed()), values);
  }
  assert.deepEqual(setOrder([100, 50, 7, 31, 64]), [64, 100, 7, 50, 31], 'five entries: a table of 32');
  const r = random('sets');
  for (let i = 0; i < 200; i++) {
    const values = Array.from({ length: r.int(1, 300) }, () => r.int(0, 2000));
    assert.deepEqual(setOrder(values).toSorted((a, b) => a - b), [...new Set(values)].toSorted((a, b) => a - b), 'each value once');
  }
});

test('capitalize: title case first, lower case after', () => {
  const expected: Record<string, string> = {
    '': '', a: 'A', 'A BMW': 'A bmw', ßa: 'Ssa', ﬁRE: 'Fire', ǆ: 'ǅ', Ǆ: 'ǅ', ŉ: 'ʼN', ΑΣ: 'Ας', ΣΑ: 'Σα', İstanbul: 'İstanbul', აბ: 'აბ', ᾳ: 'ᾼ', ᾲ: '\u1fba\u0345', ᾷ: '\u0391\u0342\u0345', և: 'Եւ', '😀 AB': '😀 ab', '1A': '1a',
  };
  for (const [text, wanted] of Object.entries(expected)) assert.equal(capitalize(text), wanted, text);
});

test('white space and lines are Python\'s', () => {
  assert.equal(strip('\x1c\x85\u3000 A \ufeff\u2028'), 'A \ufeff', 'U+FEFF is no white space');
  assert.equal(strip('\u200bA'), '\u200bA');
  assert.deepEqual(splitLines('a\vb\x1cc\r\nd\re\u2028'), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(readLines('a\vb\r\nc\rd\n'), ['a\vb', 'c', 'd'], 'a file is split at CR and LF alone');
  assert.deepEqual(['\ufffd', '😀', 'z'].toSorted(byCodePoints), ['z', '\ufffd', '😀']);
});

test('numbers: halves go to the even one; int() takes more than digits', () => {
  assert.deepEqual([31.25, 31.35, 43.75, 0.05, 100, 99.95].map((x) => fixed(x, 1)), ['31.2', '31.4', '43.8', '0.1', '100.0', '100.0']);
  assert.deepEqual([0.125, 0.375, 66.66666666666667, -0.125].map((x) => fixed(x, 2)), ['0.12', '0.38', '66.67', '-0.12']);
  assert.deepEqual([' 07 ', '+5', '1_000', '٣٤', '𝟗'].map(parseInteger), [7, 5, 1000, 34, 9]);
  assert.deepEqual(['', '1.0', '1__0', '_1', '²', '\ufeff1', '+ 1'].map(parseInteger), Array(7).fill(undefined));
});

test('csv: what a writer quotes is read back', () => {
  const r = random('csv');
  const rows = Array.from({ length: 300 }, () => Array.from({ length: r.int(1, 5) }, () => Array.from({ length: r.int(0, 6) }, () => r.pick(['a', '"', ',', '\n', '\r', ' ', 'é'])).join('')));
  const quoted = rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n');
  assert.deepEqual(parseCsv(quoted), rows);
  assert.deepEqual(parseCsv('a,b\n\nc"d,"e"f\n"open, to the end'), [['a', 'b'], [], ['c"d', 'ef'], ['open, to the end']]);
});
