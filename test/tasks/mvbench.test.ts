import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mvbench, type MvbenchRow } from '../../src/tasks/mvbench/mvbench.ts';
import { parseAnswer } from '../../src/tasks/mvbench/parser.ts';
import { mvbenchTasks } from '../../src/tasks/mvbench/tasks.ts';
import type { Protocol, Verdict } from '../../src/tasks/task.ts';

const row: MvbenchRow = { video: 'x.mp4', question: 'What?', candidates: ['left', 'right', 'a cup', 'up'], answer: 'a cup' };
const score = (answer: string, protocol: Protocol = 'paper') => mvbench('moving_direction', protocol).score(row, answer) as Verdict;
const outcome = (answer: string) => (['paper', 'strict'] as const).map((protocol) => { const { score: points, counted } = score(answer, protocol); return [points, counted]; });

test('the reference\'s parser, read off its source by hand', () => {
  const expected: Record<string, string | undefined> = {
    'C. a cup': 'C', 'c.a': 'C', 'A.': 'A', 'It is a cup': 'A', "I'd say C": 'D', 'e.g. B': 'E', 'not A but B': 'A', 'A and B': 'A', 答案是B: undefined, 'B。': 'B', A1: undefined, AB: undefined, Because: undefined,
    'A-B': 'A', 'x- A': 'A', 'C(1,0)': undefined, 'F. up': undefined, '：B': 'B', 选A: undefined, 'A.\nB': 'A', 'A. x\nB': 'A',
  };
  for (const [answer, letter] of Object.entries(expected)) assert.equal(parseAnswer(answer).letter, letter, answer);
  assert.equal(parseAnswer(`f${'.'.repeat(32)}`).compared, 'f');
  assert.equal(parseAnswer(`f${'.'.repeat(33)}`).compared, 'f.', 'only 32 full stops are deleted');
});

test('where the protocols part: text alone, empty answers, letters in words', () => {
  assert.deepEqual(outcome('C'), [[1, true], [1, true]]);
  assert.deepEqual(outcome('a cup'), [[0, true], [1, true]], 'the reference finds the letter A');
  assert.deepEqual(outcome(''), [[0, false], [0, true]]);
  assert.deepEqual(outcome("I don't see it"), [[0, true], [0, true]]);
  assert.deepEqual(outcome('The right one is C.'), [[1, true], [0, true]], 'the text "right" is another option');
});

test('empty answers are left out of the paper\'s denominator', () => {
  const answers = ['C', '', 'A', ' '];
  const result = (protocol: Protocol) => mvbench('moving_direction', protocol).result(answers.map((answer) => score(answer, protocol)));
  assert.deepEqual([result('paper').percent, result('paper').counted, result('paper').questions], [50, 2, 4]);
  assert.deepEqual([result('strict').percent, result('strict').counted], [25, 4]);
});

test('twenty tasks, each with its own folder of videos', () => {
  assert.equal(mvbenchTasks.length, 20);
  for (const name of mvbenchTasks) {
    const { messages, options } = mvbench(name).ask(row);
    assert.match(JSON.stringify(messages), /"video":"mvbench_video\/[\w/]+\/x\.mp4"/);
    assert.deepEqual(options!.map(({ letter }) => letter), ['A', 'B', 'C', 'D']);
  }
});
