import { cutBlocks, timeRows, type VisionConfig } from '../models/qwen2vl/index.ts';
import type { Parts } from './device/parts.ts';
import { pausing } from './pausing.ts';
import { discard, joined, placeAttended, sequencesOf, slices } from './rows.ts';
import { passesWhole, runSizes } from './run-sizes.ts';
import { VisionParts, type Clips } from './vision-parts.ts';
import type { PixelRows } from './visual-item.ts';

/** Clips of one grid through visionParts(): at once where they are small, else block by block, in slices of frame groups and, for temporal attention, of patch positions. Then of all frames at once there are
 * x and what temporal attention gives; `bytes` bounds what else there is. → visual tokens, [B·T·M, hidden_size] */
export async function encodeClips(program: Parts, config: VisionConfig, clips: Clips, pixels: PixelRows, bytes: number, signal: AbortSignal | undefined): Promise<Float32Array> {
  const { B, T } = clips;
  const N = clips.h * clips.w;
  const sizes = { B, T, N };
  const most = runSizes(config, T, N, bytes);
  const frames = slices(B * T, most.frames);
  const cuts = cutBlocks(config);
  const parts = new VisionParts(program, config, clips, signal);
  if (parts.passing && passesWhole(config, sizes, bytes)) {
    const input = parts.empty('pixel_values', B * T);
    await pausing(pixels.read(0, B * T, input.data));
    return parts.runWhole(input, B);
  }
  const after = (cut: number) => (cut + 1 < cuts.length ? `x.${cuts[cut + 1]}` : 'embeds');

  const x: Float32Array[] = []; // of each slice of frames, [F·N, D]; in the end its visual tokens
  const keep = (y: Float32Array, i: number) => void (x[i] = y);
  await inTurn(frames, async ({ start, end }) => {
    const input = parts.empty('pixel_values', end - start);
    await pausing(pixels.read(start, end, input.data));
    return { pixel_values: input };
  }, (feeds) => parts.run(feeds, after(-1)), keep);

  for (const [cut, block] of cuts.entries()) {
    const [sequences, rows, attendedRows] = [`sequences.${block}`, `rows.${block}`, `attended_rows.${block}`];
    const width = parts.width(attendedRows);
    const attended = new Float32Array(B * T * N * width); // [B·T·N, H·d]
    const positions = slices(B * N, most.sequences);
    await inTurn(positions, async (slice) => {
      const input = parts.empty(sequences, slice.end - slice.start);
      await pausing(sequencesOf(x, frames, sizes, slice, input.data));
      return { [sequences]: input };
    }, (feeds) => parts.run(feeds, `attended.${block}`), (y, i) => {
      placeAttended(y, sizes, positions[i], timeRows(config), attended);
      discard(y);
    });
    await inTurn(frames, ({ start, end }, i) => {
      const y = attended.slice(start * N * width, end * N * width);
      return { [rows]: parts.tensor(rows, end - start, x[i]), [attendedRows]: parts.tensor(attendedRows, end - start, y) };
    }, (feeds) => parts.run(feeds, after(cut)), keep);
    discard(attended);
  }
  return joined(x);
}

/** Runs one slice after the other and takes the results in order. Feeds are made while the engine is at the slice before, so that it does not wait for copies. */
async function inTurn<S, F>(slices: readonly S[], feedsOf: (slice: S, i: number) => F | Promise<F>, run: (feeds: F) => Promise<Float32Array>, take: (result: Float32Array, i: number) => void): Promise<void> {
  let before: Promise<Float32Array> | undefined;
  for (const [i, slice] of slices.entries()) {
    const running = run(await feedsOf(slice, i));
    running.catch(() => {}); // told when its turn comes, unless the one before fails
    if (before !== undefined) take(await before, i - 1);
    before = running;
  }
  if (before !== undefined) take(await before, slices.length - 1);
}
