/** Something-Something V2 with all its 174 classes, in generative form: the model says the action, as in T10. (The authors' numbers are a classifier's, on the same labels.) */
import { strip } from '../python/text.ts';
import { dividedFirst, summarise } from '../results.ts';
import type { Protocol, Task, Verdict } from '../task.ts';
import { StaveError } from '../../errors.ts';
import { answerPrefix, plainTemplate } from './classes.ts';
import { labels174 } from './labels-174.ts';
import { answerOf, questionOf, readRecords, type SampleRecord } from './record.ts';
import { t10Settings } from './settings.ts';
import { saidTemplate } from './t10.ts';

/** Rows are records; their answers name a class, with brackets (training) or without (test). */
export function ssv2With174(protocol: Protocol = 'paper'): Task<SampleRecord> {
  const task = { name: 'ssv2_174', protocol, metric: 'top1' };
  return {
    ...task,
    settings: t10Settings(protocol),
    read(rows) {
      const records = readRecords(task.name, rows, 1);
      for (const [i, record] of records.entries()) {
        const truth = saidTemplate(answerOf(record));
        if (!plainLabels.includes(truth)) throw new StaveError('DATA', { what: `${task.name}, row ${i}: "answer" names no class: ${JSON.stringify(answerOf(record))}`, why: 'one of the 174 templates is needed', fix: 'get the label file again, or mend the row' });
      }
      return records;
    },
    ask: (row) => ({ messages: questionOf(row), target: answerOf(row) }),
    score: (row, answer) => scoreLabel(answerOf(row), answer, protocol),
    deciding: { choices: () => choices, score: (row, answer) => scoreLabel(answerOf(row), answer, 'strict') },
    result: (verdicts) => summarise(task, verdicts, { categories: { class: labels174 }, percent: dividedFirst }),
  };
}

const plainLabels = labels174.map(plainTemplate);

/** `paper`: what follows the sentence's beginning must be a template letter for letter, brackets aside. `strict`: letter case and full stop don't matter, nor does the beginning. */
function scoreLabel(truth: string, output: string, protocol: Protocol): Verdict {
  const right = plainLabels.indexOf(saidTemplate(truth));
  const said = protocol === 'strict' ? plainLabels.indexOf(saidTemplate(output)) : exactClass(output);
  const score = said === right ? 1 : 0;
  return { score, counted: true, chosen: said < 0 ? '' : labels174[said], categories: { class: labels174[right] }, record: { prediction: output, truth, class: right, score } };
}

const withoutBrackets = labels174.map((label) => label.replaceAll(/[[\]]/g, ''));

/** With brackets, as the models are trained, and without. */
const choices = labels174.map((label, i) => [...new Set([label, withoutBrackets[i]])].map((said) => `${answerPrefix} ${said}`));

function exactClass(output: string): number {
  const said = labelText(output.replaceAll('<|im_end|>', ''));
  return said === undefined ? -1 : withoutBrackets.indexOf(said.replaceAll(/[[\]]/g, ''));
}

/** What follows the last `The action happening in this video is:`, stripped; undefined without it. */
export function labelText(answer: string): string | undefined {
  return answer.includes(answerPrefix) ? strip(answer.split(answerPrefix).at(-1)!) : undefined;
}

/** The class of a training record: its template as the label list has it. @throws DATA for one that is not in the list */
export function trainClass(record: SampleRecord): number {
  return classAmong(labels174, labelText(answerOf(record)));
}

/** The class of a template of test-answers.csv, which has no brackets: all of it counts. @throws DATA for one that is not in the list */
export function testClass(template: string): number {
  return classAmong(plainLabels, plainTemplate(template));
}

function classAmong(labels: readonly string[], label: string | undefined): number {
  const found = label === undefined ? -1 : labels.indexOf(label);
  if (found < 0) throw new StaveError('DATA', { what: `${JSON.stringify(label ?? null)} is none of the 174 classes`, why: 'a template of Something-Something V2 is needed', fix: 'check the label file' });
  return found;
}

/** Share of right classes, 0–1. @param logits [samples, classes]; the first of equal largest ones counts  @throws DATA without samples */
export function top1(logits: readonly (readonly number[])[], truth: readonly number[]): number {
  if (logits.length === 0) throw new StaveError('DATA', { what: 'there are no samples to count', fix: 'give at least one' });
  return logits.filter((row, i) => row.indexOf(Math.max(...row)) === truth[i]).length / logits.length;
}
