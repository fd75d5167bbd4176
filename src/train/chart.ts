/** Lines over the steps of runs, as parts of an SVG. */
export type Point = [step: number, value: number];

export type Panel = {
  /** Where the axes stand in the picture. */
  x: number; top: number; width: number; height: number;
  /** Ends of the axes; both begin at 0. */
  steps: number; max: number;
  name: string;
  /** How the numbers at the axis are written. */
  format: (value: number) => string;
  series: Point[][];
  dots: boolean;
};

export const colors = ['#2563eb', '#dc2626', '#059669', '#9333ea', '#d97706', '#0891b2'];

export function panel({ x, top, width, height, steps, max, name, format, series, dots }: Panel): string {
  const px = (step: number) => (x + (step / steps) * width).toFixed(1);
  const py = (value: number) => (top + height - (Math.min(value, max) / max) * height).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return [
    ...ticks.map((t) => `<path d="M${x} ${py(t * max)}h${width}" stroke="#ddd"/><text x="${x - 6}" y="${Number(py(t * max)) + 4}" text-anchor="end" fill="#555">${format(t * max)}</text>`),
    ...ticks.map((t) => `<text x="${px(t * steps)}" y="${top + height + 16}" text-anchor="middle" fill="#555">${Math.round(t * steps)}</text>`),
    `<text x="${x}" y="${top - 8}" fill="#333">${name}</text>`,
    ...series.map((points, i) => `<polyline fill="none" stroke="${colors[i % colors.length]}" stroke-width="1.5" points="${points.map(([s, v]) => `${px(s)},${py(v)}`).join(' ')}"/>`),
    ...(dots ? series.flatMap((points, i) => points.map(([s, v]) => `<circle cx="${px(s)}" cy="${py(v)}" r="2" fill="${colors[i % colors.length]}"/>`)) : []),
  ].join('\n');
}

/** Means of at most 200 stretches: single steps are noise. */
export function smooth(points: Point[]): Point[] {
  const size = Math.max(1, Math.ceil(points.length / 200));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const part = points.slice(i * size, (i + 1) * size);
    return [part[part.length - 1][0], part.reduce((sum, [, v]) => sum + v, 0) / part.length];
  });
}
