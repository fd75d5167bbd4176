/** Asking ahead: while the model works on one question, the next one's videos are decoded. */
import { inOrder } from '../generate/index.ts';
import { videosOf, type Sample } from './samples.ts';

/** Questions under way at once. The engine does one thing at a time: more would only hold more frames. */
const AHEAD = 2;

/** Asks in the order given, some at once. A further question is begun when the caller has taken an answer: what it has not taken is never more than are under way.
 * @param ask must stop when its signal is aborted  @throws what `ask` throws, when its question's turn has come; the signal's reason */
export async function* asked<Question, Answer>(questions: readonly Question[], ask: (question: Question, signal: AbortSignal) => Promise<Answer>, signal?: AbortSignal): AsyncGenerator<[Question, Answer], void> {
  const stop = new AbortController(); // ends what is under way when this ends early
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  for await (const answered of inOrder(questions, AHEAD, async (question): Promise<[Question, Answer]> => [question, await ask(question, both)], stop)) {
    yield answered;
    signal?.throwIfAborted();
  }
}

/** Questions on the same videos next to each other, in the order in which the videos first come: the model decodes and encodes them once. */
export function byVideo(samples: readonly Sample[]): Sample[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const videos = videosOf(sample.question.messages).join('\n');
    const group = groups.get(videos);
    if (group === undefined) groups.set(videos, [sample]);
    else group.push(sample);
  }
  return [...groups.values()].flat();
}
