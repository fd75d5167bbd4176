import { drawActor } from './draw-actor.ts';
import { drawBackground } from './background.ts';
import { poseAt, type Pose } from './motion.ts';
import { hash, mix, random } from './random.ts';
import { extent, type Scene } from './scene.ts';

export type Renderer = {
  /** Draws one frame (0 ≤ index < scene.frames) into `out` [height, width, 3] RGB. */
  frame(index: number, out: Uint8Array): void;
};

/** Draws a scene's frames at any size (the view is stretched to it). What stands still is drawn once. */
export function renderer(scene: Scene, width = scene.width, height = scene.height): Renderer {
  const { ex, ey } = extent(scene);
  const { camera } = scene;
  const [sx, sy] = [width / ex, height / ey]; // pixels per unit
  const margin = Math.ceil(camera.shake * Math.max(sx, sy)) + (camera.shake > 0 ? 1 : 0);
  const [W, H] = [width + 2 * margin, height + 2 * margin];
  const still = new Uint8ClampedArray(W * H * 3); // background and distractors, wider than the view by the margin
  const view = { x0: -margin / sx, y0: -margin / sy, sx, sy, ex, ey, vignette: camera.vignette };
  drawBackground(still, W, H, view, scene.background);
  for (const actor of scene.actors.slice(scene.cast)) drawActor(still, W, H, view, actor, poseAt(actor, 0));
  const seed = hash(scene.seed, 'camera');

  return {
    frame(index, out) {
      const k = scene.reversed ? scene.frames - 1 - index : index;
      const s = scene.frames > 1 ? k / (scene.frames - 1) : 0;
      const [shiftX, shiftY] = shake(scene, s, sx, sy);
      const pixels = new Uint8ClampedArray(out.buffer, out.byteOffset, width * height * 3);
      for (let y = 0; y < height; y++) {
        const from = ((y + margin + shiftY) * W + margin + shiftX) * 3;
        pixels.set(still.subarray(from, from + width * 3), y * width * 3);
      }
      const moved = { ...view, x0: shiftX / sx, y0: shiftY / sy };
      for (let a = 0; a < scene.cast; a++) {
        const pose: Pose = poseAt(scene.actors[a], s);
        drawActor(pixels, width, height, moved, scene.actors[a], pose);
      }
      expose(pixels, scene, k, s, seed, Math.min(1, width / scene.width));
      if (scene.mirrored) flip(pixels, width, height);
    },
  };
}

/** Frames of a scene. @returns RGB [indices.length, height, width, 3] */
export function renderFrames(scene: Scene, indices: readonly number[], width: number, height: number): Uint8Array {
  const size = width * height * 3;
  const out = new Uint8Array(indices.length * size); // [F, H, W, 3]
  const r = renderer(scene, width, height);
  indices.forEach((index, i) => r.frame(index, out.subarray(i * size, (i + 1) * size)));
  return out;
}

/** A hand's tremor: two sine waves per axis. @returns whole pixels */
function shake({ camera, seed }: Scene, s: number, sx: number, sy: number): [number, number] {
  if (camera.shake === 0) return [0, 0];
  const h = hash(seed, 'shake');
  const wave = (axis: number): number => {
    const phase = (k: number): number => (2 * Math.PI * (mix(h + 7 * axis + k) % 1000)) / 1000;
    return 0.65 * Math.sin(2 * Math.PI * camera.shakes * s + phase(1)) + 0.35 * Math.sin(5.3 * Math.PI * camera.shakes * s + phase(2));
  };
  return [Math.round(camera.shake * sx * wave(0)), Math.round(camera.shake * sy * wave(1))];
}

/** A table of standard normal numbers, scaled by 32: noise costs a look-up per value. */
const noiseSize = 1 << 16;
let noiseTable: Int8Array | undefined;
function normals(): Int8Array {
  if (!noiseTable) {
    const r = random('noise');
    noiseTable = Int8Array.from({ length: noiseSize }, () => Math.max(-127, Math.min(127, Math.round(32 * r.normal()))));
  }
  return noiseTable;
}

/** Brightness flicker and sensor noise. Noise averages out by `scale` when a clip is shrunk. */
function expose(pixels: Uint8ClampedArray, { camera }: Scene, k: number, s: number, seed: number, scale: number): void {
  const wave = camera.flickers === 'slow' ? Math.sin(2 * Math.PI * camera.shakes * 0.3 * s + seed) : (mix(seed + k) / 4294967296) * 2 - 1;
  const gain = 1 + camera.flicker * wave;
  const sigma = camera.noise * (0.3 + 0.7 * scale);
  if (gain === 1 && sigma < 0.3) return;
  const table = normals();
  const factor = sigma / 32;
  let at = mix(seed ^ Math.imul(k + 1, 0x9e3779b1)) & (noiseSize - 1);
  const stride = 3 * 97 + 2 * (k & 7); // rows start at other places of the table
  if (camera.gray) {
    for (let i = 0; i < pixels.length; i += 3) {
      const n = table[at] * factor;
      at = (at + (i % 4099 === 0 ? stride : 1)) & (noiseSize - 1);
      pixels[i] = pixels[i] * gain + n;
      pixels[i + 1] = pixels[i + 1] * gain + n;
      pixels[i + 2] = pixels[i + 2] * gain + n;
    }
  } else {
    for (let i = 0; i < pixels.length; i++) {
      pixels[i] = pixels[i] * gain + table[at] * factor;
      at = (at + (i % 4099 === 0 ? stride : 1)) & (noiseSize - 1);
    }
  }
}

function flip(pixels: Uint8ClampedArray, width: number, height: number): void {
  for (let y = 0; y < height; y++)
    for (let a = y * width * 3, b = a + (width - 1) * 3; a < b; a += 3, b -= 3)
      for (let c = 0; c < 3; c++) {
        const t = pixels[a + c];
        pixels[a + c] = pixels[b + c];
        pixels[b + c] = t;
      }
}
