import type { Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { Parts } from './device/parts.ts';
import { encodeClips } from './encode-clips.ts';
import { joined } from './rows.ts';
import { VISION_RUN } from './run-sizes.ts';
import type { Clips } from './vision-parts.ts';
import { PixelRows, type VisualItem } from './visual-item.ts';

/** Which frames attend to each other in time. `item`: those of one video (an image is alone). `all`: in the authors' code all videos of a prompt
 * that share a frame size form one sequence, and so do its images; tasks like video shuffling depend on it. Without STA both are the same. */
export type TemporalScope = 'item' | 'all';

/** Items that go through the encoder together: B clips of T frame groups each. */
export type Run = Clips & { members: number[] };

export type EncodeOptions = {
  scope?: TemporalScope;
  /** Bytes that the intermediate values of one run may take. */
  bytes?: number;
  /** Gives the items' pixel_values away: each is emptied when it has been read. */
  transfer?: boolean;
  signal?: AbortSignal;
};

/** Visual tokens of the items, one after the other in the order given: [V, hidden_size]. An abort takes effect at once; the engine is free after the slice, or the whole small clip, that it is at.
 * @param program of visionParts(), see compileParts() */
export async function encodeVisual(program: Parts, { vision_config: config }: Qwen2VLConfig, items: readonly VisualItem[], { scope = 'item', bytes = VISION_RUN, transfer = false, signal }: EncodeOptions = {}): Promise<Float32Array> {
  const { in_channels, temporal_patch_size, patch_size } = config;
  const parts: Float32Array[] = items.map(() => new Float32Array());
  for (const run of encoderRuns(items, scope)) {
    const pixels = new PixelRows(run.members.map((i) => items[i]), in_channels * temporal_patch_size * patch_size ** 2, in_channels, transfer);
    const embeds = await encodeClips(program, config, run, pixels, bytes, signal);
    let at = 0;
    for (const member of run.members) {
      const [t, h, w] = items[member].grid;
      parts[member] = embeds.subarray(at, (at += embeds.length * ((t * h * w) / (run.B * run.T * h * w)))); // every patch has the same share
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
