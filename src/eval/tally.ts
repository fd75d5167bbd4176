/** How far a run is, and its score so far. */
import type { TaskData } from './data.ts';
import { isSkip, type Line } from './ledger.ts';
import { labelOf, type Mode } from './modes.ts';
import type { Sample } from './samples.ts';
import { scoreEntry } from './score.ts';

export type EvalProgress = {
  task: string;
  /** Questions of the task, and of the run (or its shard), that have an answer. */
  done: number;
  total: number;
  allDone: number;
  all: number;
  /** Of the task so far. */
  right: number;
  counted: number;
  /** Answered by this process, and how long that took. */
  answered: number;
  seconds: number;
};

type Report = ((progress: EvalProgress) => void) | undefined;

const none = () => ({ done: 0, total: 0, right: 0, counted: 0 });

/** The score so far, per task and mode. */
export class Tally {
  readonly #tasks = new Map<TaskData, Record<Mode, ReturnType<typeof none>>>();
  readonly #report: Report;
  readonly #start = performance.now();
  readonly #all: number;
  #allDone = 0;
  #answered = 0;

  constructor(samples: readonly Sample[], done: readonly [Sample, Line][], report: Report) {
    this.#report = report;
    this.#all = samples.length;
    for (const sample of samples) this.#of(sample).total++;
    for (const [sample, line] of done) this.#count(sample, line);
  }

  add(sample: Sample, line: Line): void {
    this.#count(sample, line);
    this.#answered++;
    this.#report?.({ task: labelOf({ task: sample.data.task.name, mode: sample.mode }), ...this.#of(sample), allDone: this.#allDone, all: this.#all, answered: this.#answered, seconds: (performance.now() - this.#start) / 1000 });
  }

  /** By this process. */
  get answered(): number {
    return this.#answered;
  }

  #of({ data, mode }: Sample) {
    const found = this.#tasks.get(data) ?? { generate: none(), decide: none() };
    this.#tasks.set(data, found);
    return found[mode];
  }

  #count(sample: Sample, line: Line): void {
    const of = this.#of(sample);
    of.done++;
    this.#allDone++;
    if (isSkip(line)) return;
    const { verdict } = scoreEntry(sample, line);
    if (!verdict.counted) return;
    of.counted++;
    of.right += verdict.score;
  }
}
