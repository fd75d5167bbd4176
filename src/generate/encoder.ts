import type { Tensor } from '../graph/index.ts';
import { visionTables, type Grid, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Program } from '../runtime/index.ts';

/** An image or a video as patches in merge order. pixel_values: [t·h·w, C·2·14·14] */
export type VisualItem = { kind: 'image' | 'video'; grid: Grid; pixel_values: Float32Array };

/** Which frames attend to each other in time. `item`: those of one video (an image is alone). `all`: in the authors' code all videos of a prompt
 * that share a frame size form one sequence, and so do its images; tasks like video shuffling depend on it. Without STA both are the same. */
export type TemporalScope = 'item' | 'all';

/** Items that go through the encoder in one run: B clips of T frame groups each. */
export type Run = { members: number[]; B: number; T: number; h: number; w: number };

export type EncodeOptions = {
  scope?: TemporalScope;
  /** Another output of the vision graph, [patches, ..], in place of the visual tokens. */
  output?: string;
  signal?: AbortSignal;
};

/** Visual tokens of the items, one after the other in the order given: [V, hidden_size]. */
export async function encodeVisual(program: Program, config: Qwen2VLConfig, items: readonly VisualItem[], { scope = 'item', output = 'embeds', signal }: EncodeOptions = {}): Promise<Float32Array> {
  const parts: Float32Array[] = items.map(() => new Float32Array());
  for (const run of encoderRuns(items, scope)) {
    const { [output]: tensor } = await program.run(feeds(program, run, items, config), { fetch: [output], signal });
    let at = 0;
    for (const member of run.members) {
      const [t, h, w] = items[member].grid;
      const length = tensor.data.length * ((t * h * w) / (run.B * run.T * h * w)); // every patch has the same share
      parts[member] = (tensor.data as Float32Array).subarray(at, at + length);
      at += length;
    }
  }
  return joined(parts);
}

/** Items of one shape share a run: side by side in B, or one behind the other in T where they form one sequence. */
export function encoderRuns(items: readonly Pick<VisualItem, 'kind' | 'grid'>[], scope: TemporalScope): Run[] {
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

/** Inputs of the vision graph: of the tables, those that this model asks for. */
function feeds({ inputs }: Program, { members, B, T, h, w }: Run, items: readonly VisualItem[], { vision_config }: Qwen2VLConfig): Record<string, Tensor> {
  const pixels = joined(members.map((i) => items[i].pixel_values));
  const tables = visionTables([T, h, w], vision_config);
  return {
    pixel_values: { dtype: 'float32', dims: [B, T, h * w, pixels.length / (B * T * h * w)], data: pixels }, // [B, T, N, C·2·14·14]
    ...Object.fromEntries(Object.entries(tables).filter(([name]) => inputs.some((input) => input.name === name))),
  };
}

export function joined(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const all = new Float32Array(arrays.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
