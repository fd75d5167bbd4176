import { StaveError } from '../../errors.ts';
import { inverseFrequencies } from './rope.ts';

/** Frame groups, patches down, patches across: a row of image_grid_thw or video_grid_thw. */
export type Grid = readonly [t: number, h: number, w: number];

/** How seconds become positions. `exact`: as Qwen's own fine-tuning code computes them. `reference`: transformers 4.57 drops the fraction of second_per_grid_t first,
 * so that above 2 frames a second all of a video has one time. */
export type TimeRounding = 'exact' | 'reference';

/** Token ids and sizes as config.json has them; tokens_per_second where time is told in seconds (Qwen2.5-VL). */
export type Placeholders = { image_token_id: number; video_token_id: number; spatial_merge_size: number; tokens_per_second?: number; time_rounding?: TimeRounding };

/** Of the images and of the videos, each in the order of the prompt. second_per_grid_ts: seconds from one frame group of a video to the next; null or absent: 1, as transformers has it. */
export type Grids = { images?: readonly Grid[]; videos?: readonly Grid[]; second_per_grid_ts?: readonly (number | null)[] };

export type PositionIds = {
  /** [3, S]: rows of time, height and width; equal for text. */
  position_ids: Int32Array;
  /** The text token at index i ≥ S has position i + rope_delta in all three rows. */
  rope_delta: number;
};

/** M-RoPE positions of one prompt, its visual placeholders already repeated to one a visual token. Text counts up by one; an image or video starts
 * where the text before it ended and spans time, rows and columns; text goes on behind the largest of these. transformers get_rope_index of Qwen2VL, Qwen2_5_VL
 * @throws USAGE when placeholders and grids don't fit together */
export function ropeIndex(input_ids: ArrayLike<number>, grids: Grids, tokens: Placeholders): PositionIds {
  const S = input_ids.length;
  const position_ids = new Int32Array(3 * S); // [3, S]
  const waiting = { image: [...(grids.images ?? [])], video: [...(grids.videos ?? [])] };
  const seconds = [...(grids.second_per_grid_ts ?? [])];
  let next = 0; // first position not used yet
  for (let i = 0; i < S; ) {
    const kind = input_ids[i] === tokens.image_token_id ? 'image' : input_ids[i] === tokens.video_token_id ? 'video' : undefined;
    if (kind === undefined) {
      position_ids[i] = position_ids[S + i] = position_ids[2 * S + i] = next++;
      i++;
      continue;
    }
    const grid = waiting[kind].shift();
    if (grid === undefined) throw new StaveError('USAGE', { what: `position ${i} of the prompt is a ${kind} placeholder for which there is no grid`, fix: `give one grid for each ${kind} of the prompt, in order` });
    const [t, h, w] = [grid[0], grid[1] / tokens.spatial_merge_size, grid[2] / tokens.spatial_merge_size]; // visual tokens along each axis
    checkRun(input_ids, i, t * h * w, kind, grid);
    const times = timePositions(t, (kind === 'video' ? seconds.shift() : undefined) ?? 1, tokens);
    for (let j = 0; j < t * h * w; j++, i++) {
      position_ids[i] = next + times[Math.floor(j / (h * w))];
      position_ids[S + i] = next + (Math.floor(j / w) % h);
      position_ids[2 * S + i] = next + (j % w);
    }
    next += Math.max(times[t - 1] + 1, h, w);
  }
  for (const kind of ['image', 'video'] as const)
    if (waiting[kind].length > 0) throw new StaveError('USAGE', { what: `${waiting[kind].length} ${kind} grids more than the prompt has placeholders for`, fix: `put a ${kind} part into the messages for each` });
  return { position_ids, rope_delta: next - S };
}

/** Positions of t frame groups along time: their numbers, or the seconds at which they come. Rounded to float32 where PyTorch rounds. */
function timePositions(t: number, second_per_grid_t: number, { tokens_per_second, time_rounding = 'exact' }: Placeholders): number[] {
  if (tokens_per_second === undefined) return Array.from({ length: t }, (_, i) => i);
  const f = Math.fround;
  const step = time_rounding === 'exact' ? f(second_per_grid_t) : Math.trunc(f(second_per_grid_t));
  return Array.from({ length: t }, (_, i) => Math.trunc(f(f(i * step) * tokens_per_second)));
}

function checkRun(input_ids: ArrayLike<number>, start: number, length: number, kind: string, grid: Grid): void {
  let end = start;
  while (end < input_ids.length && end < start + length && input_ids[end] === input_ids[start]) end++;
  if (end - start === length) return;
  throw new StaveError('USAGE', { what: `a ${kind} of grid ${grid.join('×')} fills ${length} tokens, the prompt has ${end - start} placeholders at position ${start}`, fix: 'encode the prompt with the grids of the frames that go with it' });
}

/** Positions of `count` text tokens that follow a prompt: [3, count], all rows start + rope_delta, start + rope_delta + 1, … @param start index of the first in the sequence */
export function textPositions(start: number, count: number, rope_delta: number): Int32Array {
  return Int32Array.from({ length: 3 * count }, (_, i) => start + rope_delta + (i % count));
}

/** Rotary tables of the language model: of each half of head_dim, the first mrope_section[0] angles turn with the time row of the positions, the next
 * with height, the last with width. Rounded to float32 where PyTorch rounds. transformers apply_multimodal_rotary_pos_emb
 * @param position_ids [3, S]   → cos, sin: [S, head_dim] */
export function mropeTables(position_ids: Int32Array, { head_dim, rope_theta, mrope_section }: { head_dim: number; rope_theta: number; mrope_section: readonly number[] }): { cos: Float32Array; sin: Float32Array } {
  const S = position_ids.length / 3;
  const half = head_dim / 2;
  const row = mrope_section.flatMap((length, section) => Array<number>(length).fill(section)); // [half]: which row of positions an angle follows
  const frequencies = inverseFrequencies(head_dim, rope_theta);
  const cos = new Float32Array(S * head_dim); // [S, head_dim]
  const sin = new Float32Array(S * head_dim);
  for (let s = 0; s < S; s++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position_ids[row[i] * S + s] * frequencies[i]);
      const at = s * head_dim + i;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
