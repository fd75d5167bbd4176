/** docs/published.md holds the numbers that the program shows; what it and the README say of the model in the box is what docs/box.md has. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { published, vitatecsOrder } from '../../src/eval/published.ts';

const page = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rows = page('docs/published.md').split('\n').filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '));

test('docs/published.md: Table 6, model by model', () => {
  const columns = [...vitatecsOrder.map((aspect) => `vitatecs_${aspect}`), 'mvbench', 'videomme', 'videomme_w_subtitle'];
  for (const model of Object.keys(published.mvbench)) assert.deepEqual(rows.find(([name]) => name === model)?.slice(1).map(Number), columns.map((task) => published[task][model]), model);
  assert.equal(rows.filter(([, ...numbers]) => numbers.length === columns.length && numbers.every((number) => /^[\d.]+$/.test(number))).length, Object.keys(published.mvbench).length);
});

test('docs/published.md: Something-Something V2', () => {
  for (const task of ['ssv2_t10', 'ssv2_vsm'])
    assert.deepEqual(Object.fromEntries(rows.filter(([name]) => name === `\`${task}\``).map(([, model, percent]) => [model, Number(percent)])), published[task]);
});

test('docs/published.md and README.md: the model in the box as measured in docs/box.md', () => {
  const measured = new Map([...page('docs/box.md').split(/^## /m).find((part) => part.includes('`node bench/report.ts --count 2000'))!.matchAll(/^\| (\w+) \| ([\d.]+) % \| (\d+) \|$/gm)].map(([, kind, ...numbers]) => [kind, numbers.map(Number)]));
  const control = new Map([...page('docs/box.md').split(/^## /m).find((part) => part.startsWith('The control'))!.matchAll(/^\| (\w+) \| ([\d.]+) % \| ([\d.]+) % \| \d+ \|$/gm)].toReversed().map(([, kind, ...numbers]) => [kind, numbers.map(Number)])); // its first table counts
  const table = [...page('docs/published.md').matchAll(/^\| with(?:out| temporal attention) \| (.*) \|$/gm)].map(([, row]) => row.split(' | ').map(Number));
  const kinds = ['action', 'order', 'count', 'color', 'shape', 'yesno'];
  assert.deepEqual(table, [kinds.map((kind) => measured.get(kind)![0]), kinds.map((kind) => control.get(kind)![1])]);
  assert.deepEqual(kinds.map((kind) => control.get(kind)![0]), table[0]);
  const without = /without temporal attention, a model gets ([\d.]+) % of the actions and ([\d.]+) % of the counts/.exec(page('README.md'))!;
  assert.deepEqual(without.slice(1).map(Number), [table[1][0], table[1][2]]);
  const readme = /names the action in (?<action>[\d.]+) % of the (?<count>[\d,]+).*?Colours (?<color>[\d.]+) %, order (?<order>[\d.]+) %, counts (?<counts>[\d.]+) %, shapes (?<shape>[\d.]+) %/s.exec(page('README.md'))!.groups!;
  assert.deepEqual([Number(readme.action), Number(readme.count.replace(',', ''))], measured.get('action'));
  for (const [kind, said] of [['color', readme.color], ['order', readme.order], ['count', readme.counts], ['shape', readme.shape]]) assert.equal(Number(said), measured.get(kind)![0], kind);
});
