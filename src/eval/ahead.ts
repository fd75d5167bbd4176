/** Asking ahead: while the model works on one question, the next video is decoded and encoded. */
import { byTurns } from '../generate/index.ts';
import { videosKey, type Sample } from './samples.ts';

/** Questions that are looked at before their turn. Those on one video share its frames: what is held are the frames of two videos. */
const AHEAD = 8;

/** Asks in the order given. `ask` gets to work on several questions at once, on two videos at most, but must not begin to answer one before its `turn` has come: when the caller has
 * taken the answer before, done with it what it will, and asks for the next.
 * @param videosOf what tells a question's videos from those of others  @param ask must stop when its signal is aborted
 * @throws what `ask` throws, when its question's turn has come; the signal's reason */
export async function* asked<Question, Answer>(questions: readonly Question[], videosOf: (question: Question) => string, ask: (question: Question, turn: Promise<unknown>, signal: AbortSignal) => Promise<Answer>, signal?: AbortSignal): AsyncGenerator<[Question, Answer], void> {
  const stop = new AbortController(); // ends what is under way when this ends early
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  let videos: string | undefined, begin: Promise<unknown> = Promise.resolve(), next = begin; // turns of the first questions on the last video but one, and on the last
  const work = async (question: Question, turn: Promise<unknown>): Promise<[Question, Answer]> => {
    if (videosOf(question) !== videos) [videos, begin, next] = [videosOf(question), next, turn];
    await begin;
    return [question, await ask(question, turn, both)];
  };
  for await (const answered of byTurns(questions, AHEAD, work, stop)) {
    yield answered;
    signal?.throwIfAborted();
  }
}

/** Questions on the same videos next to each other, in the order in which the videos first come: the model decodes and encodes them once. */
export function byVideo(samples: readonly Sample[]): Sample[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const videos = videosKey(sample);
    const group = groups.get(videos);
    if (group === undefined) groups.set(videos, [sample]);
    else group.push(sample);
  }
  return [...groups.values()].flat();
}
