/** How the authors' classifier looks up test labels, kept for comparison only. Templates are cut at their first comma, by the reader of test-answers.csv and in the label list, but
 * for class 115 there: its samples become 116. And the label looked up still begins with the answer's prefix, so that every look-up throws. `testClass` has neither.
 * Source: internvideo2_vit/select_subset.py and evaluation/dataset.py */
import { StaveError } from '../../errors.ts';
import { parseCsv } from '../python/csv.ts';
import { strip, universalNewlines } from '../python/text.ts';
import { plainTemplate } from './classes.ts';
import { labels174 } from './labels-174.ts';
import { answerOf, type SampleRecord } from './record.ts';

const UNCUT = 115;

/** id → template of test-answers.csv (`id;template`). @param whole true: all after the first semicolon; false: as the reference, cut at the first comma and the next semicolon
 * @throws DATA naming the line of one without a semicolon */
export function readTestAnswers(csv: string, { whole = true }: { whole?: boolean } = {}): Map<string, string> {
  const lines = whole ? universalNewlines(csv).split('\n').filter((line) => line !== '') : parseCsv(universalNewlines(csv)).map(([cell]) => cell ?? '');
  return new Map(lines.map((line, i): [string, string] => {
    const [id, ...template] = line.split(';');
    if (template.length === 0) throw new StaveError('DATA', { what: `test-answers.csv, line ${i + 1}: ${JSON.stringify(line)} has no template`, why: 'a line is id;template', fix: 'get the file again' });
    return [id, whole ? template.join(';') : template[0]];
  }));
}

const cut = labels174.map((label, id) => plainTemplate(id === UNCUT ? label : label.split(',')[0]));

/** The class of a template that the reference's reader has cut; the last of equal ones. @throws DATA */
export function referenceTestClass(template: string): number {
  const found = cut.lastIndexOf(template.toLowerCase());
  if (found < 0) throw new StaveError('DATA', { what: `${JSON.stringify(template)} is none of the cut templates`, why: 'the reference looks for what stands before the first comma', fix: 'use testClass' });
  return found;
}

/** The text that the reference looks up: the whole answer. */
export function referenceLabelText(record: SampleRecord): string {
  return strip(answerOf(record)).toLowerCase();
}

/** Classes whose test samples the reference counts as another's. */
export function misplacedClasses(): number[] {
  return labels174.flatMap((label, id) => (referenceTestClass(plainTemplate(label).split(',')[0]) === id ? [] : [id]));
}
