/** Percentages as bars, drawn in SVG with the page's colours: a group of bars per name, one for each run. */
import { html, type Html } from '../../pages/html.ts';
import { percent, wilson } from '../statistics.ts';

export type Bar = { right: number; counted: number };

const LABEL = 220, WIDTH = 360, NUMBER = 150, BAR = 14, GAP = 8;

/** @param rows a bar per run, null where a run has none  @param runs their names, for those who can't see it */
export function bars(title: string, rows: readonly { name: string; bars: readonly (Bar | null)[] }[], runs: readonly string[]): Html {
  const group = BAR * runs.length + GAP;
  const height = group * rows.length + GAP;
  const said = rows.map(({ name, bars: of }) => `${name}: ${of.map((bar, i) => `${runs.length > 1 ? `${runs[i]} ` : ''}${bar === null || bar.counted === 0 ? 'none' : `${percent(bar.right, bar.counted).toFixed(1)} %`}`).join(', ')}`).join('; ');
  return html`<svg class="bars" role="img" aria-label="${title}. ${said}" viewBox="0 0 ${LABEL + WIDTH + NUMBER} ${height}" width="${LABEL + WIDTH + NUMBER}" height="${height}">
<line class="axis" x1="${LABEL}" y1="0" x2="${LABEL}" y2="${height}"/><line class="grid" x1="${LABEL + WIDTH / 2}" y1="0" x2="${LABEL + WIDTH / 2}" y2="${height}"/><line class="grid" x1="${LABEL + WIDTH}" y1="0" x2="${LABEL + WIDTH}" y2="${height}"/>
${rows.map(({ name, bars: of }, i) => row(name, of, GAP + i * group, BAR * runs.length))}</svg>`;
}

function row(name: string, of: readonly (Bar | null)[], top: number, height: number): Html {
  const short = name.length > 34 ? `${name.slice(0, 33)}…` : name;
  return html`<text class="name" x="${LABEL - 8}" y="${top + height / 2}" text-anchor="end" dominant-baseline="middle">${short}<title>${name}</title></text>${of.map((bar, i) => bar !== null && bar.counted > 0 && one(bar, i, top + i * BAR))}
`;
}

/** The line over a bar's end is Wilson's 95 % interval. */
function one(bar: Bar, run: number, top: number): Html {
  const [low, high] = wilson(bar.right, bar.counted).map((p) => LABEL + (WIDTH * p) / 100);
  const middle = top + (BAR - 2) / 2;
  return html`<rect class="run${run % 6}" x="${LABEL}" y="${top}" width="${((WIDTH * percent(bar.right, bar.counted)) / 100).toFixed(1)}" height="${BAR - 2}"/><line class="interval" x1="${low.toFixed(1)}" x2="${high.toFixed(1)}" y1="${middle}" y2="${middle}"/><text class="number" x="${LABEL + WIDTH + 8}" y="${middle}" dominant-baseline="middle">${percent(bar.right, bar.counted).toFixed(1)} % of ${bar.counted}</text>`;
}
