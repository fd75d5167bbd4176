/** The line behind an answer or a decision that says what it took. */
import type { AnswerResult, Decision, MediaPlan } from '../generate/index.ts';
import { percent } from '../pages/percent.ts';
import { bytes } from './units.ts';

export function answerFooter(result: AnswerResult): string {
  const { token_ids, tokens_per_second, finish_reason } = result;
  return footer(result, [`${token_ids.length} answer tokens${tokens_per_second === null ? '' : `, ${tokens_per_second.toFixed(0)}/s`}`], finish_reason === 'length' ? ['cut at --max-tokens'] : []);
}

export function decisionFooter(decision: Decision): string {
  const { mass } = decision;
  return footer(decision, [`the model would give one of these answers with ${percent(mass)}${mass < 0.5 ? ': it would rather say something else' : ''}`]);
}

function footer({ media, frames, prompt_tokens, visual_tokens, reused, timings, peak_memory }: AnswerResult | Decision, came: string[], remarks: string[] = []): string {
  const damage = new Set(media.flatMap((item) => item.damage));
  return [
    seen(media, frames.length),
    `${prompt_tokens} prompt tokens (${visual_tokens} visual)${reused.prompt_tokens > 0 ? `, ${reused.prompt_tokens} of them read before` : ''}`,
    ...came,
    `${timings.total.toFixed(2)} s`,
    `peak memory ${bytes(peak_memory)}`,
    ...remarks,
    ...(damage.size > 0 ? [`damaged: ${[...damage].join('; ')}`] : []),
  ].join(' · ');
}

/** Frames of the first video; pictures, where there is none. */
function seen(media: readonly MediaPlan[], frames: number): string {
  if (media.every(({ kind }) => kind === 'image')) return media.length === 1 ? '1 picture' : `${media.length} pictures`;
  return `${frames} frames${fewer(media)}`;
}

/** Where a clip had fewer frames than were asked for, or some are shown again to make up the number. */
export function fewer(media: readonly MediaPlan[]): string {
  const short = media.find(({ frames_asked }) => frames_asked !== null);
  const shown = media.find(({ kind }) => kind === 'video')?.frames ?? [];
  const repeats = shown.length - new Set(shown.map(({ index }) => index)).size;
  if (short === undefined) return repeats === 0 ? '' : ` (${repeats} of them ${repeats === 1 ? 'a repeat' : 'repeats'})`;
  return ` (${short.frames_asked} asked for, the clip has ${media.length === 1 ? 'no more' : `${short.frames.length}`})`;
}
