/** The shapes as signed distance fields in a unit frame: bounding circle of radius 1 around (0, 0), y downwards, negative inside. */

type Point = readonly [number, number];
type Distance = (u: number, v: number) => number;
type Shape = {
  /** Rotating by this many degrees maps the shape onto itself; 0: any angle does (its turning can't be seen without a mark). */
  symmetry: number;
  /** Smallest radius, in units of the frame's short side, at which it is well told from the other shapes. */
  minRadius: number;
  /** How often it is drawn relative to the others. */
  weight: number;
  /** Signed distance for a variant in [0, 1] (proportions). */
  distance(variant: number): Distance;
};

const turn = 2 * Math.PI;
const polar = (r: number, degrees: number): Point => [r * Math.sin((degrees / 360) * turn), -r * Math.cos((degrees / 360) * turn)];
const regular = (n: number, offset = 0): Point[] => Array.from({ length: n }, (_, i) => polar(1, offset + (360 * i) / n));
const arc = (cx: number, cy: number, r: number, from: number, to: number, n: number): Point[] =>
  Array.from({ length: n + 1 }, (_, i) => polar(r, from + ((to - from) * i) / n)).map(([x, y]) => [cx + x, cy + y] as Point);
const box = (a: number): Point[] => [[-1, -a], [1, -a], [1, a], [-1, a]];
const lerp = (a: number, b: number, t: number): number => a + (b - a) * t;

/** Each with the vertical mirror image of itself, so that mirrored clips keep their names. */
export const shapes = {
  circle: { symmetry: 0, minRadius: 0.1, weight: 2, distance: () => (u, v) => Math.hypot(u, v) - 1 },
  square: { symmetry: 90, minRadius: 0.12, weight: 2, distance: () => polygon(box(1)) },
  triangle: { symmetry: 120, minRadius: 0.12, weight: 2, distance: (t) => polygon(t < 0.6 ? regular(3) : [[0, -1.25], [0.8, 0.85], [-0.8, 0.85]]) },
  star: { symmetry: 72, minRadius: 0.14, weight: 2, distance: (t) => polygon(regular(10).map(([x, y], i) => (i % 2 ? [x * lerp(0.38, 0.5, t), y * lerp(0.38, 0.5, t)] : [x, y]) as Point)) },
  arrow: { symmetry: 360, minRadius: 0.13, weight: 2, distance: (t) => polygon(arrow(lerp(0.6, 0.85, t), lerp(0.22, 0.32, t), lerp(-0.1, 0.1, t))) },
  heart: { symmetry: 360, minRadius: 0.13, weight: 1.2, distance: () => polygon(heart()) },
  diamond: { symmetry: 180, minRadius: 0.14, weight: 1.2, distance: (t) => polygon([[0, -1], [lerp(0.55, 0.75, t), 0], [0, 1], [-lerp(0.55, 0.75, t), 0]]) },
  pentagon: { symmetry: 72, minRadius: 0.17, weight: 1, distance: () => polygon(regular(5)) },
  hexagon: { symmetry: 60, minRadius: 0.18, weight: 1, distance: (t) => polygon(regular(6, t < 0.5 ? 0 : 30)) },
  cross: { symmetry: 90, minRadius: 0.12, weight: 1.5, distance: (t) => polygon(plus(lerp(0.24, 0.36, t))) },
  ring: { symmetry: 0, minRadius: 0.13, weight: 1.2, distance: (t) => { const w = lerp(0.18, 0.26, t); return (u, v) => Math.abs(Math.hypot(u, v) - 1 + w) - w; } },
  crescent: { symmetry: 360, minRadius: 0.14, weight: 1, distance: (t) => polygon(crescent(lerp(0.35, 0.5, t))) },
  rectangle: { symmetry: 180, minRadius: 0.13, weight: 1.2, distance: (t) => polygon(box(lerp(0.45, 0.62, t))) },
  bar: { symmetry: 180, minRadius: 0.15, weight: 1, distance: (t) => polygon(box(lerp(0.16, 0.24, t))) },
  oval: { symmetry: 180, minRadius: 0.14, weight: 1, distance: (t) => polygon(regular(48).map(([x, y]) => [x, y * lerp(0.5, 0.66, t)] as Point)) },
  semicircle: { symmetry: 360, minRadius: 0.14, weight: 0.8, distance: () => polygon(arc(0, 0.45, 1, -90, 90, 32)) },
  'letter T': { symmetry: 360, minRadius: 0.14, weight: 0.8, distance: (t) => polygon(letterT(lerp(0.2, 0.28, t))) },
  'letter H': { symmetry: 180, minRadius: 0.15, weight: 0.6, distance: (t) => polygon(letterH(lerp(0.18, 0.24, t))) },
  'letter U': { symmetry: 360, minRadius: 0.15, weight: 0.6, distance: (t) => polygon(letterU(lerp(0.36, 0.46, t))) },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;
export const shapeNames = Object.keys(shapes) as ShapeName[];

function arrow(head: number, shaft: number, neck: number): Point[] {
  return [[1, 0], [neck, -head], [neck, -shaft], [-1, -shaft], [-1, shaft], [neck, shaft], [neck, head]];
}

/** The well-known heart curve x = 16 sin³t, y = 13 cos t − 5 cos 2t − 2 cos 3t − cos 4t. */
function heart(): Point[] {
  return Array.from({ length: 48 }, (_, i) => {
    const t = (i / 48) * turn;
    return [16 * Math.sin(t) ** 3, -(13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t)) - 2] as Point;
  });
}

function plus(a: number): Point[] {
  return [[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a], [-1, -a], [-a, -a]];
}

/** The unit disc less a disc of radius 0.85 around (d, 0): outer arc on the left, inner arc back. */
function crescent(d: number): Point[] {
  const r = 0.85;
  const x = (1 - r * r + d * d) / (2 * d); // where both circles meet
  const outer = (Math.atan2(Math.sqrt(1 - x * x), x) / turn) * 360;
  const inner = (Math.atan2(Math.sqrt(1 - x * x), x - d) / turn) * 360;
  const at = (cx: number, radius: number, degrees: number): Point => [cx + radius * Math.cos((degrees / 360) * turn), radius * Math.sin((degrees / 360) * turn)];
  return [
    ...Array.from({ length: 33 }, (_, i) => at(0, 1, outer + ((360 - 2 * outer) * i) / 32)),
    ...Array.from({ length: 31 }, (_, i) => at(d, r, 360 - inner - ((360 - 2 * inner) * (i + 1)) / 32)),
  ];
}

function letterT(a: number): Point[] {
  return [[-0.85, -1], [0.85, -1], [0.85, -1 + 2 * a], [a, -1 + 2 * a], [a, 1], [-a, 1], [-a, -1 + 2 * a], [-0.85, -1 + 2 * a]];
}

function letterH(a: number): Point[] {
  const w = 0.75;
  return [[-w, -1], [-w + 2 * a, -1], [-w + 2 * a, -a], [w - 2 * a, -a], [w - 2 * a, -1], [w, -1], [w, 1], [w - 2 * a, 1], [w - 2 * a, a], [-w + 2 * a, a], [-w + 2 * a, 1], [-w, 1]];
}

function letterU(a: number): Point[] {
  const w = 0.8;
  return [[-w, -1], [-w + a, -1], [-w + a, 1 - a], [w - a, 1 - a], [w - a, -1], [w, -1], [w, 1], [-w, 1]];
}

/** Signed distance to a polygon, scaled to the unit circle: nearest edge, sign by crossings. */
function polygon(points: readonly Point[]): Distance {
  const size = Math.max(...points.map(([x, y]) => Math.hypot(x, y)));
  const p = points.map(([x, y]) => [x / size, y / size] as const);
  return (u, v) => {
    let nearest = Infinity;
    let inside = false;
    for (let i = 0, j = p.length - 1; i < p.length; j = i++) {
      const [ax, ay] = p[i];
      const ex = p[j][0] - ax;
      const ey = p[j][1] - ay;
      const wx = u - ax;
      const wy = v - ay;
      const t = Math.min(1, Math.max(0, (wx * ex + wy * ey) / (ex * ex + ey * ey)));
      nearest = Math.min(nearest, (wx - ex * t) ** 2 + (wy - ey * t) ** 2);
      if (ay > v !== p[j][1] > v && u < ax + (ex * (v - ay)) / ey) inside = !inside;
    }
    return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
  };
}

/** Cells per side of a distance table, and the half width that it spans. */
export const fieldSize = 192;
export const fieldSpan = 1.25;
const fields = new Map<string, Float32Array>();

/** The distance sampled on a grid over [−fieldSpan, fieldSpan]², made once per shape and variant (0, 1, 2). */
export function field(name: ShapeName, variant: number): Float32Array {
  const key = `${name}/${variant}`;
  let table = fields.get(key);
  if (!table) {
    const distance = (shapes[name] as Shape).distance(variant / 2);
    table = new Float32Array(fieldSize * fieldSize);
    for (let y = 0, i = 0; y < fieldSize; y++)
      for (let x = 0; x < fieldSize; x++, i++)
        table[i] = distance(((x + 0.5) / fieldSize * 2 - 1) * fieldSpan, ((y + 0.5) / fieldSize * 2 - 1) * fieldSpan);
    fields.set(key, table);
  }
  return table;
}
