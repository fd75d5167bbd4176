import { escape } from '../pages/html.ts';
import { colors, panel, smooth, type Point } from './chart.ts';
import type { MetricsLine } from './metrics.ts';

export type Curve = { label: string; lines: MetricsLine[] };

const W = 860, H = 420, left = 56, right = 16, top = 40, gap = 64, bottom = 36;

/** Loss (left) and held-out answer accuracy (right) of runs over their steps, as an SVG that needs nothing else. */
export function curveSvg(curves: Curve[], title = ''): string {
  const half = (W - left - right - gap) / 2;
  const place = { top, width: half, height: H - top - bottom };
  const steps = Math.max(1, ...curves.flatMap(({ lines }) => lines.map(({ step }) => step)));
  const losses = curves.map(({ lines }) => smooth(lines.filter((line) => 'loss' in line).map(({ step, loss }) => [step, loss])));
  const accuracies = curves.map(({ lines }) => lines.filter((line) => 'eval' in line).map(({ step, eval: e }): Point => [step, e.accuracy]));
  const highest = Math.max(0.1, ...losses.flat().map(([, loss]) => loss));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${W}" height="${H}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">${escape(title)}</text>`,
    panel({ ...place, x: left, steps, max: highest, name: 'training loss', format: (v) => v.toFixed(2), series: losses, dots: false }),
    panel({ ...place, x: left + half + gap, steps, max: 1, name: 'held-out answers right', format: (v) => v.toFixed(1), series: accuracies, dots: true }),
    ...curves.map(({ label }, i) => `<text x="${W - right - 8}" y="${top + 16 + 16 * i}" text-anchor="end" fill="${colors[i % colors.length]}">${escape(label)}</text>`),
    '</svg>\n',
  ].join('\n');
}
