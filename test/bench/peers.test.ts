import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tables, type Result, type System } from '../../reference/bench/table.ts';

const result = (vision: number, prefill: number, decode: number, peak: number, text_prefill?: number): Result =>
  ({ load: 1, answers: [{ vision, prefill, first_token: vision + prefill, decode, text_prefill }], prompt_tokens: 756, visual_tokens: 704, memory: { loaded: 1e9, peak } });

const system = (program: string, setting: string, ...results: Result[]): System => ({ program, setting, results });

test('the best of the rounds, and how many times as fast it is, as the best of each stage too', () => {
  const ours = system('stave', 'int4', result(5, 3, 20, 2e9), result(4, 4, 25, 2.5e9));
  const text = tables([ours], [system('other', 'a', result(10, 6, 30, 3e9, 5)), system('other', 'b', result(20, 9, 50, 5e9))]);
  for (const row of [
    '| stave int4 | 4.00 | 3.00 | 8.00 | 25.0 | 1.0 | 2.50 |',
    '| other, the best of each stage | 10.00 | 5.00 | 15.00 | 50.0 | 1.0 | 3.00 |', // the text's prefill is the least
    '| stave int4 : other a | 2.50 | 2.00 | 2.00 | 0.83 | 83 % |',
    '| stave int4 : other b | 5.00 | 3.00 | 3.63 | 0.50 | 50 % |',
    '| stave int4 : other, the best of each stage | 2.50 | 1.67 | 1.88 | 0.50 | 83 % |',
  ]) assert.ok(text.includes(row), `${row} is missing in\n${text}`);
});

test('a program with one setting has no best of each stage; alone there is nothing to compare', () => {
  assert.doesNotMatch(tables([system('stave', 'int4', result(4, 3, 25, 2e9))], [system('other', 'a', result(8, 3, 25, 4e9))]), /each stage/);
  assert.equal(tables([system('stave', 'int4', result(4, 3, 25, 2e9))], []).split('\n').length, 3);
});
