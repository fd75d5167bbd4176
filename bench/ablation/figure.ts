/** The grid as a picture: a panel for each measure, a line for each arm, a dot for each seed, a bar at their mean; dashed, the base as it is. */
import { escape } from '../../src/pages/html.ts';
import { byArm, measuresOf, percentOf, spread, type Measure, type Results } from './results.ts';

const LABEL = 150, PANEL = 140, GAP = 22, ROW = 24, TOP = 56, BOTTOM = 34;

/** An SVG that needs nothing else. */
export function figure({ base, runs }: Pick<Results, 'base' | 'runs'>): string {
  const arms = byArm(runs), measures = measuresOf(base);
  const width = LABEL + measures.length * (PANEL + GAP), height = TOP + arms.length * ROW + BOTTOM;
  const middle = (i: number) => TOP + i * ROW + ROW / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>Answers right in percent, by arm and seed</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...arms.map(([arm], i) => `<text x="${LABEL - 12}" y="${middle(i) + 4}" text-anchor="end" fill="#333">${escape(arm)}</text>`),
    ...measures.map((measure, i) => panel(measure, LABEL + i * (PANEL + GAP), { base, arms, middle })),
    `<text x="${LABEL}" y="18" fill="#333">answers right, %: a dot for each seed, a bar at their mean; dashed: the base as it is. Axes differ.</text>`,
    '</svg>\n',
  ].join('\n');
}

function panel(measure: Measure, x: number, { base, arms, middle }: { base: Results['base']; arms: ReturnType<typeof byArm>; middle: (i: number) => number }): string {
  const values = arms.map(([, of]) => of.map(({ evaluation }) => percentOf(measure, evaluation)));
  const unchanged = percentOf(measure, base);
  const [low, high] = range([unchanged, ...values.flat()]);
  const at = (value: number) => (x + ((value - low) / (high - low)) * PANEL).toFixed(1);
  const end = middle(arms.length - 1) + ROW / 2;
  return [
    `<text x="${x}" y="${TOP - 12}" fill="#333">${escape(measure.name)}</text>`,
    ...[low, (low + high) / 2, high].map((tick) => `<path d="M${at(tick)} ${TOP}V${end}" stroke="#ddd"/><text x="${at(tick)}" y="${end + 16}" text-anchor="middle" fill="#555">${tick}</text>`),
    `<path d="M${at(unchanged)} ${TOP}V${end}" stroke="#555" stroke-dasharray="3 3"/>`,
    ...values.flatMap((of, i) => [
      ...of.map((value) => `<circle cx="${at(value)}" cy="${middle(i)}" r="3" fill="#2563eb" fill-opacity="0.45"/>`),
      `<path d="M${at(spread(of).mean)} ${middle(i) - 8}v16" stroke="#2563eb" stroke-width="2"/>`,
    ]),
  ].join('\n');
}

/** Tens around the values. */
function range(values: readonly number[]): [low: number, high: number] {
  const low = Math.max(0, Math.floor((Math.min(...values) - 0.5) / 10) * 10), high = Math.min(100, Math.ceil((Math.max(...values) + 0.5) / 10) * 10);
  return [low, high > low ? high : low + 10];
}
