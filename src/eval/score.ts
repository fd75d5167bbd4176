/** Answers → results. Scoring is done over from the answers each time: it depends on nothing but them. */
import { groupResult, isOpen, type TaskResult, type Verdict } from '../tasks/index.ts';
import type { TaskData } from './data.ts';
import type { JudgeName } from './judge/judge.ts';
import type { Judged, Settled } from './judge/settle.ts';
import { isSkip, type Entry, type Line } from './ledger.ts';
import { modes, type Mode } from './modes.ts';
import type { Sample } from './samples.ts';

/** A question with its answer and what it is worth. */
export type Scored = { sample: Sample; entry: Entry; verdict: Verdict; /** No rule found a choice in the answer, and no judge has given a verdict. */ unmatched: boolean; /** Where a judge was asked. */ judged?: Settled };

/** @param judged how a judge settled the answer, if it was put to one; without, an open answer counts as the protocol says then */
export function scoreEntry(sample: Sample, entry: Entry, judged?: Settled): Scored {
  const { task } = sample.data;
  if (sample.mode === 'decide') return { sample, entry, verdict: task.deciding!.score(sample.row, entry.answer), unmatched: false };
  const verdict = task.score(sample.row, entry.answer);
  if (!isOpen(verdict)) return { sample, entry, verdict, unmatched: verdict.chosen === '' };
  return { sample, entry, verdict: verdict.settle(judged?.reply)!, unmatched: judged?.reply === undefined, ...(judged && { judged }) };
}

export type EvalTaskResult = TaskResult & {
  group?: string;
  /** How the answers came about. */
  mode: Mode;
  /** Rows that could not be decided, as their answers are free; in the mode `decide` alone. */
  undecidable?: number;
  /** Answers in which no rule found a choice, and on which there is no judge's verdict. They count as the protocol says: most as wrong. */
  unmatched: number;
  /** Answers that the judge decided, how many of them it took for right, and those on which its replies were no verdict. Absent: none was asked. */
  judged?: { decided: number; right: number; no_verdict: number };
  /** Questions left out for their videos: they are not counted. */
  skipped: number;
  /** Questions asked without a video, or without some of theirs. */
  without_video: number;
  /** Rows of the data, asked or not. */
  rows: number;
};

export type EvalResult = {
  format: 'stave eval 1';
  model: { name: string; fingerprint: string };
  protocol: string;
  /** Rows asked of each task at most; null: all. */
  limit: number | null;
  /** Who was asked about answers that the rules leave open; null: nobody. */
  judge: JudgeName | null;
  tasks: EvalTaskResult[];
  groups: { group: string; mode: Mode; mean: number; right: number; counted: number; percent: number }[];
};

/** @param samples in the order of the data  @param lines by key, one for each sample  @param limit rows asked of each task at most  @param judged what a judge made of open answers */
export function scoreAll(data: readonly TaskData[], samples: readonly Sample[], lines: ReadonlyMap<string, Line>, limit = Infinity, judged?: Judged): { results: EvalTaskResult[]; scored: Scored[] } {
  const scored: Scored[] = [];
  const results = data.flatMap((of) => modes.flatMap((mode): EvalTaskResult[] => {
    const own = samples.filter((sample) => sample.data === of && sample.mode === mode).map((sample) => ({ sample, line: lines.get(sample.key)! }));
    if (own.length === 0 && (mode === 'decide' || of.rows.length > 0)) return [];
    const answered = own.flatMap(({ sample, line }) => (isSkip(line) ? [] : [scoreEntry(sample, line, judged?.settled.get(sample.key))]));
    scored.push(...answered);
    return [{
      ...of.task.result(answered.map(({ verdict }) => verdict)),
      ...(of.task.group === undefined ? {} : { group: of.task.group }),
      mode,
      ...(mode === 'decide' ? { undecidable: Math.min(limit, of.rows.length) - own.length } : {}),
      unmatched: answered.filter(({ unmatched }) => unmatched).length,
      ...judgedOf(answered),
      skipped: own.length - answered.length,
      without_video: answered.filter(({ entry }) => entry.without.length > 0).length,
      rows: of.rows.length,
    }];
  }));
  return { results, scored };
}

function judgedOf(answered: readonly Scored[]): Pick<EvalTaskResult, 'judged'> {
  const put = answered.filter(({ judged }) => judged !== undefined);
  if (put.length === 0) return {};
  const decided = put.filter(({ judged }) => judged!.reply !== undefined);
  return { judged: { decided: decided.length, right: decided.filter(({ verdict }) => verdict.score === 1).length, no_verdict: put.length - decided.length } };
}

/** Of each group with more than one task: the mean of its tasks, and all their questions together. */
export function groupsOf(results: readonly EvalTaskResult[]): EvalResult['groups'] {
  const names = [...new Set(results.flatMap(({ group }) => (group === undefined ? [] : [group])))];
  const all = names.flatMap((name) => modes.map((mode) => ({ name, mode, of: results.filter((result) => result.group === name && result.mode === mode) })));
  return all.filter(({ of }) => of.length > 1).map(({ name, mode, of }) => {
    const { mean, together } = groupResult(name, of);
    return { group: name, mode, mean, ...together };
  });
}
