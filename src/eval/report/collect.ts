/** What a report shows, as plain data: one or more finished runs, their differences, and every question with what each run said. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../../errors.ts';
import { compareTasks, type Comparison, type Flip } from '../compare.ts';
import { openRun, readSamples, type Answered, type Run } from '../finished.ts';
import { labelOf, type Mode } from '../modes.ts';
import { published } from '../published.ts';
import type { EvalResult, EvalTaskResult } from '../score.ts';

/** A run as it is called in the report. */
export type ReportRun = Pick<EvalResult, 'model' | 'protocol' | 'limit' | 'judge'> & { /** A, B, … */ name: string; folder: string; /** manifest.json; null where the folder has none. */ manifest: Manifest | null };

/** What the report reads of a manifest. */
export type Manifest = { data?: unknown; finished?: unknown; sessions?: unknown };

export type ReportTask = {
  /** With `_decide` where it was decided. */
  label: string;
  task: string;
  mode: Mode;
  /** Of each run; null: it was not asked. */
  results: (EvalTaskResult | null)[];
  /** Model → percent, where the numbers can stand beside these: the paper's protocol, generated answers. */
  published: Readonly<Record<string, number>> | null;
};

export type ReportQuestion = { label: string; task: string; id: number; prompt: string; target: string; categories: Record<string, string>; /** Of each run; null: not asked, or skipped. */ answers: (Answered | null)[]; /** Right in one run, wrong in another. */ flipped: boolean };

/** Numbers of two runs (or one in its two modes), see compareRuns. a, b: as the runs are called. */
export type ReportComparison = { a: string; b: string; rows: Comparison[]; flips: Flip[]; unpaired: number };

export type Report = { format: 'stave report 1'; runs: ReportRun[]; tasks: ReportTask[]; groups: { label: string; means: (number | null)[] }[]; comparisons: ReportComparison[]; questions: ReportQuestion[] };

/** @param folders of finished runs under one protocol  @throws DATA naming the folder, USAGE */
export async function collect(folders: readonly string[]): Promise<Report> {
  const runs = await Promise.all(folders.map(openRun));
  const [first, ...others] = runs;
  const different = others.find(({ result }) => result.protocol !== first.result.protocol);
  if (different !== undefined) throw new StaveError('DATA', { what: `${first.folder} was run under the protocol ${first.result.protocol}, ${different.folder} under ${different.result.protocol}`, why: 'numbers of one are not to be set beside numbers of the other', fix: 'make a report of each' });
  const manifests = await Promise.all(runs.map(({ folder }) => readManifest(folder)));
  const names = runs.map((_, i) => String.fromCodePoint(65 + i));
  const tasks = tasksOf(runs);
  return {
    format: 'stave report 1',
    runs: runs.map(({ folder, result: { model, protocol, limit, judge } }, i) => ({ name: names[i], folder, model, protocol, limit, judge, manifest: manifests[i] })),
    tasks,
    groups: groupsOf(runs),
    comparisons: await comparisonsOf(runs, names, tasks),
    questions: (await Promise.all(tasks.map((task) => questionsOf(runs, task)))).flat(),
  };
}

async function readManifest(folder: string): Promise<Manifest | null> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined);
  try {
    return text === undefined ? null : (JSON.parse(text) as Manifest);
  } catch {
    return null;
  }
}

/** Every task that a run has, in the order of the first that has it. */
function tasksOf(runs: readonly Run[]): ReportTask[] {
  const all = runs.flatMap(({ result }) => result.tasks);
  const labels = [...new Set(all.map(labelOf))];
  return labels.map((label) => {
    const results = runs.map(({ result }) => result.tasks.find((other) => labelOf(other) === label) ?? null);
    const { task, mode, protocol } = results.find((result) => result !== null)!;
    const numbers = mode === 'generate' && protocol === 'paper' && Object.hasOwn(published, task) ? published[task] : null;
    return { label, task, mode, results, published: numbers };
  });
}

function groupsOf(runs: readonly Run[]): Report['groups'] {
  const groups = runs.flatMap(({ result }) => result.groups.map(({ group, mode }) => labelOf({ task: group, mode })));
  return [...new Set(groups)].map((label) => ({ label, means: runs.map(({ result }) => result.groups.find(({ group, mode }) => labelOf({ task: group, mode }) === label)?.mean ?? null) }));
}

/** The first run with each other one; and what a run generated with what it decided. */
async function comparisonsOf(runs: readonly Run[], names: readonly string[], tasks: readonly ReportTask[]): Promise<ReportComparison[]> {
  const found: ReportComparison[] = [];
  const add = async (i: number, j: number, pairs: [EvalTaskResult, EvalTaskResult][], a = names[i], b = names[j]) => {
    if (pairs.length > 0) found.push({ a, b, ...(await compareTasks(runs[i], runs[j], pairs)) });
  };
  for (let j = 1; j < runs.length; j++) await add(0, j, tasks.flatMap(({ results }) => pairOf(results[0], results[j])));
  for (let i = 0; i < runs.length; i++)
    await add(i, i, tasks.filter(({ mode }) => mode === 'generate').flatMap(({ task, results }) => pairOf(results[i], tasks.find((other) => other.task === task && other.mode === 'decide')?.results[i])), `${names[i]} generated`, `${names[i]} decided`);
  return found;
}

const pairOf = (a: EvalTaskResult | null, b: EvalTaskResult | null | undefined): [EvalTaskResult, EvalTaskResult][] => (a && b ? [[a, b]] : []);

async function questionsOf(runs: readonly Run[], { label, task, mode, results }: ReportTask): Promise<ReportQuestion[]> {
  const samples = await Promise.all(runs.map((run, i) => (results[i] === null ? new Map<number, Answered>() : readSamples(run, { task, mode }))));
  const ids = [...new Set(samples.flatMap((of) => [...of.keys()]))].toSorted((a, b) => a - b);
  return ids.map((id) => {
    const answers = samples.map((of) => of.get(id) ?? null);
    const { prompt, target, categories } = answers.find((answer) => answer !== null)!;
    const scores = new Set(answers.flatMap((answer) => (answer === null ? [] : [answer.score])));
    return { label, task, id, prompt, target, categories, answers, flipped: scores.size > 1 };
  });
}
