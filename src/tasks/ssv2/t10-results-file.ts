/** The text file in which the authors' T10 test keeps its answers, three lines each, and the count made from it. Source: ablation/evaluate.py */
import { fixed } from '../python/numbers.ts';
import { readLines, strip } from '../python/text.ts';
import { exactAnswer } from './t10.ts';

const RULE = '-'.repeat(50);

/** @param output with special tokens. A line break in an answer shifts all that follows when the file is read: score from records instead, or write one line */
export function writeT10Results(answers: readonly { output: string; truth: string }[]): string {
  return answers.map(({ output, truth }) => `${RULE}\nLLM: ${output}\nGT: ${truth}\n`).join('');
}

export type ExactMatch = { total: number; right: number; percent: number };

/** Read in steps of three lines; what is left over is ignored. */
export function readT10Results(file: string): ExactMatch {
  const lines = readLines(file);
  let total = 0, right = 0;
  for (let i = 0; i + 2 < lines.length; i += 3, total++) if (exactAnswer(lines[i + 1]) === strip(strip(lines[i + 2]).replaceAll('GT: ', ''))) right++;
  return { total, right, percent: total === 0 ? 0 : (right / total) * 100 };
}

/** The lines the reference prints. */
export function printedT10({ total, right, percent }: ExactMatch): string[] {
  return [`Total comparisons: ${total}`, `Correct predictions: ${right}`, `Accuracy: ${fixed(percent, 2)}%`];
}
