import { floatResizer } from './resize-float.ts';
import { pillowResizer, shortResizer } from './resize-pillow.ts';

/** `pil`: 8-bit arithmetic as in Pillow 13 (image processors of transformers); the result between the two passes is 8-bit too.
 * `torchvision8`: the same with coarser weights, as torchvision.transforms.v2 resizes 8-bit tensors (video processors of transformers); off by a level here and there.
 * `torchvision`: float arithmetic, rounded once at the end (`torchvision.transforms.functional.resize(..., antialias=True)`, as
 * qwen-vl-utils calls it on videos). The two differ by a level here and there, and by more at hard edges between 0 and 255. */
export type ResizeRule = 'pil' | 'torchvision8' | 'torchvision';

const resizers = { pil: pillowResizer, torchvision8: shortResizer, torchvision: floatResizer };

/** RGB [h, w, 3] → RGB [H, W, 3]; `out` (H·W·3 bytes) is written and returned if given, else a fresh array. */
export type Resize = (rgb: Uint8Array, out?: Uint8Array) => Uint8Array;

/** Resizes frames of one size to one other by antialiased bicubic (a = −0.5); tables and buffers are made once, used for every frame. */
export function resizer(h: number, w: number, H: number, W: number, rule: ResizeRule = 'pil'): Resize {
  const resize = resizers[rule](h, w, H, W);
  return (rgb, out = new Uint8Array(H * W * 3)) => {
    if (rgb.length !== h * w * 3) throw new RangeError(`resize: ${rgb.length} bytes are not a ${w}×${h} RGB frame`);
    if (h === H && w === W) out.set(rgb);
    else resize(rgb, out);
    return out;
  };
}

const recent = new Map<string, Resize>(); // a video's frames share one size: few are ever needed at once

/** One frame, RGB [h, w, 3] → RGB [H, W, 3], as {@link resizer} does. Tables of the last few sizes are kept. */
export function resizeBicubic(rgb: Uint8Array, h: number, w: number, H: number, W: number, rule: ResizeRule = 'pil'): Uint8Array {
  const key = `${h},${w},${H},${W},${rule}`;
  let resize = recent.get(key);
  if (!resize) {
    if (recent.size >= 8) recent.delete(recent.keys().next().value!);
    recent.set(key, (resize = resizer(h, w, H, W, rule)));
  }
  return resize(rgb);
}
