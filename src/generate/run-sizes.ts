/** How much of a clip goes through the vision encoder at once. */
import type { ClipSizes } from './rows.ts';
import { temporalHeads, windowUnits, type VisionConfig } from '../models/qwen2vl/index.ts';

/** Bytes that intermediate values of one run of the vision encoder may take. Enough rows for the matrix kernels to be at their best; what is more only costs memory. A constant and
 * nothing of the machine's: sums come out a little different when other rows go through together, and answers should not. */
export const VISION_RUN = 64e6;

/** So many times that much may a whole clip take with temporal attention, which it then need not be cut for: every cut costs copies, and a run for each slice. */
const WHOLE = 4;

const FLOAT = 4;

/** Frame groups and, in temporal attention, patch positions that one run takes; at least one. */
export type RunSizes = { frames: number; sequences: number };

/** As many as fit into `bytes`. @param T frame groups that see each other  @param N patches of one */
export function runSizes(config: VisionConfig, T: number, N: number, bytes: number): RunSizes {
  const fitting = (each: number) => Math.max(1, Math.floor(bytes / each));
  return { frames: fitting(frameBytes(config, N)), sequences: fitting(sequenceBytes(config, T)) };
}

/** Whether clips with temporal attention go through in one run: B clips of T frame groups of N patches. @param bytes of a run of a slice */
export function passesWhole(config: VisionConfig, sizes: ClipSizes, bytes: number): boolean {
  return wholeBytes(config, sizes) <= WHOLE * bytes;
}

/** What whole clips take in one run, at the fullest moment. */
export function wholeBytes(config: VisionConfig, { B, T, N }: ClipSizes): number {
  return B * Math.max(T * frameBytes(config, N), N * (sequenceBytes(config, T) + FLOAT * T * config.embed_dim)); // temporal attention beside the residual
}

/** What one frame group takes on its way through a part of the encoder, at the fullest moment. */
export function frameBytes(config: VisionConfig, N: number): number {
  const { embed_dim: D, intermediate_size, windowed } = config;
  const pixels = config.in_channels * config.temporal_patch_size * config.patch_size ** 2;
  const sides = windowed === undefined ? 2 : 3; // of the activation; in a gated MLP what it is multiplied by, too
  const attention = windowed === undefined ? 8 : 11; // residual, norm, and q k v in two layouts; once more window by window
  const row = Math.max(attention * D, 2 * D + sides * intermediate_size, pixels + D);
  const seen = windowed === undefined ? 0 : Math.min(N, (windowUnits(config) * config.spatial_merge_size) ** 2); // attention over whole frames holds no scores
  return FLOAT * N * (row + 2 * config.num_heads * seen); // scores in windows, before and after the softmax
}

/** What temporal attention takes for one patch position. */
export function sequenceBytes(config: VisionConfig, T: number): number {
  const { embed_dim: D } = config;
  const width = attendedWidth(config);
  return FLOAT * T * (2 * D + 7 * width + (2 * T * width * config.num_heads) / D); // rows and their norm, q k v in two layouts and the result; scores
}

/** Entries of a row that temporal attention hands to its projection; 0 without it. */
export function attendedWidth({ temporal_attention, num_heads, embed_dim }: VisionConfig): number {
  return temporal_attention === undefined ? 0 : temporalHeads(num_heads, temporal_attention.head_scale) * (embed_dim / num_heads);
}
