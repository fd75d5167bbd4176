import type { Qwen2VLConfig } from '../../models/qwen2vl/index.ts';

type Tokens = Pick<Qwen2VLConfig, 'image_token_id' | 'video_token_id' | 'vision_start_token_id' | 'vision_end_token_id'>;

/** Where a prompt is cut into sections for prefill: behind its videos and images (those that follow each other directly stay together) and where answers begin. What
 * goes through the model together decides the last bits of keys and values; so every prompt is cut, whether or not anything is reused. Whether there is a cut depends
 * on the tokens up to it and the one behind it: a beginning that was computed for another question equals a new one bit for bit.
 * @param answers where the assistant's answers begin  @returns ascending, inside the prompt */
export function cutsOf(ids: ArrayLike<number>, answers: readonly number[], { image_token_id, video_token_id, vision_start_token_id, vision_end_token_id }: Tokens): number[] {
  const isVisual = (i: number) => ids[i] === image_token_id || ids[i] === video_token_id;
  const cuts = new Set(answers);
  for (let i = 0; i < ids.length; i++) {
    if (!isVisual(i) || isVisual(i + 1)) continue;
    const end = ids[i + 1] === vision_end_token_id ? i + 2 : i + 1;
    if (ids[end] !== vision_start_token_id) cuts.add(end);
  }
  return [...cuts].filter((cut) => cut > 0 && cut < ids.length).toSorted((a, b) => a - b);
}

/** Visual tokens before a position of a prompt. */
export function visualBefore(ids: ArrayLike<number>, position: number, { image_token_id, video_token_id }: Tokens): number {
  let count = 0;
  for (let i = 0; i < position; i++) if (ids[i] === image_token_id || ids[i] === video_token_id) count++;
  return count;
}
