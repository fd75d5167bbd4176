/** How a stored frame becomes the frame as shown: mirrored along its axes, then axes swapped or not. Covers all turns by quarters and their mirror images. */
export type Orientation = { swap: boolean; flipX: boolean; flipY: boolean };

export const upright: Orientation = { swap: false, flipX: false, flipY: false };

/** Reads a display matrix (9 little-endian int32, as in mp4's tkhd; shown x' = a·x + c·y, y' = b·x + d·y).
 * @returns the orientation (turns that are no multiple of 90° go to the nearest) and the rotation as FFmpeg reports it, degrees anticlockwise */
export function readDisplayMatrix(bytes: Uint8Array): { orientation: Orientation; rotation: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [a, b, c, d] = [0, 1, 3, 4].map((i) => view.getInt32(i * 4, true));
  const scaleA = Math.hypot(a, c), scaleB = Math.hypot(b, d);
  if (scaleA === 0 || scaleB === 0) return { orientation: upright, rotation: 0 }; // not a rotation at all
  const rotation = Math.round(-Math.atan2(b / scaleB, a / scaleA) * (180 / Math.PI));
  const swap = Math.abs(c) > Math.abs(a);
  return { orientation: swap ? { swap, flipX: b < 0, flipY: c < 0 } : { swap, flipX: a < 0, flipY: d < 0 }, rotation: rotation === 0 ? 0 : rotation };
}

/** Turns a frame: RGB [h, w, 3] → [h, w, 3], or [w, h, 3] when axes are swapped, into `out`. flipX and flipY are along the stored axes. */
export function turn(rgb: Uint8Array, h: number, w: number, { swap, flipX, flipY }: Orientation, out: Uint8Array): void {
  const stepX = flipX ? -3 : 3; // from one stored pixel to the next, in the order shown
  const stepY = flipY ? -3 * w : 3 * w;
  const start = (flipX ? (w - 1) * 3 : 0) + (flipY ? (h - 1) * w * 3 : 0);
  const [rows, columns, down, across] = swap ? [w, h, stepX, stepY] : [h, w, stepY, stepX];
  let to = 0;
  for (let y = 0; y < rows; y++) {
    let from = start + y * down;
    for (let x = 0; x < columns; x++, from += across, to += 3) {
      out[to] = rgb[from];
      out[to + 1] = rgb[from + 1];
      out[to + 2] = rgb[from + 2];
    }
  }
}
