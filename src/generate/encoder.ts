import type { Tensor } from '../graph/index.ts';
import { spaceTables, timeTables, type Grid, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Program } from '../runtime/index.ts';

/** An image or a video as patches in merge order. pixel_values: [t·h·w, C·2·14·14] */
export type VisualItem = { kind: 'image' | 'video'; grid: Grid; pixel_values: Float32Array };

/** Which frames attend to each other in time. `item`: those of one video (an image is alone). `all`: in the authors' code all videos of a prompt
 * that share a frame size form one sequence, and so do its images; tasks like video shuffling depend on it. Without STA both are the same. */
export type TemporalScope = 'item' | 'all';

/** Items that go through the encoder in one run: B clips of T frame groups each. */
type Run = { members: number[]; B: number; T: number; h: number; w: number };

/** Visual tokens of the items, one after the other in the order given: [V, hidden_size]. */
export async function encodeVisual(program: Program, config: Qwen2VLConfig, items: VisualItem[], { scope = 'item', signal }: { scope?: TemporalScope; signal?: AbortSignal } = {}): Promise<Float32Array> {
  const { spatial_merge_size } = config.vision_config;
  const lengths = items.map(({ grid: [t, h, w] }) => ((t * h * w) / spatial_merge_size ** 2) * config.hidden_size); // floats of an item's tokens
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
  const embeds = new Float32Array(lengths.reduce((a, b) => a + b, 0));
  for (const run of runs(items, scope)) {
    const outputs = await program.run(feeds(run, items, config), { signal });
    let at = 0;
    for (const member of run.members) {
      embeds.set((outputs.embeds.data as Float32Array).subarray(at, at + lengths[member]), starts[member]);
      at += lengths[member];
    }
  }
  return embeds;
}

/** Items of one shape share a run: side by side in B, or one behind the other in T where they form one sequence. */
function runs(items: VisualItem[], scope: TemporalScope): Run[] {
  const found = new Map<string, Run>();
  items.forEach(({ kind, grid: [t, h, w] }, i) => {
    const key = scope === 'all' ? `${kind} ${h} ${w}` : `${t} ${h} ${w}`;
    const run = found.get(key);
    if (run === undefined) found.set(key, { members: [i], B: 1, T: t, h, w });
    else {
      run.members.push(i);
      if (scope === 'all') run.T += t;
      else run.B++;
    }
  });
  return [...found.values()];
}

/** Inputs of the vision graph; tables of time only where the model has STA. */
export function feeds({ members, B, T, h, w }: Run, items: VisualItem[], { vision_config }: Qwen2VLConfig): Record<string, Tensor> {
  const head_dim = vision_config.embed_dim / vision_config.num_heads;
  const space = spaceTables(h, w, head_dim, vision_config.spatial_merge_size);
  const time = vision_config.temporal_attention && timeTables(T, head_dim);
  const pixels = joined(members.map((i) => items[i].pixel_values));
  return {
    pixel_values: { dtype: 'float32', dims: [B, T, h * w, pixels.length / (B * T * h * w)], data: pixels }, // [B, T, N, C·2·14·14]
    space_cos: space.cos,
    space_sin: space.sin,
    ...(time && { time_cos: time.cos, time_sin: time.sin }),
  };
}

function joined(arrays: Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const all = new Float32Array(arrays.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
