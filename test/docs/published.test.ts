/** docs/published.md holds the numbers that the program shows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { published, vitatecsOrder } from '../../src/eval/published.ts';

const rows = readFileSync(new URL('../../docs/published.md', import.meta.url), 'utf8').split('\n').filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '));

test('docs/published.md: Table 6, model by model', () => {
  const columns = [...vitatecsOrder.map((aspect) => `vitatecs_${aspect}`), 'mvbench', 'videomme', 'videomme_w_subtitle'];
  for (const model of Object.keys(published.mvbench)) assert.deepEqual(rows.find(([name]) => name === model)?.slice(1).map(Number), columns.map((task) => published[task][model]), model);
  assert.equal(rows.filter(([, ...numbers]) => numbers.length === columns.length && numbers.every((number) => /^[\d.]+$/.test(number))).length, Object.keys(published.mvbench).length);
});

test('docs/published.md: Something-Something V2', () => {
  for (const task of ['ssv2_t10', 'ssv2_vsm'])
    assert.deepEqual(Object.fromEntries(rows.filter(([name]) => name === `\`${task}\``).map(([, model, percent]) => [model, Number(percent)])), published[task]);
});
