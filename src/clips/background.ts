import { blend, type Rgb } from './colors.ts';
import { mix } from './random.ts';
import type { Background } from './scene.ts';

/** Draws the background into `out` [height, width, 3]; pixel (x, y) shows the point (x0 + (x + ½)/sx, y0 + (y + ½)/sy) of the scene. */
export function drawBackground(out: Uint8ClampedArray, width: number, height: number, view: { x0: number; y0: number; sx: number; sy: number; ex: number; ey: number; vignette: number }, background: Background): void {
  const { colors } = background;
  const weight = weightOf(background, view.ex, view.ey);
  const table = palette(colors);
  const [cx, cy] = [view.ex / 2, view.ey / 2];
  const far = cx * cx + cy * cy;
  for (let y = 0, i = 0; y < height; y++) {
    const Y = view.y0 + (y + 0.5) / view.sy;
    for (let x = 0; x < width; x++, i += 3) {
      const X = view.x0 + (x + 0.5) / view.sx;
      const w = weight(X, Y);
      const k = 3 * Math.round(255 * Math.min(1, Math.max(0, w)));
      const dim = view.vignette > 0 ? 1 - (view.vignette * ((X - cx) ** 2 + (Y - cy) ** 2)) / far : 1;
      out[i] = table[k] * dim;
      out[i + 1] = table[k + 1] * dim;
      out[i + 2] = table[k + 2] * dim;
    }
  }
}

function palette([a, b]: [Rgb, Rgb]): Float32Array {
  const table = new Float32Array(256 * 3);
  for (let k = 0; k < 256; k++) table.set(blend(a, b, k / 255), 3 * k);
  return table;
}

/** 0 before an edge, 1 behind it, soft over `width`; d: signed distance. */
const edge = (d: number, width: number): number => Math.min(1, Math.max(0, 0.5 + d / Math.max(width, 1e-3)));

/** How much of the second colour there is at a point, 0–1. */
function weightOf({ type, angle, period, level, soft, seed }: Background, ex: number, ey: number): (x: number, y: number) => number {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const blur = 0.01 + 0.3 * soft * soft;
  switch (type) {
    case 'gradient': {
      const reach = (Math.abs(c) * ex + Math.abs(s) * ey) / 2;
      return (x, y) => 0.5 + ((x - ex / 2) * c + (y - ey / 2) * s) / (2 * reach);
    }
    case 'radial': {
      const [cx, cy] = [ex * (0.2 + 0.6 * grain(seed, 1, 2)), ey * (0.2 + 0.6 * grain(seed, 3, 4))];
      return (x, y) => Math.hypot(x - cx, y - cy) / (0.8 * Math.hypot(ex, ey));
    }
    case 'clouds':
      return (x, y) => 0.55 * valueNoise(seed, x / period, y / period) + 0.3 * valueNoise(seed + 1, (2 * x) / period, (2 * y) / period) + 0.15 * valueNoise(seed + 2, (4 * x) / period, (4 * y) / period);
    case 'stripes':
      return (x, y) => edge(Math.sin((2 * Math.PI * (x * c + y * s)) / (2 * period)), blur * 4);
    case 'checker':
      return (x, y) => edge(Math.sin((Math.PI * (x * c + y * s)) / period) * Math.sin((Math.PI * (y * c - x * s)) / period), blur * 2);
    case 'dots':
      return (x, y) => edge(0.3 - Math.hypot(fold((x * c + y * s) / period), fold((y * c - x * s) / period)), blur);
    case 'grid':
      return (x, y) => edge(0.08 - Math.min(Math.abs(fold((x * c + y * s) / period)), Math.abs(fold((y * c - x * s) / period))), blur * 0.5);
    case 'bricks': {
      const tall = period * 0.5;
      return (x, y) => {
        const row = Math.floor(y / tall);
        const joint = Math.min(0.5 - Math.abs(fold(y / tall)), (0.5 - Math.abs(fold(x / period + (row & 1) / 2))) * 2);
        return edge(0.07 - joint, 0.03) * 0.8 + 0.2 * grain(seed, Math.floor(x / period + (row & 1) / 2 + 0.5), row);
      };
    }
    case 'grain': {
      const cell = period * 0.1;
      return (x, y) => grain(seed, Math.floor(x / cell), Math.floor(y / cell));
    }
    case 'horizon':
      return (_, y) => edge(y - level, 0.004 + 0.1 * soft * soft);
    case 'blobs':
      return (x, y) => edge(valueNoise(seed, x / (2 * period), y / (2 * period)) - 0.5, 0.02 + 0.3 * soft);
    default:
      return () => 0;
  }
}

/** Distance to the nearest integer with its sign: −½ … ½. */
const fold = (t: number): number => t - Math.floor(t + 0.5);

/** A fixed random number in [0, 1) for a cell. */
export const grain = (seed: number, x: number, y: number): number => mix((seed + Math.imul(x, 0x9e3779b1) + Math.imul(y, 0x85ebca77)) | 0) / 4294967296;

/** Smoothly interpolated random values on a lattice, 0–1. */
function valueNoise(seed: number, x: number, y: number): number {
  const [ix, iy] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - ix, y - iy];
  const [u, v] = [fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)];
  const top = grain(seed, ix, iy) * (1 - u) + grain(seed, ix + 1, iy) * u;
  const bottom = grain(seed, ix, iy + 1) * (1 - u) + grain(seed, ix + 1, iy + 1) * u;
  return top * (1 - v) + bottom * v;
}
