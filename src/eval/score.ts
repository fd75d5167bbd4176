/** Answers → results. Scoring is done over from the answers each time: it depends on nothing but them. */
import { groupResult, isOpen, type OpenVerdict, type TaskResult, type Verdict } from '../tasks/index.ts';
import type { TaskData } from './data.ts';
import { isSkip, type Entry, type Line } from './ledger.ts';
import { modes, type Mode } from './modes.ts';
import type { Sample } from './samples.ts';

/** How an answer that the task's rules leave open is settled. Here a judge comes in, whose replies are to be kept as the answers are; without one, what counts then. */
export const settleWithoutJudge = (verdict: OpenVerdict): Verdict => verdict.settle(undefined)!;

/** A question with its answer and what it is worth. */
export type Scored = { sample: Sample; entry: Entry; verdict: Verdict; /** No rule found a choice in the answer: a judge was left to read it, or nobody. */ unmatched: boolean };

export function scoreEntry(sample: Sample, entry: Entry): Scored {
  const { task } = sample.data;
  if (sample.mode === 'decide') return { sample, entry, verdict: task.deciding!.score(sample.row, entry.answer), unmatched: false };
  const verdict = task.score(sample.row, entry.answer);
  const settled = isOpen(verdict) ? settleWithoutJudge(verdict) : verdict;
  return { sample, entry, verdict: settled, unmatched: isOpen(verdict) || settled.chosen === '' };
}

export type EvalTaskResult = TaskResult & {
  group?: string;
  /** How the answers came about. */
  mode: Mode;
  /** Rows that could not be decided, as their answers are free; in the mode `decide` alone. */
  undecidable?: number;
  /** Answers in which no rule found a choice, and that no judge has read. They count as the protocol says: most as wrong. */
  unmatched: number;
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
  tasks: EvalTaskResult[];
  groups: { group: string; mode: Mode; mean: number; right: number; counted: number; percent: number }[];
};

/** @param samples in the order of the data  @param lines by key, one for each sample  @param limit rows asked of each task at most */
export function scoreAll(data: readonly TaskData[], samples: readonly Sample[], lines: ReadonlyMap<string, Line>, limit = Infinity): { results: EvalTaskResult[]; scored: Scored[] } {
  const scored: Scored[] = [];
  const results = data.flatMap((of) => modes.flatMap((mode): EvalTaskResult[] => {
    const own = samples.filter((sample) => sample.data === of && sample.mode === mode).map((sample) => ({ sample, line: lines.get(sample.key)! }));
    if (own.length === 0 && (mode === 'decide' || of.rows.length > 0)) return [];
    const answered = own.flatMap(({ sample, line }) => (isSkip(line) ? [] : [scoreEntry(sample, line)]));
    scored.push(...answered);
    return [{
      ...of.task.result(answered.map(({ verdict }) => verdict)),
      ...(of.task.group === undefined ? {} : { group: of.task.group }),
      mode,
      ...(mode === 'decide' ? { undecidable: Math.min(limit, of.rows.length) - own.length } : {}),
      unmatched: answered.filter(({ unmatched }) => unmatched).length,
      skipped: own.length - answered.length,
      without_video: answered.filter(({ entry }) => entry.without.length > 0).length,
      rows: of.rows.length,
    }];
  }));
  return { results, scored };
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
