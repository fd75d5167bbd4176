import type { Random } from './random.ts';

/** Red, green, blue, each 0–255 (fractions allowed). */
export type Rgb = [number, number, number];

/** Ranges of hue (degrees), saturation and lightness that everyone would call by that name; the gaps between them are left out on purpose. */
const ranges = {
  red: { h: [350, 366], s: [0.75, 1], l: [0.4, 0.54] },
  orange: { h: [23, 37], s: [0.9, 1], l: [0.48, 0.56] },
  yellow: { h: [51, 60], s: [0.85, 1], l: [0.47, 0.62] },
  green: { h: [98, 148], s: [0.6, 1], l: [0.26, 0.5] },
  cyan: { h: [176, 188], s: [0.8, 1], l: [0.44, 0.62] },
  blue: { h: [215, 242], s: [0.7, 1], l: [0.4, 0.58] },
  purple: { h: [268, 287], s: [0.55, 0.95], l: [0.3, 0.5] },
  'purple ': { h: [288, 302], s: [0.6, 1], l: [0.22, 0.33] }, // the darker, redder kind
  pink: { h: [328, 348], s: [0.8, 1], l: [0.69, 0.84] },
  brown: { h: [16, 30], s: [0.5, 0.95], l: [0.2, 0.32] },
  white: { h: [0, 360], s: [0, 0.1], l: [0.95, 1] },
  black: { h: [0, 360], s: [0, 0.1], l: [0, 0.07] },
  gray: { h: [0, 360], s: [0, 0.04], l: [0.4, 0.62] },
} as const;

export type ColorName = Exclude<keyof typeof ranges, 'purple '>;
export const colorNames = Object.keys(ranges).filter((n) => n !== 'purple ') as ColorName[];

/** A colour of that name, varied in hue, saturation and lightness. */
export function colorOf(name: ColorName, random: Random): Rgb {
  const { h, s, l } = ranges[name === 'purple' && random.chance(0.35) ? 'purple ' : name];
  return hsl(random.range(h[0], h[1]), random.range(s[0], s[1]), random.range(l[0], l[1]));
}

/** HSL (hue in degrees, the others 0–1) to RGB. */
export function hsl(h: number, s: number, l: number): Rgb {
  const channel = (n: number): number => {
    const k = (((n + h / 30) % 12) + 12) % 12;
    return 255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

const linear = (v: number): number => (v <= 10.31 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);

/** sRGB to CIE L*a*b* (D65). */
export function lab([r, g, b]: Rgb): [number, number, number] {
  const [R, G, B] = [linear(r), linear(g), linear(b)];
  const x = f((0.4124 * R + 0.3576 * G + 0.1805 * B) / 0.9505);
  const y = f(0.2126 * R + 0.7152 * G + 0.0722 * B);
  const z = f((0.0193 * R + 0.1192 * G + 0.9505 * B) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Contrast of two colours: CIE76 ΔE (about 2 is just visible, 100 is black on white). */
export function contrast(a: Rgb, b: Rgb): number {
  const [p, q] = [lab(a), lab(b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/** a + (b − a)·t */
export function blend(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}
