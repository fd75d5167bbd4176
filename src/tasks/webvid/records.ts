/** WebVid-QA as training records. Source: the authors' staveq2-training/format.py and dataset.py */
import { shuffled, type Draws } from '../draws.ts';
import type { Protocol, TaskMessage, TaskSettings } from '../task.ts';
import type { QaSample } from './ask.ts';
import { exchangeOptions, type QaText } from './exchange.ts';

/** 1 frame per second, at least 4 spread over a short clip, of a long one a random window of 32. A record that can't be read is replaced by another. */
export const webvidSettings = {
  frames: { rule: 'stave', fps: 1, min_frames: 4, max_frames: 32 },
  pixels: { min_pixels: 16 * 28 * 28, max_pixels: 256 * 28 * 28 },
  temporal_scope: 'item',
} as const satisfies Partial<TaskSettings>;

/** A training record. `paper`: the last question and answer alone. `strict`: the turns before them too.
 * @param folder before the video's file name; the authors' files have one there and the loader prefixes it once more */
export function webvidRecord({ videoid, question, answer, history }: QaSample, { protocol = 'paper', folder }: { protocol?: Protocol; folder?: string } = {}): TaskMessage[] {
  const turns = [...(protocol === 'strict' ? history : []), [question, answer]];
  const video = { type: 'video' as const, video: `${folder === undefined ? '' : `${folder}/`}${videoid}.mp4` };
  return turns.flatMap(([asked, said], i): TaskMessage[] => [
    { role: 'user', content: [...(i === 0 ? [video] : []), { type: 'text', text: asked }] },
    { role: 'assistant', content: [{ type: 'text', text: said }] },
  ]);
}

/** All records in a drawn order, the options of half of them exchanged. @param exchange how; the authors' way is `referenceExchange` */
export function webvidRecords(samples: readonly QaSample[], draws: Draws, { exchange = exchangeOptions, ...options }: { protocol?: Protocol; folder?: string; exchange?: (qa: QaText) => QaText } = {}): TaskMessage[][] {
  const records = samples.map((sample) => webvidRecord(draws.choice(2) === 0 ? { ...sample, ...exchange(sample) } : sample, options));
  return shuffled(records, draws);
}
