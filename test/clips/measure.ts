import type { Rgb } from '../../src/clips/colors.ts';
import { renderFrames } from '../../src/clips/raster.ts';
import { evenFrames, type Scene } from '../../src/clips/scene.ts';

/** What pixels say about the actors, by a way of its own: the scene is drawn with and without its cast and the difference is measured. */
export type Seen = { area: number; x: number; y: number; /** the actor's own colours on nothing, [size, size, 3] */ picture: Float32Array };

export const size = 112;

/** The scene before a plain wall that nothing on it looks like, from a calm tripod, with one actor of the cast alone or all of them. */
function calm(scene: Scene, actors: Scene['actors']): Scene {
  const camera = { noise: 0, gray: true, shake: 0, shakes: 1, flicker: 0, flickers: 'slow', vignette: 0 } as const;
  const colors = scene.actors.flatMap((a) => ('color' in a.fill ? [a.rgb, a.fill.color] : [a.rgb]));
  const apart = (wall: Rgb): number => Math.min(...colors.map((c) => Math.hypot(...c.map((v, i) => v - wall[i]))));
  const wall = ([[0, 0, 0], [255, 0, 255], [0, 255, 255], [255, 255, 255], [0, 0, 128], [128, 128, 0]] as Rgb[]).toSorted((a, b) => apart(b) - apart(a))[0];
  return { ...scene, background: { ...scene.background, type: 'plain', colors: [wall, wall] }, camera, actors: actors.map((a) => ({ ...a, shadow: 0 })), cast: actors.length };
}

/** Measures 16 even frames: area (in pixels, weighted by how far a pixel is from what lies behind) and centroid in pixels. */
export function look(scene: Scene, actors = scene.actors.slice(0, scene.cast)): Seen[] {
  const indices = evenFrames(scene.frames, 16);
  const plain = calm(scene, actors);
  const full = renderFrames(plain, indices, size, size);
  const [wall] = plain.background.colors;
  return indices.map((_, f) => {
    const picture = new Float32Array(size * size * 3);
    let [area, sx, sy] = [0, 0, 0];
    for (let i = 0; i < size * size; i++) {
      const at = (f * size * size + i) * 3;
      const w = Math.min(1, [0, 1, 2].reduce((sum, c) => sum + Math.abs(full[at + c] - wall[c]), 0) / 60);
      for (let c = 0; c < 3; c++) picture[i * 3 + c] = w * (96 + full[at + c]);
      area += w;
      sx += w * (i % size);
      sy += w * Math.floor(i / size);
    }
    return { area, x: sx / area, y: sy / area, picture };
  });
}

/** Clockwise turn from one frame to the next in degrees: the shift at which two pictures, sampled on rings around the centroid, agree best. */
export function turned(a: Seen, b: Seen, most: number): number {
  const [steps, rings] = [240, 12];
  const ring = (s: Seen): Float32Array => {
    const out = new Float32Array(rings * steps * 3);
    for (let r = 0; r < rings; r++)
      for (let k = 0; k < steps; k++) {
        const radius = (r + 1) * 3;
        const [x, y] = [Math.round(s.x + radius * Math.cos((2 * Math.PI * k) / steps)), Math.round(s.y + radius * Math.sin((2 * Math.PI * k) / steps))];
        if (x >= 0 && y >= 0 && x < size && y < size) out.set(s.picture.subarray((y * size + x) * 3, (y * size + x) * 3 + 3), (r * steps + k) * 3);
      }
    return out;
  };
  const [p, q] = [ring(a), ring(b)];
  let [best, least] = [0, Infinity];
  const reach = Math.floor((most / 360) * steps);
  for (let shift = -reach; shift <= reach; shift++) {
    let error = 0;
    for (let r = 0; r < rings; r++)
      for (let k = 0; k < steps; k++)
        for (let c = 0; c < 3; c++) error += (p[(r * steps + k) * 3 + c] - q[(r * steps + ((k + shift + steps) % steps)) * 3 + c]) ** 2;
    if (error < least) [best, least] = [shift, error];
  }
  return (best * 360) / steps;
}

/** Clockwise turn of a mark around the figure's centre, degrees from frame to frame: the centroid of the pixels nearer to the mark's colour than to the figure's. */
export function markTurned(a: Seen, b: Seen, mark: readonly number[], body: readonly number[]): number {
  const angle = (s: Seen): number => {
    let [x, y] = [0, 0];
    for (let i = 0; i < size * size; i++) {
      const rgb = Array.from(s.picture.subarray(3 * i, 3 * i + 3), (v) => v - 96);
      const apart = (color: readonly number[]): number => Math.hypot(...rgb.map((v, c) => v - color[c]));
      if (apart(mark) > 60 || apart(mark) > apart(body)) continue;
      x += (i % size) - s.x;
      y += Math.floor(i / size) - s.y;
    }
    return Math.atan2(y, x);
  };
  const by = angle(b) - angle(a);
  return (Math.atan2(Math.sin(by), Math.cos(by)) * 180) / Math.PI;
}
