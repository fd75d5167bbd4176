/** The text file in which the authors' scripts keep answers for the judge, and what the judge's script reads back from it: the first answer that holds a line of the
 * file's own form is read wrong. Source: run_dataset.py, evaluation.py of vsm, internvideo2_ssv2-t10 and zero_shot */
import { StaveError } from '../../errors.ts';
import { fixed } from '../python/numbers.ts';
import { readLines, strip } from '../python/text.ts';

const RULE = '-'.repeat(40);

export type JudgedRow = { label: string; response: string };

export function writeJudged(rows: readonly JudgedRow[]): string {
  return rows.map(({ label, response }) => `Label: ${label}\nResponse: ${response}\n${RULE}\n`).join('');
}

/** How a script reads its file: `vsm` takes what follows the decoded prompt; `internvideo2-chat` what follows `is: ` in truth and answer; `zero-shot` all of it. */
export type JudgedVariant = 'vsm' | 'internvideo2-chat' | 'zero-shot';

/** The decoded conversation before an answer, which the VSM run keeps: special tokens and videos leave nothing. */
export const decodedVsmPrompt =
  "system\nYou are a helpful assistant.\nuser\nLook at the provided examples and identify which example is related to the final video.Example 1 -Example 2 -Now consider the previous examples. Is there any action related to this video?If not, respond with 'No related action'. If there is, respond with the example number.\nassistant\n";

/** Truths and answers of a file, as the judge gets them. @throws DATA with `internvideo2-chat`, for a truth or an answer without `is: ` */
export function readJudged(file: string, variant: JudgedVariant): JudgedRow[] {
  const value = (line: string, mark: string) => (variant === 'internvideo2-chat' ? afterIs(line.replaceAll(mark, '')) : line.replaceAll(mark, ''));
  const rows: JudgedRow[] = [];
  let label = '';
  let response: string[] | undefined;
  for (const line of readLines(file).map(strip)) {
    if (line.startsWith('Label:')) label = value(line, 'Label: ');
    else if (line.startsWith('Response:')) response = [value(line, 'Response: ')];
    else if (line === RULE) {
      if (label !== '' && response !== undefined) rows.push({ label, response: answerIn(response.join('\n'), variant) });
      label = '';
      response = undefined;
    } else response?.push(line);
  }
  return rows;
}

function answerIn(text: string, variant: JudgedVariant): string {
  if (variant !== 'vsm') return text;
  const [all, answer] = text.split(decodedVsmPrompt);
  return answer ?? all;
}

function afterIs(text: string): string {
  const [, after] = text.split('is: ');
  if (after === undefined) throw new StaveError('DATA', { what: `${JSON.stringify(text)} has no "is: "`, why: 'what follows it is compared', fix: 'score from records instead' });
  return after;
}

/** The judge's own file: a line for each verdict, then the share of the right ones, without a last line break. @throws DATA for no verdicts */
export function writeVerdicts(verdicts: readonly boolean[]): { file: string; printed: string[] } {
  if (verdicts.length === 0) throw new StaveError('DATA', { what: 'there are no answers to judge', fix: 'run the model first' });
  const accuracy = `Accuracy: ${fixed((verdicts.filter(Boolean).length / verdicts.length) * 100, 2)}%`;
  return { file: [...verdicts.map((right) => (right ? 'True' : 'False')), accuracy].join('\n'), printed: [accuracy] };
}
