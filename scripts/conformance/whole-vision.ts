/** The vision encoder in one piece: what the encoder in slices is held against, and what shows its inside. */
import type { TemporalScope } from '../../src/generate/encoder.ts';
import type { VisualItem } from '../../src/generate/visual-item.ts';
import { visionTables, type Qwen2VLConfig } from '../../src/models/qwen2vl/index.ts';
import type { Program } from '../../src/runtime/index.ts';

/** @param program of visionGraph()  @param items with normalised pixels  @returns the named output of the items, one after the other */
export async function encodeWhole(program: Program, { vision_config: vision }: Qwen2VLConfig, items: readonly VisualItem[], { scope = 'item', output = 'embeds' }: { scope?: TemporalScope; output?: string } = {}): Promise<Float32Array> {
  const found: number[][] = [];
  for (const members of sequences(items, scope)) {
    const [, h, w] = items[members[0]].grid;
    const T = members.reduce((sum, i) => sum + items[i].grid[0], 0);
    const data = Float32Array.from(members.flatMap((i) => [...items[i].pixel_values]));
    const asked = Object.entries(visionTables([T, h, w], vision)).filter(([name]) => program.inputs.some((input) => input.name === name));
    const outputs = await program.run({ pixel_values: { dtype: 'float32', dims: [1, T, h * w, data.length / (T * h * w)], data }, ...Object.fromEntries(asked) }, { fetch: [output] });
    const all = outputs[output].data as Float32Array;
    let at = 0;
    for (const i of members) found[i] = [...all.subarray(at, (at += (all.length / T) * items[i].grid[0]))];
  }
  return Float32Array.from(found.flat());
}

/** Numbers of the items that form one sequence in time. */
function sequences(items: readonly VisualItem[], scope: TemporalScope): number[][] {
  if (scope === 'item') return items.map((_, i) => [i]);
  const names = items.map(({ kind, grid: [, h, w] }) => `${kind} ${h} ${w}`);
  return Object.values(Object.groupBy(items.keys(), (i) => names[i])) as number[][];
}
