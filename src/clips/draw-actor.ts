import { grain } from './background.ts';
import type { Rgb } from './colors.ts';
import type { Pose } from './motion.ts';
import type { Actor } from './scene.ts';
import { field, fieldSize, fieldSpan } from './shapes.ts';

/** The point of the scene at the image's top left corner, and pixels per unit. */
export type View = { x0: number; y0: number; sx: number; sy: number };

/** Blends an actor into `out` [height, width, 3], antialiased, touching its bounding box only. */
export function drawActor(out: Uint8ClampedArray, width: number, height: number, view: View, actor: Actor, pose: Pose): void {
  if (pose.alpha <= 0) return;
  const radius = actor.radius * pose.scale;
  if (actor.shadow > 0) drawShadow(out, width, height, view, actor, pose, radius);
  const { sx, sy } = view;
  const perUnit = Math.sqrt(sx * sy) * radius; // pixels per radius
  const [cos, sin] = [Math.cos(pose.angle), Math.sin(pose.angle)];
  const table = field(actor.shape, actor.variant);
  const shade = shader(actor, radius);
  const ring = actor.fill.type === 'outline' ? actor.fill.width : 0;
  const box = bounds(width, height, view, pose.x, pose.y, radius * 1.04);
  const cells = fieldSize / (2 * fieldSpan);
  for (let y = box.top; y < box.bottom; y++) {
    const dy = (view.y0 + (y + 0.5) / sy - pose.y) / radius;
    for (let x = box.left; x < box.right; x++) {
      const dx = (view.x0 + (x + 0.5) / sx - pose.x) / radius;
      const u = cos * dx + sin * dy;
      const v = cos * dy - sin * dx;
      const fx = Math.min(fieldSize - 1.001, Math.max(0, (u + fieldSpan) * cells - 0.5));
      const fy = Math.min(fieldSize - 1.001, Math.max(0, (v + fieldSpan) * cells - 0.5));
      const at = (fy | 0) * fieldSize + (fx | 0);
      const [tx, ty] = [fx - (fx | 0), fy - (fy | 0)];
      const top = table[at] + (table[at + 1] - table[at]) * tx;
      const bottom = table[at + fieldSize] + (table[at + fieldSize + 1] - table[at + fieldSize]) * tx;
      let d = top + (bottom - top) * ty - actor.round; // in radii, negative inside
      const inner = d;
      if (ring > 0) d = Math.abs(d + ring) - ring;
      let cover = 0.5 - d * perUnit;
      if (cover <= 0) continue;
      if (cover > 1) cover = 1;
      cover *= pose.alpha * (pose.reveal ? revealed(pose.reveal, dx, dy, perUnit) : 1);
      if (cover <= 0) continue;
      const color = shade(u, v, dx, dy, inner);
      const i = (y * width + x) * 3;
      out[i] += (color[0] - out[i]) * cover;
      out[i + 1] += (color[1] - out[i + 1]) * cover;
      out[i + 2] += (color[2] - out[i + 2]) * cover;
    }
  }
}

function bounds(width: number, height: number, { x0, y0, sx, sy }: View, x: number, y: number, radius: number): { left: number; right: number; top: number; bottom: number } {
  return {
    left: Math.max(0, Math.floor((x - radius - x0) * sx) - 1),
    right: Math.min(width, Math.ceil((x + radius - x0) * sx) + 1),
    top: Math.max(0, Math.floor((y - radius - y0) * sy) - 1),
    bottom: Math.min(height, Math.ceil((y + radius - y0) * sy) + 1),
  };
}

/** A round soft shadow a little below. */
function drawShadow(out: Uint8ClampedArray, width: number, height: number, view: View, actor: Actor, pose: Pose, radius: number): void {
  const [cx, cy, reach] = [pose.x + 0.12 * radius, pose.y + 0.16 * radius, radius * 1.15];
  const shown = pose.alpha * (pose.reveal?.amount ?? 1) * actor.shadow;
  const box = bounds(width, height, view, cx, cy, reach);
  for (let y = box.top; y < box.bottom; y++) {
    const dy = (view.y0 + (y + 0.5) / view.sy - cy) / reach;
    for (let x = box.left; x < box.right; x++) {
      const dx = (view.x0 + (x + 0.5) / view.sx - cx) / reach;
      const fall = 1 - dx * dx - dy * dy;
      if (fall <= 0) continue;
      const keep = 1 - shown * fall;
      const i = (y * width + x) * 3;
      out[i] *= keep;
      out[i + 1] *= keep;
      out[i + 2] *= keep;
    }
  }
}

/** Part of a pixel that a wipe or dissolve shows; (dx, dy) on the screen in radii. */
function revealed({ style, angle, amount }: NonNullable<Pose['reveal']>, dx: number, dy: number, perUnit: number): number {
  if (style === 'wipe') return Math.min(1, Math.max(0, 0.5 + (2 * amount - 1 - (dx * Math.cos(angle) + dy * Math.sin(angle))) * perUnit));
  return grain(17, Math.floor(dx * 9 + 100), Math.floor(dy * 9 + 100)) < amount ? 1 : 0;
}

type Shade = (u: number, v: number, dx: number, dy: number, d: number) => Rgb;

/** Colour at a point: (u, v) in the shape's own frame, (dx, dy) on the screen, all in radii; d the distance to its edge. */
function shader({ fill, rgb }: Actor, radius: number): Shade {
  switch (fill.type) {
    case 'solid':
    case 'outline':
      return () => rgb;
    case 'bordered': {
      const width = Math.max(fill.width, 0.012 / radius);
      return (_u, _v, _dx, _dy, d) => (d > -width ? fill.color : rgb);
    }
    case 'shaded': { // light from one side, which does not turn with the shape
      const [lx, ly] = [Math.cos(fill.angle) * fill.strength, Math.sin(fill.angle) * fill.strength];
      const color: Rgb = [0, 0, 0];
      return (_u, _v, dx, dy) => {
        const m = 1 - fill.strength * 0.3 - dx * lx - dy * ly;
        for (let c = 0; c < 3; c++) color[c] = rgb[c] * m;
        return color;
      };
    }
    case 'marked':
      if (fill.mark === 'spot') return (u, v) => (u * u + (v + 0.5) * (v + 0.5) < 0.06 ? fill.color : rgb);
      return (u, v) => (Math.abs(u) < 0.12 && v < 0 ? fill.color : rgb);
    default: {
      const [c, s] = [Math.cos(fill.angle) / fill.period, Math.sin(fill.angle) / fill.period];
      const second = rgb.map((v) => Math.min(255, v * fill.factor)) as Rgb;
      if (fill.type === 'striped') return (u, v) => (fraction(u * c + v * s) < 0.5 ? rgb : second);
      if (fill.type === 'checked') return (u, v) => (fraction(u * c + v * s) < 0.5 === fraction(v * c - u * s) < 0.5 ? rgb : second);
      return (u, v) => ((fraction(u * c + v * s) - 0.5) ** 2 + (fraction(v * c - u * s) - 0.5) ** 2 < 0.09 ? second : rgb);
    }
  }
}

const fraction = (t: number): number => t - Math.floor(t);
