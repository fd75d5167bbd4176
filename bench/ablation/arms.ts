/** What is compared: temporal attention in every order and head scale, and the same training without it. */
import type { TemporalAttention } from '../../src/models/qwen2vl/index.ts';

/** temporal: what is put in; absent: nothing, adapters alone are trained */
export type Arm = { name: string; temporal?: Required<Pick<TemporalAttention, 'order' | 'head_scale'>> };

export function armsOf(orders: readonly TemporalAttention['order'][], headScales: readonly number[]): Arm[] {
  return [{ name: 'LoRA alone' }, ...orders.flatMap((order) => headScales.map((head_scale) => ({ name: `${order}, ${head_scale}`, temporal: { order, head_scale } })))];
}

/** One training: an arm with a seed, which draws its new weights and its clips. */
export type Run = { arm: Arm; seed: number };

/** All runs, seed by seed: a grid that is stopped has whole seeds. */
export function runsOf(arms: readonly Arm[], seeds: readonly number[]): Run[] {
  return seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed })));
}

/** Name of a run's folder. */
export const folderOf = ({ arm: { temporal }, seed }: Run): string => `${temporal === undefined ? 'lora' : `${temporal.order}-${temporal.head_scale}`}-seed-${seed}`;
