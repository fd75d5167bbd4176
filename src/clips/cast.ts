import { colorNames, colorOf, contrast, hsl, type ColorName, type Rgb } from './colors.ts';
import { poseAt, type Motion, type Timing } from './motion.ts';
import type { Random } from './random.ts';
import { extent, type Actor, type Fill, type Scene } from './scene.ts';
import { shapeNames, shapes, type ShapeName } from './shapes.ts';

export type Wish = {
  /** Actors whose shape and colour it must not share. */
  not?: readonly Actor[];
  /** It will turn, and that must be seen. */
  turns?: boolean;
  /** From … to, in units of the frame's short side. */
  radius?: [number, number];
  /** How often it is so small that its shape is hard to tell, 0–1. */
  small?: number;
};

/** An actor with a look of its own and no place or motion yet. */
export function chooseActor(r: Random, { not = [], turns = false, radius = [0.09, 0.28], small = 0 }: Wish = {}): Actor {
  const names = shapeNames.filter((n) => !not.some((a) => a.shape === n) && (!turns || shapes[n].symmetry > 0 || r.chance(0.6)));
  const shape = r.weighted(Object.fromEntries(names.map((n) => [n, shapes[n].weight])) as Record<ShapeName, number>);
  const color = r.pick(colorNames.filter((n) => !not.some((a) => tooClose(a.color, n))));
  const rgb = colorOf(color, r);
  const [low, high] = r.chance(small) ? [0.06, shapes[shape].minRadius] : [Math.max(radius[0], shapes[shape].minRadius), Math.max(radius[1], shapes[shape].minRadius * 1.3)];
  const fill = chooseFill(r, shape, rgb, turns);
  const open = fill.type === 'outline' || shape === 'ring' || shape === 'crescent' || shape.startsWith('letter'); // a shadow would fill its gap
  return {
    shape,
    variant: r.int(0, 2),
    color,
    rgb,
    fill,
    round: r.chance(0.3) && !shape.startsWith('letter') ? r.range(0.02, 0.08) : 0,
    shadow: !open && r.chance(0.25) ? r.range(0.2, 0.5) : 0,
    radius: low + (high - low) * r.next() ** 1.3,
    x: 0,
    y: 0,
    angle: restAngle(r, shape, turns),
    motions: [],
  };
}

/** The same name, or names that a compressed small clip could confuse. */
function tooClose(a: ColorName, b: ColorName): boolean {
  const pairs = [['red', 'brown'], ['orange', 'brown'], ['white', 'gray'], ['black', 'gray'], ['black', 'brown'], ['pink', 'purple'], ['blue', 'purple'], ['orange', 'yellow'], ['red', 'orange'], ['cyan', 'blue']];
  return a === b || pairs.some((p) => p.includes(a) && p.includes(b));
}

function chooseFill(r: Random, shape: ShapeName, rgb: Rgb, turns: boolean): Fill {
  if (turns && shapes[shape].symmetry === 0) return { type: 'marked', color: markColor(r, rgb), mark: shape === 'ring' ? 'line' : r.pick(['spot', 'line'] as const) };
  const type = r.weighted({ solid: 40, outline: 12, bordered: 10, shaded: 16, striped: 7, dotted: 4, checked: 3, marked: 6 });
  switch (type) {
    case 'solid':
      return { type };
    case 'outline': // a thick outlined circle would be a ring, and thin shapes have no inside
      if (shape === 'ring' || shape === 'bar' || shape === 'crescent' || shape.startsWith('letter')) return { type: 'solid' };
      return { type, width: shape === 'circle' || shape === 'oval' ? r.range(0.1, 0.13) : r.range(0.14, 0.24) };
    case 'bordered':
      return { type, width: r.range(0.06, 0.12), color: r.chance(0.5) ? [20, 20, 20] : [240, 240, 240] };
    case 'shaded':
      return { type, angle: r.range(0, 2 * Math.PI), strength: r.range(0.12, 0.3) };
    case 'marked':
      return { type, color: markColor(r, rgb), mark: r.pick(['spot', 'line'] as const) };
    default:
      return { type, period: r.range(0.35, 0.7), angle: r.range(0, Math.PI), factor: r.chance(0.7) ? r.range(0.62, 0.8) : r.range(1.2, 1.4) };
  }
}

/** Black, white or a pale or dark tone, well told from the shape's own colour. */
function markColor(r: Random, rgb: Rgb): Rgb {
  for (let i = 0; i < 20; i++) {
    const color = r.chance(0.6) ? (r.chance(0.5) ? ([15, 15, 15] as Rgb) : ([245, 245, 245] as Rgb)) : hsl(r.range(0, 360), r.range(0, 0.5), r.pick([0.15, 0.85]));
    if (contrast(color, rgb) > 45) return color;
  }
  return contrast([0, 0, 0], rgb) > contrast([255, 255, 255], rgb) ? [0, 0, 0] : [255, 255, 255];
}

/** Upright, give or take; arrows and what has no upright stand at any angle, and what turns starts anywhere. */
function restAngle(r: Random, shape: ShapeName, turns: boolean): number {
  if (turns || shape === 'arrow' || shape === 'crescent' || shape === 'circle' || shape === 'ring') return r.range(-Math.PI, Math.PI);
  if (shape === 'bar' || shape === 'rectangle' || shape === 'oval') return (r.chance(0.5) ? 0 : Math.PI / 2) + r.range(-0.25, 0.25);
  if (shape === 'triangle' && r.chance(0.15)) return Math.PI + r.range(-0.15, 0.15);
  return r.chance(0.5) ? 0 : r.range(-0.2, 0.2);
}

/** A time for one motion: at least `least` of the clip. */
export function chooseTiming(r: Random, least = 0.35): Timing {
  const start = r.chance(0.4) ? 0 : r.range(0, Math.min(0.4, 1 - least));
  const end = r.chance(0.4) ? 1 : r.range(start + least, 1);
  return { start, end, ease: r.pick(['linear', 'linear', 'in', 'out', 'in-out', 'smooth'] as const), pause: r.chance(0.12) && end - start > 0.55 ? r.range(0.15, 0.35) : 0 };
}

/** Sometimes a small rocking or swaying on top of the action. */
export function maybeWobble(r: Random, along: 'x' | 'y' | 'angle'): Motion[] {
  if (r.chance(0.75)) return [];
  const size = r.range(0.006, 0.025);
  return [{ type: 'wobble', x: along === 'x' ? size : 0, y: along === 'y' ? size : 0, angle: along === 'angle' ? r.range(0.04, 0.14) : 0, swings: r.range(1, 4), phase: r.next() }];
}

/** Other things in the view that never move, away from every path; fewer when there is no room. */
export function addDistractors(scene: Scene, count: number, r: Random): void {
  const { ex, ey } = extent(scene);
  for (let n = 0; n < count; n++) {
    const actor = chooseActor(r, { not: scene.actors, radius: [0.08, 0.2] });
    for (let attempt = 0; attempt < 30; attempt++) {
      actor.x = r.range(0.6 * actor.radius, ex - 0.6 * actor.radius);
      actor.y = r.range(0.6 * actor.radius, ey - 0.6 * actor.radius);
      if (scene.actors.every((other) => distance(actor, other) > 0.95)) {
        scene.actors.push(actor);
        break;
      }
    }
  }
}

/** Smallest distance of two actors' centres over the clip, in units of the sum of their radii. */
export function distance(a: Actor, b: Actor): number {
  let least = Infinity;
  for (let i = 0; i <= 24; i++) {
    const [p, q] = [poseAt(a, i / 24), poseAt(b, i / 24)];
    least = Math.min(least, Math.hypot(p.x - q.x, p.y - q.y) / (a.radius * p.scale + b.radius * q.scale));
  }
  return least;
}

/** Whether a circle lies within the view, up to `out` radii over the edge. */
export function inView(scene: Scene, x: number, y: number, radius: number, out = 0): boolean {
  const { ex, ey } = extent(scene);
  const m = radius * (1 - out);
  return x >= m && x <= ex - m && y >= m && y <= ey - m;
}
