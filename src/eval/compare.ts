/** Two finished runs, question by question. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StaveError } from '../errors.ts';
import { parseJson, parseJsonLines } from './data.ts';
import type { EvalResult } from './score.ts';
import { bootstrap, mcnemar, meanPercent, type Pair, type Points } from './statistics.ts';
import { samplesFile } from './write.ts';

/** What a run's files say of a question. */
type Answered = { id: number; question: string; target: string; answer: string; score: 0 | 1; counted: boolean; categories: Record<string, string> };

/** Percentages over the questions of both runs; difference and interval in percentage points, b less a. */
export type Comparison = {
  /** Task, or group. */
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

export type RunComparison = { a: EvalResult['model']; b: EvalResult['model']; protocol: string; rows: Comparison[]; flips: Flip[]; /** Questions that only one run was asked, or counts as skipped in the other. */ unpaired: number };

type Run = { folder: string; result: EvalResult };

/** Compares what both runs were asked. @throws DATA when a folder holds no finished run, or the runs asked different things under one name */
export async function compareRuns(folderA: string, folderB: string): Promise<RunComparison> {
  const [a, b] = await Promise.all([folderA, folderB].map(openRun));
  if (a.result.protocol !== b.result.protocol) throw new StaveError('DATA', { what: `${a.folder} was run under the protocol ${a.result.protocol}, ${b.folder} under ${b.result.protocol}`, why: 'numbers of one are not to be set beside numbers of the other', fix: 'run both under one' });
  const rows: Comparison[] = [], flips: Flip[] = [];
  const groups = new Map<string, Pair[][]>();
  let unpaired = 0;
  for (const { task, group, categories } of a.result.tasks.filter(({ task }) => b.result.tasks.some((other) => other.task === task))) {
    const [ofA, ofB] = await Promise.all([a, b].map(({ folder }) => readSamples(folder, task)));
    const both = [...ofA.values()].flatMap((one): [Answered, Answered][] => (ofB.has(one.id) ? [[one, ofB.get(one.id)!]] : []));
    for (const [one, other] of both) if (one.question !== other.question) throw new StaveError('DATA', { what: `${task}, row ${one.id}: the runs asked different things`, why: 'their data, or the settings of the task, differ', fix: 'run both on the same data with the same version' });
    unpaired += ofA.size + ofB.size - 2 * both.length;
    const pairs = both.map(pairOf);
    rows.push(compared({ name: task }, [pairs]));
    for (const [kind, names] of Object.entries(categories))
      for (const name of Object.keys(names)) {
        const own = both.filter(([one]) => one.categories[kind] === name);
        if (own.length > 0) rows.push(compared({ name: task, category: { kind, name } }, [own.map(pairOf)]));
      }
    for (const [one, other] of both) if (one.score !== other.score) flips.push({ task, id: one.id, target: one.target, a: one.answer, b: other.answer, gained: other.score > one.score });
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), pairs]);
  }
  for (const [group, strata] of groups) if (strata.length > 1) rows.push(compared({ name: `${group} (mean)` }, strata));
  if (rows.length === 0) throw new StaveError('DATA', { what: `${folderA} and ${folderB} have no task in common`, fix: 'run both on the same tasks' });
  return { a: a.result.model, b: b.result.model, protocol: a.result.protocol, rows, flips, unpaired };
}

function compared(name: Pick<Comparison, 'name' | 'category'>, strata: Pair[][]): Comparison {
  const all = strata.flat();
  const a = meanPercent(strata, 0), b = meanPercent(strata, 1);
  return { ...name, questions: all.length, a, b, difference: b - a, interval: bootstrap(strata), ...mcnemar(all) };
}

const pointsOf = ({ score, counted }: Answered): Points => (counted ? score : null);
const pairOf = ([a, b]: [Answered, Answered]): Pair => [pointsOf(a), pointsOf(b)];

async function openRun(folder: string): Promise<Run> {
  const file = join(folder, 'results.json');
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('DATA', { what: `${folder} holds no finished run`, why: cause.message, fix: 'give the --output of a stave eval that came to its end', cause });
  });
  const result = parseJson(text, file) as EvalResult;
  if (result.format !== 'stave eval 1') throw new StaveError('DATA', { what: `${file} is no result of stave eval`, why: `its format is ${JSON.stringify(result.format)}`, fix: 'give the --output of a stave eval' });
  return { folder, result };
}

async function readSamples(folder: string, task: string): Promise<Map<number, Answered>> {
  const file = join(folder, samplesFile(task));
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new StaveError('DATA', { what: `cannot read ${file}`, why: cause.message, fix: 'run the same stave eval again: it writes the file anew', cause });
  });
  return new Map((parseJsonLines(text, file) as Answered[]).map((answered) => [answered.id, answered]));
}
