/** SSv2-VSM, video similarity: which of two example videos shows the action of a third, if any. Source: the authors' vsm/ */
import { decidingWhereKnown } from '../deciding.ts';
import { strip } from '../python/text.ts';
import { dividedFirst, summarise } from '../results.ts';
import type { Deciding, OpenVerdict, Protocol, Task, Verdict } from '../task.ts';
import { openVerdict } from './judge.ts';
import { answerOf, questionOf, readRecords, type SampleRecord } from './record.ts';
import { vsmSettings } from './settings.ts';
import { noRelatedAction, relatedExample } from './vsm-build.ts';

/** Rows are records of subsets/test.json. */
export function vsm(protocol: Protocol = 'paper'): Task<SampleRecord> {
  const task = { name: 'ssv2_vsm', protocol, metric: 'accuracy' };
  return {
    ...task,
    settings: vsmSettings(protocol),
    read: (rows) => readRecords(task.name, rows, 3),
    ask: (row) => ({ messages: questionOf(row), target: answerOf(row) }),
    score: (row, answer) => scoreVsm(answerOf(row), answer, protocol),
    deciding: vsmDeciding,
    result: (verdicts) => summarise(task, verdicts, { categories: { truth: ['Example 1', 'Example 2', noRelatedAction] }, percent: dividedFirst }),
  };
}

/** No judge is needed: which of the three possible answers is right can be told. */
const vsmDeciding: Deciding<SampleRecord> = decidingWhereKnown({
  choices: () => [relatedExample(1), relatedExample(2), noRelatedAction].map((text) => [text, `${text}.`]),
  score: (row, answer) => scoreByName(answerOf(row), answer),
});

/** `paper`: the judge decides. `strict`: right if the answer names what the truth names, Example 1, Example 2 or no related action, and nothing else of these. */
export function scoreVsm(truth: string, output: string, protocol: Protocol = 'paper'): Verdict | OpenVerdict {
  const answer = strip(output);
  if (protocol === 'strict') return scoreByName(truth, answer);
  const { judge, settle } = openVerdict(truth, answer);
  return { judge, settle: (reply) => ({ ...settle(reply)!, categories: categoriesOf(truth) }) };
}

const categoriesOf = (truth: string) => ({ truth: named(truth)[0] ?? truth });

function scoreByName(truth: string, answer: string): Verdict {
  const said = named(answer);
  const score = said.length === 1 && said[0] === named(truth)[0] ? 1 : 0;
  return { score, counted: true, chosen: said.length === 1 ? said[0] : '', categories: categoriesOf(truth), record: { truth, answer, score } };
}

/** Which of the possible answers a text names. A number alone is an example. */
function named(text: string): string[] {
  const examples = Array.from(text.matchAll(/\bexample\s*#?(\d+)|^\s*([12])\s*\.?\s*$/gi), ([, spelled, alone]) => `Example ${spelled ?? alone}`);
  return [...new Set([...examples, ...(/\bno related action\b/i.test(text) ? [noRelatedAction] : [])])];
}
