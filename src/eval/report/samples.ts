/** Questions of a report, one by one: what was shown, asked and said, and the truth. */
import { html, type Html } from '../../pages/html.ts';
import { percent } from '../../pages/percent.ts';
import type { Answered } from '../finished.ts';
import type { ReportQuestion } from './collect.ts';
import type { View } from './pictures.ts';

/** Characters of a text that are shown; a prompt can hold the subtitles of an hour. */
const MOST = 4000;

/** The choices of a decision that are shown. */
const CHOICES = 5;

/** The most telling `most` of each task's questions, in the order of the data: first those in which runs differ, then wrong ones, then unmatched ones, then those not counted. */
export function telling(questions: readonly ReportQuestion[], most: number): ReportQuestion[] {
  const labels = [...new Set(questions.map(({ label }) => label))];
  const kept = new Set(labels.flatMap((label) => {
    const ranked = questions.filter((question) => question.label === label).map((question) => ({ question, rank: rankOf(question) }));
    return ranked.toSorted((a, b) => a.rank - b.rank).slice(0, most).map(({ question }) => question);
  }));
  return questions.filter((question) => kept.has(question));
}

function rankOf(question: ReportQuestion): number {
  const states = statesOf(question);
  return ['flipped', 'wrong', 'unmatched', 'not-counted', 'right'].findIndex((state) => states.includes(state));
}

/** What the filter knows of a question. */
function statesOf({ answers, flipped }: ReportQuestion): string[] {
  const given = answers.filter((answer) => answer !== null);
  const any = (name: string, is: (answer: Answered) => boolean): string[] => (given.some(is) ? [name] : []);
  return [...(flipped ? ['flipped'] : []), ...any('wrong', ({ score, counted }) => counted && score === 0), ...any('right', ({ score, counted }) => counted && score === 1), ...any('not-counted', ({ counted }) => !counted), ...any('unmatched', ({ unmatched }) => unmatched), ...any('without-video', ({ without }) => without.length > 0)];
}

export function sample(question: ReportQuestion, views: readonly View[], runs: readonly string[]): Html {
  const { label, id, prompt, target, categories, answers } = question;
  return html`<article data-task="${label}" data-states="${statesOf(question).join(' ')}"><h3>${label}, row ${id} ${Object.values(categories).length > 0 && html`<span class="soft">${Object.values(categories).join(', ')}</span>`}</h3>
${views.map((view) => picture(view, runs))}
<pre dir="auto">${cut(prompt)}</pre>
<dl><dt>truth</dt><dd dir="auto">${cut(target)}</dd>${answers.map((answer, i) => said(answer, runs.length > 1 ? runs[i] : 'answer'))}</dl></article>
`;
}

function picture({ video, frames, shown, runs: of, strip, why }: View, runs: readonly string[]): Html {
  const times = shown.map((i) => frames[i].time).map((time) => (typeof time === 'number' ? `${time.toFixed(2)} s` : '?'));
  const caption = `${of.length < runs.length ? `${of.map((i) => runs[i]).join(', ')}: ` : ''}${video}, ${frames.length} frames seen${shown.length > 0 ? `; shown: ${times.join(', ')}` : ''}`;
  return html`<figure>${strip && html`<img alt="${shown.length} of ${frames.length} frames of ${video}, side by side" width="${strip.width}" height="${strip.height}" src="data:image/jpeg;base64,${Buffer.from(strip.jpeg).toString('base64')}"/>`}<figcaption>${caption}${why !== undefined && `. No picture: ${why}`}</figcaption></figure>
`;
}

function said(answer: Answered | null, name: string): Html {
  if (answer === null) return html`<dt>${name}</dt><dd class="soft">not asked</dd>`;
  const { score, counted, unmatched, text, answer: scored, decision, judge, without } = answer;
  const verdict = !counted ? 'not counted' : score === 1 ? 'right' : 'wrong';
  const remarks = [unmatched && 'no choice found in it', text !== scored && 'cut from a longer answer', judge && `judge: ${judge.reply === null ? 'no verdict' : cut(judge.reply)}`, without.length > 0 && `asked without ${without.map(({ video }) => video).join(', ')}`].filter((remark) => typeof remark === 'string');
  return html`<dt>${name}</dt><dd dir="auto"><span class="${!counted ? 'soft' : score === 1 ? 'right' : 'wrong'}">${verdict}</span>: ${scored === '' ? html`<em>empty</em>` : cut(scored)}${remarks.length > 0 && html` <span class="soft">(${remarks.join('; ')})</span>`}${decision && html`<br/><span class="soft">${likeliest(decision)}</span>`}</dd>`;
}

function likeliest({ mass, choices }: NonNullable<Answered['decision']>): string {
  const sorted = choices.toSorted((a, b) => b.probability - a.probability);
  const shown = sorted.slice(0, CHOICES).map(({ choice, probability }) => `${choice} ${percent(probability)}`).join(', ');
  return `${shown}${sorted.length > CHOICES ? ', …' : ''}; said at all with ${percent(mass)}`;
}

const cut = (text: string): string => (text.length > MOST ? `${text.slice(0, MOST)}… (${text.length - MOST} more characters in report.json)` : text);
