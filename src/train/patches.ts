/** Frames of one size as the vision encoder's patches, still bytes: the training graph normalises them. */

/** @param frames RGB bytes [H, W, 3] each, an even number of them   @param height,width multiples of 28
 * @returns [T, N, 3·2·14·14]: T pairs of frames; N patches, 2×2 neighbours following each other (transformers Qwen2VLImageProcessor) */
export function patchBytes(frames: ArrayLike<Uint8Array>, height: number, width: number, patch = 14, merge = 2, pair = 2): Uint8Array<SharedArrayBuffer> {
  const channels = 3;
  const groups = frames.length / pair;
  const out = new Uint8Array(new SharedArrayBuffer(frames.length * height * width * channels));
  let at = 0;
  for (let t = 0; t < groups; t++)
    for (let top = 0; top < height; top += merge * patch)
      for (let left = 0; left < width; left += merge * patch)
        for (let row = top; row < top + merge * patch; row += patch)
          for (let column = left; column < left + merge * patch; column += patch)
            for (let c = 0; c < channels; c++)
              for (let f = 0; f < pair; f++) {
                const frame = frames[t * pair + f];
                for (let y = 0; y < patch; y++) {
                  let from = ((row + y) * width + column) * channels + c;
                  for (let x = 0; x < patch; x++, from += channels) out[at++] = frame[from];
                }
              }
  return out;
}
