/** The numbers of a report: per task and category, beside each other and against each other. */
import type { Rate } from '../../tasks/index.ts';
import { html, type Html } from '../../pages/html.ts';
import type { Comparison } from '../compare.ts';
import type { EvalTaskResult } from '../score.ts';
import { wilson } from '../statistics.ts';
import { bars } from './bars.ts';
import type { Report, ReportComparison, ReportTask } from './collect.ts';

/** A line per task, then the groups. */
export function overview({ runs, tasks, groups }: Report): Html {
  return html`<div class="scroll"><table><caption>Percent right, with the 95 % interval of so many questions (Wilson). Unmatched: no rule found a choice in the answer.</caption>
<thead><tr><th scope="col">task</th>${runs.map(({ name }) => html`<th scope="col" class="n">${name} %</th><th scope="col" class="n">right</th><th scope="col">of these</th>`)}</tr></thead>
<tbody>${tasks.map(({ label, results }) => html`<tr><th scope="row">${label}</th>${results.map((result) => (result === null ? html`<td class="n">–</td><td></td><td></td>` : html`<td class="n">${withInterval(result)}</td><td class="n">${result.right}/${result.counted}</td><td class="soft">${notes(result)}</td>`))}</tr>
`)}${groups.map(({ label, means }) => html`<tr><th scope="row">${label} (mean of its tasks)</th>${means.map((mean) => html`<td class="n">${mean === null ? '–' : mean.toFixed(1)}</td><td></td><td></td>`)}</tr>
`)}</tbody></table></div>`;
}

function withInterval({ percent, right, counted }: Rate): Html {
  if (counted === 0) return html`–`;
  const [low, high] = wilson(right, counted);
  return html`${percent.toFixed(1)} <span class="soft">(${low.toFixed(1)}–${high.toFixed(1)})</span>`;
}

/** What is not counted, or counts for want of a reader. */
function notes({ judged, unmatched, skipped, without_video, undecidable = 0 }: EvalTaskResult): string {
  return [[judged?.decided ?? 0, 'decided by the judge'], [unmatched, 'unmatched'], [skipped, 'skipped'], [without_video, 'without video'], [undecidable, 'with free answers']].filter(([n]) => Number(n) > 0).map(([n, what]) => `${n} ${what}`).join(', ');
}

/** A task by itself: published numbers, and bars per kind of category. */
export function taskSection({ label, results, published }: ReportTask, runs: readonly string[], id: string): Html {
  const kinds = [...new Set(results.flatMap((result) => Object.keys(result?.categories ?? {})))];
  return html`<section aria-labelledby="${id}"><h3 id="${id}">${label}</h3>
${bars(label, [{ name: 'all', bars: results }], runs)}
${published !== null && html`<p class="soft">Published, percent: ${Object.entries(published).map(([model, percent]) => `${model} ${percent}`).join('; ')}.</p>`}
${kinds.map((kind) => {
  const names = [...new Set(results.flatMap((result) => Object.keys(result?.categories[kind] ?? {})))].filter((name) => results.some((result) => (result?.categories[kind]?.[name]?.counted ?? 0) > 0));
  return names.length > 0 && html`<h4>by ${kind.replaceAll('_', ' ')}</h4>${bars(`${label} by ${kind}`, names.map((name) => ({ name, bars: results.map((result) => result?.categories[kind]?.[name] ?? null) })), runs)}`;
})}</section>
`;
}

/** Paired differences of two runs. */
export function comparison({ a, b, rows, flips, unpaired }: ReportComparison): Html {
  const gained = flips.filter((flip) => flip.gained).length;
  return html`<div class="scroll"><table><caption>${b} less ${a}, percentage points, over the questions of both; the interval is a paired bootstrap's, p is McNemar's exact test. ${flips.length} answers flipped: ${gained} right in ${b} alone, ${flips.length - gained} in ${a} alone.${unpaired > 0 && ` ${unpaired} questions have an answer in one alone and are left out.`}</caption>
<thead><tr><th scope="col">task</th>${['n', `${a} %`, `${b} %`, 'difference', '95 % interval', `only ${a}`, `only ${b}`, 'p'].map((title) => html`<th scope="col" class="n">${title}</th>`)}</tr></thead>
<tbody>${rows.map(difference)}</tbody></table></div>`;
}

function difference({ name, category, questions, a, b, difference: d, interval: [low, high], onlyA, onlyB, p }: Comparison): Html {
  const cells = [questions, a.toFixed(1), b.toFixed(1), signed(d), `${signed(low)} to ${signed(high)}`, onlyA, onlyB, p < 0.001 ? '<0.001' : p.toFixed(3)];
  return html`<tr${category !== undefined && html` class="category"`}><th scope="row">${category === undefined ? name : `${category.kind}: ${category.name}`}</th>${cells.map((text) => html`<td class="n">${text}</td>`)}</tr>
`;
}

const signed = (n: number): string => `${n > 0 ? '+' : ''}${n.toFixed(1)}`;
