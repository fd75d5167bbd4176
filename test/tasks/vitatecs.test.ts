/** Cases recorded from the reference run in conformance.test.ts; here is what must hold of any row, and where the protocols part. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupResult, resultTable } from '../../src/tasks/results.ts';
import { judged } from '../../src/tasks/judging.ts';
import { isOpen, type OpenVerdict, type Protocol, type Verdict } from '../../src/tasks/task.ts';
import { coin, optionsOf } from '../../src/tasks/vitatecs/options.ts';
import { aspects, vitatecs, vitatecsPrompt, type VitatecsRow } from '../../src/tasks/vitatecs/vitatecs.ts';

const row = (caption: string, counterfactual: string): VitatecsRow => ({ src_dataset: 'VATEX', video_name: 'x.mp4', caption, counterfactual, aspect: 'Type' });
const pairs = Array.from({ length: 100 }, (_, i) => row(`A man runs ${'!'.repeat(i)}`, 'A man walks'));
const score = (of: VitatecsRow, answer: string, protocol: Protocol = 'paper') => vitatecs('Type', protocol).score(of, answer);
const points = (of: VitatecsRow, answer: string, protocol?: Protocol) => {
  const verdict = score(of, answer, protocol);
  return isOpen(verdict) ? 'judge' : verdict.score;
};

test('the coin: 42 of 100 seeds put the caption first; both texts in either order have one seed', () => {
  assert.equal(Array.from({ length: 100 }, (_, seed) => coin(seed)).filter(({ captionFirst }) => captionFirst).length, 42);
  for (const pair of pairs) {
    const swapped = row(pair.counterfactual, pair.caption);
    assert.equal(optionsOf(pair).right.letter, optionsOf(swapped).right.letter);
    assert.notEqual(optionsOf(pair).right.text, optionsOf(swapped).right.text);
  }
});

test('the right letter and the right text score 1 under both protocols, the others 0', () => {
  for (const pair of pairs) {
    const { options, right } = optionsOf(pair);
    const wrong = options.find((option) => option !== right)!;
    for (const protocol of ['paper', 'strict'] as const)
      for (const [option, wanted] of [[right, 1], [wrong, 0]] as const)
        for (const answer of [option.letter, `(${option.letter})`, `${option.letter}. ${option.text}`, option.text]) assert.equal(points(pair, answer, protocol), wanted, `${protocol}: ${answer}`);
  }
});

test('where the protocols part', () => {
  const pair = row('A BMW turns left', 'A BMW turns right');
  const { right, options } = optionsOf(pair);
  const wrong = options.find((option) => option !== right)!;
  assert.match(vitatecsPrompt(pair), /A bmw turns left\./);
  assert.match(vitatecsPrompt(pair, 'strict'), /A BMW turns left\./);
  const contradiction = `${right.letter}. ${wrong.text}`; // the right letter before the wrong text
  assert.deepEqual([points(pair, contradiction), points(pair, contradiction, 'strict')], [0, 1]);
  for (const answer of [right.letter.toLowerCase(), `Answer: ${right.letter}`, `The answer is ${right.letter}`]) assert.deepEqual([points(pair, answer), points(pair, answer, 'strict')], ['judge', 1], answer);
  for (const answer of ['', 'neither', 'A and B']) assert.deepEqual([points(pair, answer), points(pair, answer, 'strict')], ['judge', 0], answer);
});

test('the judge is asked again until a reply is a verdict; without one the answer is wrong', async () => {
  const open = score(row('a', 'b'), '?') as OpenVerdict;
  const replies = ['Perhaps', undefined, ' Correct. '];
  const outcome = await judged(open, async () => replies.shift());
  assert.deepEqual([outcome.verdict.score, outcome.calls, outcome.verdict.record.match_success], [1, 3, false]);
  const never = await judged(open, async () => undefined);
  assert.deepEqual([never.verdict.score, never.calls, never.reply], [0, 11, undefined]);
});

test('six results, their mean, and all questions together', () => {
  const results = aspects.map((aspect, i) => vitatecs(aspect).result(Array.from({ length: i + 1 }, (_, k): Verdict => ({ score: k === 0 ? 1 : 0, counted: true, chosen: '', record: {} }))));
  assert.deepEqual(results.map(({ percent }) => percent), [100, 50, (1 / 3) * 100, 25, 20, (1 / 6) * 100]);
  const group = groupResult('vitatecs', results);
  assert.ok(Math.abs(group.mean - 40.8333333) < 1e-6);
  assert.deepEqual([group.together.right, group.together.counted, group.protocol], [6, 21, 'paper']);
  assert.match(resultTable(results), /^\| vitatecs_intensity \| paper \| 50\.0 \| 1 \| 2 \|$/m);
  assert.equal(vitatecs('Type', 'strict').result([]).protocol, 'strict');
});
