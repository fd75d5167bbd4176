import type { Protocol, Rate, TaskResult, Verdict } from './task.ts';

/** Right ones of those that count → 0–100. The references differ in the order of operations, and so in the last bit. */
export type Percent = (right: number, counted: number) => number;

export const timesFirst: Percent = (right, counted) => (100 * right) / counted;
export const dividedFirst: Percent = (right, counted) => (right / counted) * 100;

/** Points among the verdicts that count. */
export function rate(verdicts: readonly Pick<Verdict, 'score' | 'counted'>[], percent: Percent = timesFirst): Rate {
  const counted = verdicts.filter((verdict) => verdict.counted).length;
  const right = verdicts.reduce((sum, verdict) => sum + (verdict.counted ? verdict.score : 0), 0);
  return { right, counted, percent: counted === 0 ? 0 : percent(right, counted) };
}

export type Summary = {
  /** Kinds of category and their names, in the order to report; one that nothing falls into has 0 of 0. */
  categories?: Readonly<Record<string, readonly string[]>>;
  /** Whether a verdict falls into a category. Default: it carries the name. */
  belongs?: (verdict: Verdict, kind: string, name: string) => boolean;
  percent?: Percent;
};

/** A task's result: over all, and per category. */
export function summarise(task: { name: string; protocol: Protocol; metric: string }, verdicts: readonly Verdict[], options: Summary = {}): TaskResult {
  const { categories = {}, belongs = (verdict, kind, name) => verdict.categories?.[kind] === name, percent } = options;
  const of = (kind: string, name: string) => rate(verdicts.filter((verdict) => belongs(verdict, kind, name)), percent);
  return {
    task: task.name,
    protocol: task.protocol,
    metric: task.metric,
    questions: verdicts.length,
    ...rate(verdicts, percent),
    categories: Object.fromEntries(Object.entries(categories).map(([kind, names]) => [kind, Object.fromEntries(names.map((name) => [name, of(kind, name)]))])),
  };
}

/** What is reported of tasks of one group: the mean of their percentages (the published MVBench number), and all their questions together. */
export type GroupResult = { group: string; protocol: Protocol; mean: number; together: Rate; tasks: TaskResult[] };

/** @param results of tasks run under one protocol, at least one */
export function groupResult(group: string, results: readonly TaskResult[]): GroupResult {
  const right = results.reduce((sum, result) => sum + result.right, 0), counted = results.reduce((sum, result) => sum + result.counted, 0);
  return {
    group,
    protocol: results[0].protocol,
    mean: results.reduce((sum, { percent }) => sum + percent, 0) / results.length,
    together: { right, counted, percent: counted === 0 ? 0 : dividedFirst(right, counted) },
    tasks: [...results],
  };
}

/** Results as a table in Markdown: a line per task, then one per category. Tasks of unequal protocols stand apart by the column that names it. */
export function resultTable(results: readonly TaskResult[]): string {
  const lines = results.flatMap((result) => [
    line(result.task, result.protocol, result),
    ...Object.entries(result.categories).flatMap(([kind, names]) => Object.entries(names).map(([name, of]) => line(`${result.task}, ${kind}: ${name}`, result.protocol, of))),
  ]);
  return ['| task | protocol | % | right | counted |', '|---|---|---|---|---|', ...lines, ''].join('\n');
}

function line(name: string, protocol: Protocol, { percent, right, counted }: Rate): string {
  return `| ${name} | ${protocol} | ${counted === 0 ? '–' : percent.toFixed(1)} | ${right} | ${counted} |`;
}
