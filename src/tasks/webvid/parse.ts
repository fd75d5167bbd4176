/** Questions and answers in a model's reply. Source: the authors' staveq2-training/webvid_qa.py */
import { splitLines, strip } from '../python/text.ts';

/** The last question with its answer, and the pairs before it. */
export type QaTurns = { question: string; answer: string; history: [question: string, answer: string][] };

/** The reply in a whole decoded conversation: from the first `assistant⏎` up to the next one; the text itself when there is none. */
export function replyIn(decoded: string): string {
  const [all, reply] = strip(decoded).split('assistant\n');
  return reply ?? all;
}

/** `single`: the last line that begins `question:` and the last that begins `answer:`, not indented, in any case; what lacks is empty. `multi`: every question line
 * directly followed by an answer line, blank lines and indents aside; undefined without any. */
export function parseReply(reply: string, turns: 'single' | 'multi'): QaTurns | undefined {
  const lines = splitLines(reply);
  if (turns === 'single') {
    const last = (mark: string) => lines.map((line) => after(line, mark)).findLast((text) => text !== undefined) ?? '';
    return { question: last('question:'), answer: last('answer:'), history: [] };
  }
  const kept = lines.map(strip).filter((line) => line !== '');
  const pairs = kept.flatMap((line, i): [string, string][] => {
    const question = after(line, 'question:'), answer = i + 1 < kept.length ? after(kept[i + 1], 'answer:') : undefined;
    return question === undefined || answer === undefined ? [] : [[question, answer]];
  });
  const last = pairs.pop();
  return last && { question: last[0], answer: last[1], history: pairs };
}

/** What follows the mark that a line begins with. */
function after(line: string, mark: string): string | undefined {
  return line.slice(0, mark.length).toLowerCase() === mark ? strip(line.slice(mark.length)) : undefined;
}
