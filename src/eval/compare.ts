/** Two finished runs, question by question. */
import { StaveError } from '../errors.ts';
import { openRun, readSamples, type Answered, type Run } from './finished.ts';
import { labelOf } from './modes.ts';
import type { EvalResult, EvalTaskResult } from './score.ts';
import { bootstrap, mcnemar, meanPercent, type Pair, type Points } from './statistics.ts';

/** Percentages over the questions of both runs; difference and interval in percentage points, b less a. */
export type Comparison = {
  /** Task, or group; with both modes where they differ. */
  name: string;
  /** Of the task: kind and name. */
  category?: { kind: string; name: string };
  questions: number;
  a: number;
  b: number;
  difference: number;
  /** 95 % of the differences that come out when questions are drawn anew. */
  interval: [low: number, high: number];
  /** Questions that one run alone has right, and McNemar's exact p-value. */
  onlyA: number;
  onlyB: number;
  p: number;
};

export type Flip = { task: string; id: number; target: string; a: string; b: string; /** Whether b has it right, where a had not. */ gained: boolean };

export type RunComparison = { a: EvalResult['model']; b: EvalResult['model']; protocol: string; rows: Comparison[]; flips: Flip[]; /** Of the tasks of both: questions that only one run was asked, or counts as skipped in the other. */ unpaired: number; /** Tasks that only one run has, with `_decide` where they were decided: they are not compared. */ alone: { a: string[]; b: string[] } };

/** Compares what both runs were asked. What the one generated and the other decided is compared too, where they have nothing in the same mode. @throws DATA when a folder holds no finished run, or the runs asked different things under one name */
export async function compareRuns(folderA: string, folderB: string): Promise<RunComparison> {
  const [a, b] = await Promise.all([folderA, folderB].map(openRun));
  if (a.result.protocol !== b.result.protocol) throw new StaveError('DATA', { what: `${a.folder} was run under the protocol ${a.result.protocol}, ${b.folder} under ${b.result.protocol}`, why: 'numbers of one are not to be set beside numbers of the other', fix: 'run both under one' });
  const pairs = a.result.tasks.flatMap((of): [EvalTaskResult, EvalTaskResult][] => {
    const partners = b.result.tasks.filter(({ task }) => task === of.task);
    const partner = partners.find(({ mode }) => mode === of.mode) ?? partners.find(({ mode }) => !a.result.tasks.some((own) => own.task === of.task && own.mode === mode));
    return partner === undefined ? [] : [[of, partner]];
  });
  if (pairs.length === 0) throw new StaveError('DATA', { what: `${folderA} and ${folderB} have no task in common`, fix: 'run both on the same tasks' });
  const paired = new Set(pairs.flat());
  const alone = (of: Run) => of.result.tasks.filter((task) => !paired.has(task)).map(labelOf);
  return { a: a.result.model, b: b.result.model, protocol: a.result.protocol, ...(await compareTasks(a, b, pairs)), alone: { a: alone(a), b: alone(b) } };
}

/** Compares tasks of one run with the same tasks of another, or of the same in the other mode. @throws DATA when they asked different things */
export async function compareTasks(a: Run, b: Run, pairs: readonly [EvalTaskResult, EvalTaskResult][]): Promise<Pick<RunComparison, 'rows' | 'flips' | 'unpaired'>> {
  const rows: Comparison[] = [], flips: Flip[] = [];
  const groups = new Map<string, Pair[][]>();
  let unpaired = 0;
  for (const [of, partner] of pairs) {
    const { task, group, categories } = of;
    const [ofA, ofB] = await Promise.all([readSamples(a, of), readSamples(b, partner)]);
    const both = [...ofA.values()].flatMap((one): [Answered, Answered][] => (ofB.has(one.id) ? [[one, ofB.get(one.id)!]] : []));
    for (const [one, other] of both) if (one.question !== other.question) throw new StaveError('DATA', { what: `${task}, row ${one.id}: the runs asked different things`, why: 'their data, or the settings of the task, differ', fix: 'run both on the same data with the same version' });
    unpaired += ofA.size + ofB.size - 2 * both.length;
    const name = nameOf(of, partner);
    const paired = both.map(pairOf);
    rows.push(compared({ name }, [paired]));
    for (const [kind, names] of Object.entries(categories))
      for (const category of Object.keys(names)) {
        const own = both.filter(([one]) => one.categories[kind] === category);
        if (own.length > 0) rows.push(compared({ name, category: { kind, name: category } }, [own.map(pairOf)]));
      }
    for (const [one, other] of both) if (one.score !== other.score) flips.push({ task: name, id: one.id, target: one.target, a: one.answer, b: other.answer, gained: other.score > one.score });
    if (group !== undefined) {
      const mean = nameOf({ ...of, task: group }, { ...partner, task: group });
      groups.set(mean, [...(groups.get(mean) ?? []), paired]);
    }
  }
  for (const [group, strata] of groups) if (strata.length > 1) rows.push(compared({ name: `${group} (mean)` }, strata));
  return { rows, flips, unpaired };
}

const nameOf = (a: EvalTaskResult, b: EvalTaskResult): string => (a.mode === b.mode ? labelOf(a) : `${a.task}: ${a.mode} → ${b.mode}`);

function compared(name: Pick<Comparison, 'name' | 'category'>, strata: Pair[][]): Comparison {
  const all = strata.flat();
  const a = meanPercent(strata, 0), b = meanPercent(strata, 1);
  return { ...name, questions: all.length, a, b, difference: b - a, interval: bootstrap(strata), ...mcnemar(all) };
}

const pointsOf = ({ score, counted }: Answered): Points => (counted ? score : null);
const pairOf = ([a, b]: [Answered, Answered]): Pair => [pointsOf(a), pointsOf(b)];
