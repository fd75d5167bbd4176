/** What a model said of held-out clips, for people to look at. */
import { takeFrame, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Tokenizer } from '../text/index.ts';
import type { Picture } from '../video/index.ts';
import type { Batch, Pictures } from './batch.ts';

/** A clip, some of its frames and the questions asked about it. */
export type Shown = { seed: string; frames: Picture[]; answers: { kind: string; question: string; expected: string; /** The likeliest token at each place, given the right ones before. */ said: string; right: boolean }[] };

/** Frames of a video that are shown. */
const FRAMES = 8;

/** The clips of a batch with what was expected and said. predicted: [L], the likeliest token of each label */
export function shownOf(batch: Batch, predicted: BigInt64Array, tokenizer: Tokenizer, { vision_end_token_id, vision_config }: Pick<Qwen2VLConfig, 'vision_end_token_id' | 'vision_config'>): Shown[] {
  const { S, B } = batch.sizes;
  const [ids, places, labels] = ['input_ids', 'logits_index', 'labels'].map((name) => batch.feeds[name].data as BigInt64Array);
  const text = (tokens: BigInt64Array) => tokenizer.decode([...tokens].map(Number)).replace(/<\|im_(start|end)\|>(user|assistant)?/g, ' ').trim();
  const { patch_size, temporal_patch_size, spatial_merge_size } = vision_config;
  const frames = ({ feed, from, grid }: Pictures): Picture[] => {
    const total = grid[0] * temporal_patch_size; // an image stands there twice
    const count = grid[0] === 1 ? 1 : Math.min(FRAMES, total);
    const pixels = (batch.feeds[feed].data as Uint8Array).subarray(from);
    return Array.from({ length: count }, (_, i) => takeFrame(pixels, Math.floor((i * total) / count), grid, { patch_size, temporal_patch_size, merge_size: spatial_merge_size }));
  };
  const shown = Array.from({ length: B }, (_, b): Shown => ({ seed: '', frames: batch.pictures.filter(({ sample }) => sample === b).flatMap(frames), answers: [] }));
  const ends = Array.from({ length: B }, (_, b) => b * S); // of what was read of each row
  for (const { sample: b, seed, kind, labels: [from, to] } of batch.segments) {
    const [expected, said] = [labels, predicted].map((tokens) => tokens.subarray(from, to));
    const [first, last] = [from, to - 1].map((label) => Number(places[label]) + 1); // a place predicts the next
    shown[b].seed = seed;
    shown[b].answers.push({ kind, question: text(ids.subarray(Math.max(ends[b], b * S + ids.subarray(b * S, first).lastIndexOf(BigInt(vision_end_token_id)) + 1), first)), expected: text(expected), said: text(said), right: expected.every((token, i) => token === said[i]) });
    ends[b] = last + 1;
  }
  return shown;
}
