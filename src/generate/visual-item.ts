import type { Grid } from '../models/qwen2vl/index.ts';
import { discard } from './rows.ts';

/** An image or a video as patches in merge order. */
export type VisualItem = {
  kind: 'image' | 'video';
  grid: Grid;
  /** [t·h·w, C·2·14·14]: normalised, or bytes. */
  pixel_values: Float32Array | Uint8Array;
  /** What bytes become, see normalisation(). */
  normalisation?: Float32Array;
};

/** Frame groups of items of one frame size, one item after the other, as the encoder takes them. */
export class PixelRows {
  readonly #items: readonly VisualItem[];
  readonly #frame: number; // entries
  readonly #channel: number; // entries of a patch
  readonly #transfer: boolean;

  /** @param pixels entries of a patch  @param transfer whether items are emptied when they have been read */
  constructor(items: readonly VisualItem[], pixels: number, channels: number, transfer: boolean) {
    const [, h, w] = items[0].grid;
    this.#items = items;
    this.#frame = h * w * pixels;
    this.#channel = pixels / channels;
    this.#transfer = transfer;
  }

  /** Writes frame groups `start` to `end` into `out`, yielding between them. */
  *read(start: number, end: number, out: Float32Array): Generator<void> {
    let first = 0; // frame group that the item begins with
    for (const item of this.#items) {
      const [t] = item.grid;
      for (let i = Math.max(start, first); i < Math.min(end, first + t); i++) {
        const from = item.pixel_values.subarray((i - first) * this.#frame, (i - first + 1) * this.#frame);
        const to = out.subarray((i - start) * this.#frame, (i - start + 1) * this.#frame);
        if (from instanceof Float32Array) to.set(from);
        else this.#normalise(from, item.normalisation!, to);
        yield;
      }
      first += t;
      if (this.#transfer && end >= first && start < first) discard(item.pixel_values);
    }
  }

  #normalise(bytes: Uint8Array, table: Float32Array, to: Float32Array): void {
    const channels = table.length / 256;
    for (let at = 0; at < bytes.length; )
      for (let c = 0; c < channels; c++) for (const end = at + this.#channel; at < end; at++) to[at] = table[(c << 8) | bytes[at]];
  }
}
