import type { EvalMetrics, StepMetrics } from './metrics.ts';

export type Curve = { label: string; lines: (StepMetrics | EvalMetrics)[] };

const W = 860, H = 420, left = 56, right = 16, top = 40, gap = 64, bottom = 36;
const colors = ['#2563eb', '#dc2626', '#059669', '#9333ea', '#d97706', '#0891b2'];

/** Loss (left) and held-out answer accuracy (right) of runs over their steps, as an SVG that needs nothing else. */
export function curveSvg(curves: Curve[], title = ''): string {
  const half = (W - left - right - gap) / 2;
  const steps = Math.max(1, ...curves.flatMap(({ lines }) => lines.map(({ step }) => step)));
  const losses = curves.map(({ lines }) => smooth(lines.filter((line) => 'loss' in line).map(({ step, loss }) => [step, loss])));
  const accuracies = curves.map(({ lines }) => lines.filter((line) => 'eval' in line).map(({ step, eval: e }): Point => [step, e.accuracy]));
  const highest = Math.max(0.1, ...losses.flat().map(([, loss]) => loss));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${W}" height="${H}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">${escape(title)}</text>`,
    panel({ x: left, width: half, steps, max: highest, name: 'training loss', digits: 2, series: losses, dots: false }),
    panel({ x: left + half + gap, width: half, steps, max: 1, name: 'held-out answers right', digits: 1, series: accuracies, dots: true }),
    ...curves.map(({ label }, i) => `<text x="${W - right - 8}" y="${top + 16 + 16 * i}" text-anchor="end" fill="${colors[i % colors.length]}">${escape(label)}</text>`),
    '</svg>\n',
  ].join('\n');
}

type Point = [step: number, value: number];
type Panel = { x: number; width: number; steps: number; max: number; name: string; digits: number; series: Point[][]; dots: boolean };

function panel({ x, width, steps, max, name, digits, series, dots }: Panel): string {
  const height = H - top - bottom;
  const px = (step: number) => (x + (step / steps) * width).toFixed(1);
  const py = (value: number) => (top + height - (Math.min(value, max) / max) * height).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return [
    ...ticks.map((t) => `<path d="M${x} ${py(t * max)}h${width}" stroke="#ddd"/><text x="${x - 6}" y="${Number(py(t * max)) + 4}" text-anchor="end" fill="#555">${(t * max).toFixed(digits)}</text>`),
    ...ticks.map((t) => `<text x="${px(t * steps)}" y="${H - bottom + 16}" text-anchor="middle" fill="#555">${Math.round(t * steps)}</text>`),
    `<text x="${x}" y="${top - 8}" fill="#333">${name}</text>`,
    ...series.map((points, i) => `<polyline fill="none" stroke="${colors[i % colors.length]}" stroke-width="1.5" points="${points.map(([s, v]) => `${px(s)},${py(v)}`).join(' ')}"/>`),
    ...(dots ? series.flatMap((points, i) => points.map(([s, v]) => `<circle cx="${px(s)}" cy="${py(v)}" r="2" fill="${colors[i % colors.length]}"/>`)) : []),
  ].join('\n');
}

/** Means of at most 200 stretches: single steps are noise. */
function smooth(points: Point[]): Point[] {
  const size = Math.max(1, Math.ceil(points.length / 200));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const part = points.slice(i * size, (i + 1) * size);
    return [part[part.length - 1][0], part.reduce((sum, [, v]) => sum + v, 0) / part.length];
  });
}

const escape = (text: string) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
