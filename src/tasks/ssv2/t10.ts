/** SSv2-T10: which of ten actions of Something-Something V2 a clip shows, asked freely. Source: the authors' ablation/ */
import { strip } from '../python/text.ts';
import { decidingWhereKnown } from '../deciding.ts';
import { shuffled, type Draws } from '../draws.ts';
import { dividedFirst, summarise } from '../results.ts';
import type { Protocol, Task, Verdict } from '../task.ts';
import type { Annotation } from './annotations.ts';
import { answerPrefix, plainTemplate, t10Classes } from './classes.ts';
import { actionRecord, answerOf, questionOf, readRecords, type SampleRecord } from './record.ts';
import { t10Settings } from './settings.ts';

/** How many of n samples are for training; the others are the test. */
export function t10TrainCount(n: number): number {
  return Math.trunc(n * (1 - 0.2));
}

/** The annotations of the ten classes, shuffled and split. @param annotations of labels/train.json, the source of both parts */
export function t10Split(annotations: readonly Annotation[], draws: Draws): { train: SampleRecord[]; test: SampleRecord[] } {
  const kept = annotations.filter(({ template }) => (t10Classes as readonly string[]).includes(template));
  const records = shuffled(kept, draws).map(actionRecord);
  const cut = t10TrainCount(records.length);
  return { train: records.slice(0, cut), test: records.slice(cut) };
}

/** Rows are records of subsets/test.json. */
export function t10(protocol: Protocol = 'paper'): Task<SampleRecord> {
  const task = { name: 'ssv2_t10', protocol, metric: 'accuracy' };
  return {
    ...task,
    settings: t10Settings(protocol),
    read: (rows) => readRecords(task.name, rows, 1),
    ask: (row) => ({ messages: questionOf(row), target: answerOf(row) }),
    score: (row, answer) => scoreAction(answerOf(row), answer, protocol),
    deciding: decidingWhereKnown({ choices: () => t10Choices, score: (row, answer) => scoreAction(answerOf(row), answer, protocol) }),
    result: (verdicts) => summarise(task, verdicts, { categories: { class: t10Classes }, percent: dividedFirst }),
  };
}

const t10Choices = t10Classes.map((template) => [`${answerPrefix} ${template}`]);

/** `paper`: the whole sentence, letter for letter, white space at the ends and `<|im_end|>` aside. `strict`: the class, with or without the words before it, brackets, letter case and full stop. */
export function scoreAction(truth: string, output: string, protocol: Protocol = 'paper'): Verdict {
  const said = protocol === 'strict' ? saidTemplate(output) : exactAnswer(output);
  const score = said === (protocol === 'strict' ? saidTemplate(truth) : strip(truth)) ? 1 : 0;
  return { score, counted: true, chosen: said, categories: { class: strip(truth.replace(answerPrefix, '')) }, record: { prediction: output, truth, score } };
}

/** What is compared of a prediction: `LLM: ` is the reference's mark in its result file, and lost wherever it stands. */
export function exactAnswer(output: string): string {
  return strip(strip(output).replaceAll('LLM: ', '').replaceAll('<|im_end|>', ''));
}

/** The class an answer names, in the form of {@link plainTemplate}. */
export function saidTemplate(answer: string): string {
  const plain = strip(plainTemplate(answer.replaceAll('<|im_end|>', '')));
  const start = plain.lastIndexOf(answerPrefix.toLowerCase());
  return strip(start < 0 ? plain : plain.slice(start + answerPrefix.length)).replace(/\.$/, '');
}
