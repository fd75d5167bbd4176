import { StaveError } from '../errors.ts';

/** Ids of Qwen2's vocabulary that the authors' loaders name. */
const PAD = 151643;
const VISION = [151652, 151653, 151656]; // start and end of a video's tokens, the tokens themselves
const USER = [151644, 872, 198]; // <|im_start|>user⏎
const ASSISTANT = [151644, 77091, 198]; // <|im_start|>assistant⏎

/** Which answers of a conversation are learnt: `every` (WebVid-QA) or the `last` (SSv2-T10, SSv2-VSM). */
export type LearntAnswers = 'every' | 'last';

/** What training learns from, by the authors' rule: found in the ids, not in the messages. −100 (no loss) for padding and video tokens; for all up to the last
 * assistant header, or with `every` from each user header to its assistant header. Equal to `labelsOf` for conversations that nobody forged headers in.
 * @param ids of one conversation as the chat template writes it, padded or not
 * @throws DATA with `every`, when a user turn has no answer or there is none  Source: get_labels of staveq2-training, ablation and vsm/evaluation dataset.py */
export function labelsByHeaders(ids: readonly number[], learnt: LearntAnswers): number[] {
  const labels = ids.map((id) => (id === PAD || VISION.includes(id) ? -100 : id));
  const headers = (pattern: readonly number[]) => labels.flatMap((_, i) => (pattern.every((id, k) => labels[i + k] === id) ? [i] : []));
  const answers = headers(ASSISTANT).map((at) => at + ASSISTANT.length);
  if (learnt === 'last') return labels.fill(-100, 0, answers.at(-1) ?? 0);
  const turns = headers(USER);
  if (turns.length === 0 || answers.length < turns.length) {
    throw new StaveError('DATA', { what: `the conversation has ${turns.length} user turns and ${answers.length} answers`, fix: 'give each user turn an answer, and at least one' });
  }
  turns[0] = 0; // what stands before the first turn is not learnt either
  for (const [j, turn] of turns.entries()) labels.fill(-100, turn, Math.max(turn, answers[j]));
  return labels;
}
