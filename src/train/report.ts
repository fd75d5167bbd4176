/** A run as a page that needs nothing else: curves, what the model said of some clips, the settings. */
import { escape } from '../pages/html.ts';
import { percent } from '../pages/percent.ts';
import { png } from '../video/png.ts';
import { describeBest, describeEnd, standingOf } from './best.ts';
import { panel, smooth, type Point } from './chart.ts';
import { leaves } from './identity.ts';
import { evaluationsOf, type EvalMetrics, type MetricsLine, type StepMetrics } from './metrics.ts';
import type { Recipe } from './recipe.ts';
import type { Shown } from './shown.ts';

/** @param shown clips of the last evaluation; none: the page says so */
export function reportHtml(recipe: Recipe, lines: readonly MetricsLine[], shown: readonly Shown[]): string {
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(recipe.name)}</title><meta name="viewport" content="width=device-width"><style>${style}</style></head><body>`,
    `<h1>${escape(recipe.name)}</h1>`,
    table(summary(recipe, lines)),
    '<h2>Curves</h2>',
    `<div class="charts">${charts(recipe, lines).join('\n')}</div>`,
    '<h2>What it says</h2>',
    shown.length === 0
      ? '<p>No evaluation since the run was last started.</p>'
      : `<p>Held-out clips at step ${lastOf(lines, 'eval')?.step ?? 0}. Said is the likeliest token at each place, given the right ones before.</p>${shown.map(clip).join('\n')}`,
    '<h2>Settings</h2>',
    table(leaves(recipe)),
    '</body></html>\n',
  ].join('\n');
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #eee;overflow-wrap:anywhere}th{font-weight:normal;color:#666;white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:.5rem}svg{width:100%;height:auto}.frames{display:flex;flex-wrap:wrap;gap:2px}.frames img{height:84px}
section{margin:1.2rem 0}.wrong{color:#b91c1c}.right{color:#047857}`;

function lastOf<K extends 'loss' | 'eval' | 'ended'>(lines: readonly MetricsLine[], key: K): Extract<MetricsLine, Record<K, unknown>> | undefined {
  return lines.findLast((line): line is Extract<MetricsLine, Record<K, unknown>> => key in line);
}

function summary(recipe: Recipe, lines: readonly MetricsLine[]): [string, string][] {
  const step = lastOf(lines, 'loss'), held = lastOf(lines, 'eval'), end = lastOf(lines, 'ended');
  const { metric } = recipe.best ?? { metric: 'loss' };
  const { best } = standingOf(evaluationsOf(lines), { metric });
  const seconds = lines.reduce((sum, line) => sum + ('seconds' in line ? line.seconds : 0), 0);
  return [
    ['updates', `${step?.step ?? 0} of ${recipe.steps}`],
    ...(step === undefined ? [] : ([['loss', step.loss.toFixed(4)], ['time in updates', `${(seconds / 3600).toFixed(2)} h`]] as [string, string][])),
    ...(held === undefined ? [] : ([
      ['held-out loss', held.eval.loss.toFixed(4)],
      ['answers right', `${percent(held.eval.accuracy)} (${Object.entries(held.eval.kinds).map(([kind, { accuracy, answers }]) => `${kind} ${percent(accuracy)} of ${answers}`).join(', ')})`],
    ] as [string, string][])),
    ...(best === null ? [] : ([['best', describeBest(best, metric)]] as [string, string][])),
    ...(end === undefined ? [] : ([['ended', `${describeEnd(end.ended, recipe.best)}${end.model_step === undefined ? '' : `; the model is that of step ${end.model_step}`}`]] as [string, string][])),
  ];
}

function table(rows: readonly (readonly [string, string])[]): string {
  return `<table>${rows.map(([name, value]) => `<tr><th>${escape(name)}</th><td>${escape(value)}</td></tr>`).join('')}</table>`;
}

/** A picture per quantity. */
function charts(recipe: Recipe, lines: readonly MetricsLine[]): string[] {
  const updates = lines.filter((line): line is StepMetrics => 'loss' in line);
  const evaluations = lines.filter((line): line is EvalMetrics => 'eval' in line);
  const of = (key: 'loss' | 'lr' | 'grad_norm') => smooth(updates.map((line): Point => [line.step, line[key]]));
  const held = (key: 'loss' | 'accuracy') => evaluations.map((line): Point => [line.step, line.eval[key]]).filter(([, value]) => Number.isFinite(value));
  return [
    chart('training loss', of('loss'), recipe.steps),
    chart('learning rate', of('lr'), recipe.steps),
    chart('gradient norm, before clipping', of('grad_norm'), recipe.steps),
    ...(evaluations.length === 0 ? [] : [chart('held-out loss', held('loss'), recipe.steps, true), chart('held-out answers right', held('accuracy'), recipe.steps, true, 1)]),
  ];
}

function chart(name: string, points: Point[], steps: number, dots = false, max = Math.max(1e-12, ...points.map(([, value]) => value))): string {
  const drawn = panel({ x: 62, top: 30, width: 400, height: 170, steps, max, name, format: (v) => (v === 0 ? '0' : v < 0.01 || v >= 1e5 ? v.toExponential(1) : v.toPrecision(3)), series: [points], dots });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 226" font-family="system-ui, sans-serif" font-size="12">${drawn}</svg>`;
}

function clip({ seed, frames, answers }: Shown): string {
  const images = frames.map((frame) => `<img alt="" src="data:image/png;base64,${png(frame).toString('base64')}">`).join('');
  const rows = answers.map(({ kind, question, expected, said, right }) => `<tr><th>${escape(kind)}</th><td>${escape(question)}</td><td>${escape(expected)}</td><td class="${right ? 'right' : 'wrong'}">${escape(said)}</td></tr>`);
  return `<section title="${escape(seed)}"><div class="frames">${images}</div><table><tr><th>kind</th><th>question</th><th>expected</th><th>said</th></tr>${rows.join('')}</table></section>`;
}
