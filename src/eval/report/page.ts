/** The report as one HTML file that asks nothing of any network: style, script and pictures are in it. Its policy lets nothing else run, whatever an answer may hold. */
import { Html, html } from '../../pages/html.ts';
import { createHash } from 'node:crypto';
import type { Report, ReportRun } from './collect.ts';
import type { View } from './pictures.ts';
import { sample } from './samples.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { comparison, overview, taskSection } from './tables.ts';

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const policy = `default-src 'none'; img-src data:; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`;

/** @param shown the questions to show, each with what was seen */
export function page(report: Report, shown: readonly { question: Report['questions'][number]; views: readonly View[] }[]): string {
  const { runs, tasks, comparisons, questions } = report;
  const names = runs.map(({ name }) => name);
  const title = `Evaluation: ${[...new Set(runs.map(({ model }) => model.name))].join(', ')}`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="referrer" content="no-referrer"/>
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header><h1>${title}</h1>
${runList(runs)}
</header>
<main>
<section aria-labelledby="results"><h2 id="results">Results</h2>
${overview(report)}
</section>
${comparisons.length > 0 && html`<section aria-labelledby="differences"><h2 id="differences">Differences</h2>
${comparisons.map(comparison)}
</section>`}
<section aria-labelledby="tasks"><h2 id="tasks">By task</h2>
${runs.length > 1 && html`<p>${names.map((name, i) => html`<svg class="key" aria-hidden="true" viewBox="0 0 12 12"><rect class="run${i % 6}" width="12" height="12"/></svg>${name} `)}</p>`}
${tasks.map((task, i) => taskSection(task, names, `task-${i}`))}
</section>
<section aria-labelledby="questions"><h2 id="questions">Questions</h2>
<p class="soft">${shown.length} of ${questions.length} questions are on this page, of each task first those in which runs differ, then wrong ones. All stand in report.json and samples.csv.</p>
${filter(report)}
${shown.map(({ question, views }) => sample(question, views, names))}
</section>
</main>
<script>${new Html(script)}</script>
</body>
</html>
`.markup;
}

/** Which models, under which protocol, on what data and machine. */
function runList(runs: readonly ReportRun[]): Html {
  return html`<div class="scroll"><table><caption>Runs</caption><thead><tr><th scope="col">run</th><th scope="col">model</th><th scope="col">fingerprint</th><th scope="col">protocol</th><th scope="col">questions</th><th scope="col">judge</th><th scope="col">finished</th><th scope="col">folder</th></tr></thead>
<tbody>${runs.map(({ name, model, protocol, limit, judge, manifest, folder }) => html`<tr><th scope="row">${name}</th><td>${model.name}</td><td>${model.fingerprint}</td><td>${protocol}</td><td>${limit === null ? 'all' : `the first ${limit} of each task`}</td><td>${judge ? (judge.kind === 'model' ? judge.name : `${judge.model ?? 'the protocol\'s'} at ${judge.url}`) : 'none'}</td><td>${typeof manifest?.finished === 'string' ? manifest.finished : '?'}</td><td>${folder}</td></tr>
`)}</tbody></table></div>`;
}

/** Hidden until the script runs: without it, it would do nothing. */
function filter({ runs, tasks }: Report): Html {
  const states: [string, string][] = [['', 'all'], ['wrong', 'wrong'], ['right', 'right'], ['unmatched', 'no choice found'], ['not-counted', 'not counted'], ['without-video', 'asked without a video'], ...(runs.length > 1 ? ([['flipped', 'runs differ']] as [string, string][]) : [])];
  return html`<form class="filter" id="filter" hidden=""><label>Show <select name="state">${states.map(([value, name]) => html`<option value="${value}">${name}</option>`)}</select></label>
<label>Task <select name="task"><option value="">all</option>${tasks.map(({ label }) => html`<option value="${label}">${label}</option>`)}</select></label>
<label>With the words <input name="text" type="search"/></label>
<output id="count" aria-live="polite"></output></form>`;
}
