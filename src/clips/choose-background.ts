import { blend, contrast, hsl, type Rgb } from './colors.ts';
import type { Random } from './random.ts';
import { extent, type Background, type Scene } from './scene.ts';

/** Colours at least this far from every actor's (CIE76 ΔE), so that each is seen and named without doubt. */
const enough = 38;

/** A background against which every actor of the scene stands out. */
export function chooseBackground(scene: Scene, r: Random): Background {
  const type = r.weighted({ plain: 18, gradient: 14, radial: 6, grain: 9, clouds: 12, stripes: 7, checker: 6, dots: 5, grid: 6, bricks: 4, horizon: 8, blobs: 5 });
  const base = tone(scene, r, enough + 6);
  let other = base;
  for (let i = 0; i < 40; i++) {
    const candidate = r.chance(0.6) ? blend(base, tone(scene, r, enough), r.range(0.15, 0.7)) : tone(scene, r, enough);
    if (stands(scene, candidate, enough) && stands(scene, blend(base, candidate, 0.5), enough)) {
      other = candidate;
      break;
    }
  }
  const { ey } = extent(scene);
  return {
    type,
    colors: [base, other],
    angle: r.chance(0.5) ? (r.int(0, 3) * Math.PI) / 2 : r.range(0, 2 * Math.PI),
    period: r.range(0.06, 0.3),
    level: ey * r.range(0.45, 0.85),
    soft: r.next(),
    seed: r.int(0, 1 << 30),
  };
}

/** Mostly muted tones, some black, white and gray, some strong colours. */
function tone(scene: Scene, r: Random, least: number): Rgb {
  let best: Rgb = [128, 128, 128];
  let reached = -1;
  for (let i = 0; i < 60; i++) {
    const kind = r.weighted({ muted: 50, gray: 25, strong: 15, end: 10 });
    const hue = r.range(0, 360);
    const color =
      kind === 'muted' ? hsl(hue, r.range(0.05, 0.45), r.range(0.08, 0.92)) : kind === 'gray' ? hsl(hue, r.range(0, 0.06), r.range(0.05, 0.98)) : kind === 'strong' ? hsl(hue, r.range(0.4, 0.9), r.range(0.2, 0.8)) : r.pick<Rgb>([[0, 0, 0], [255, 255, 255]]);
    const distance = Math.min(...scene.actors.map((a) => contrast(a.rgb, color)));
    if (distance >= least) return color;
    if (distance > reached) [best, reached] = [color, distance];
  }
  return best;
}

const stands = (scene: Scene, color: Rgb, least: number): boolean => scene.actors.every((a) => contrast(a.rgb, color) >= least);
