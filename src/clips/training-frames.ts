import { chooseDegradation, compress, enlarge } from './degrade.ts';
import { random } from './random.ts';
import { renderer } from './raster.ts';
import { evenFrames, type Scene } from './scene.ts';

/** The frames that a model would be shown of a scene's clip, without a file in between: evenly spread, at the model's size, with
 * stand-ins for the encoder's and the resize's losses. @returns RGB [count, height, width, 3] */
export function trainingFrames(scene: Scene, { count, width, height }: { count: number; width: number; height: number }): Uint8Array {
  const size = width * height * 3;
  const out = new Uint8Array(count * size); // [F, H, W, 3]
  const degradation = chooseDegradation(random(scene.seed, 'degrade'), Math.min(scene.width / width, scene.height / height));
  const [w, h] = degradation.scale < 0.98 ? [Math.round(width * degradation.scale), Math.round(height * degradation.scale)] : [width, height];
  const draw = renderer(scene, w, h);
  const small = w === width && h === height ? undefined : new Uint8Array(w * h * 3);
  evenFrames(scene.frames, count).forEach((index, i) => {
    const frame = out.subarray(i * size, (i + 1) * size);
    draw.frame(index, small ?? frame);
    compress(small ?? frame, w, h, degradation);
    if (small) enlarge(small, w, h, frame, width, height);
  });
  return out;
}
