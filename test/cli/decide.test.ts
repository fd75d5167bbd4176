import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, type Choices, type DecideOptions, type Decision } from '../../src/generate/index.ts';
import { clip, model, stave } from './run.ts';

const question = 'What is done?';
const decide = (...more: string[]) => stave(['decide', clip, '--model', model, '--threads', '1', ...more]);

async function library(asked: string, choices: Choices, options: DecideOptions = {}): Promise<Decision> {
  await using loaded = await load(model, { threads: 1 });
  return await loaded.decide(clip, asked, choices, options); // before the model goes
}

/** Without what differs from run to run, as JSON has it. */
const stable = ({ timings: _timings, peak_memory: _memory, ...rest }: Decision) => JSON.parse(JSON.stringify(rest)) as object;

const forms: [argv: string[], asked: string, choices: Choices, options: DecideOptions][] = [
  [['--choice', 'open, close,push it'], 'What happens in this video? Answer with one of: open, close, push it.', ['open', 'close', 'push it'], {}],
  [['--choice', 'open, slowly | close', '-q', question, '--normalize', 'mean', '--temperature', '2.5'], question, ['open, slowly', 'close'], { normalize: 'mean', temperature: 2.5 }],
  [['--yes-no', '-q', question, '--frames', '6', '--open-ended'], question, 'yes/no', { sampling: { rule: 'count', frames: 6 }, end_of_turn: false }],
  [['--score', '1..4', '-q', question, '--system', 'Be fair.'], question, [1, 2, 3, 4], { system: 'Be fair.' }],
  [['--score', '0, 2.5,10', '-q', question], question, [0, 2.5, 10], {}],
];

test('--json is the library’s decision, with the question', async () => {
  for (const [argv, asked, choices, options] of forms) {
    const { code, out, err } = await decide('--json', ...argv);
    assert.deepEqual([code, err], [0, '']);
    const { video, question: said, ...decision } = JSON.parse(out) as Decision & { video: string; question: string };
    assert.deepEqual([video, said], [clip, asked]);
    assert.deepEqual(stable(decision), stable(await library(asked, choices, options)));
  }
});

test('the table has the likeliest first, and the footer says when the model would say something else', async () => {
  const { code, out, err } = await decide('--score', '1..3', '-q', question);
  const { choices, score, prompt_tokens } = await library(question, [1, 2, 3]);
  assert.equal(code, 0);
  const rows = choices.toSorted((a, b) => b.probability - a.probability).map(({ choice, probability }) => `${`${(100 * probability).toFixed(1)} %`.padStart(7)}  ${choice}\n`);
  assert.equal(out, `${rows.join('')}  score  ${Number(score!.toFixed(3))}\n`);
  assert.match(err, new RegExp(String.raw`^4 frames · ${prompt_tokens} prompt tokens \(70 visual\) · the model would give one of these answers with <0\.1 %: it would rather say something else · \d+\.\d\d s · peak memory \d+ MB\n$`));
});

test('ask --choices is the same', async () => {
  const [asked, decided] = [await stave(['ask', clip, question, '--choices', 'open,close', '--model', model, '--threads', '1', '--temperature', '2']), await decide('--choice', 'open,close', '-q', question, '--temperature', '2')];
  assert.deepEqual([asked.code, asked.out], [0, decided.out]);
});
