/** Puts what the tasks' rules leave open to a judge: what was asked before is not asked again, several are asked at once. */
import { join } from 'node:path';
import { isOpen, type OpenVerdict } from '../../tasks/index.ts';
import { isSkip, type Line } from '../ledger.ts';
import type { Sample } from '../samples.ts';
import type { Judge, JudgeName } from './judge.ts';
import { Replies, repliesFile, replyKey } from './replies.ts';

/** How an open answer was settled. reply: the one that was a verdict; absent: none was, however often it was asked. */
export type Settled = { reply?: string; calls: number };

/** By the sample's key. */
export type Judged = { judge: JudgeName; settled: ReadonlyMap<string, Settled>; /** Replies that came now; the others were there. */ asked: number };

export type JudgeOptions = { output: string; signal?: AbortSignal; onJudge?: (progress: { done: number; total: number }) => void };

/** @throws JUDGE where the judge can't be asked: no answer is counted for that; what was settled is kept. USAGE, DATA, IO; the signal's reason */
export async function settleAll(judge: Judge, samples: readonly Sample[], lines: ReadonlyMap<string, Line>, { output, signal, onJudge }: JudgeOptions): Promise<Judged> {
  const name = await judge.name();
  const open = samples.flatMap((sample) => {
    const verdict = openVerdict(sample, lines.get(sample.key)!);
    return verdict === undefined ? [] : [{ sample, verdict }];
  });
  const settled = new Map<string, Settled>();
  if (open.length === 0) return { judge: name, settled, asked: 0 };
  await using replies = await Replies.open(join(output, repliesFile));
  const waiting = open.filter(({ sample, verdict }) => {
    const known = fromKept(name, verdict, replies);
    if (known.done) settled.set(sample.key, known.settled);
    return !known.done;
  });
  let asked = 0;
  if (waiting.length > 0) {
    await using asking = await judge.open();
    const stop = new AbortController(); // one that fails ends the others
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const queue = waiting.values();
    const worker = async (): Promise<void> => {
      for (const { sample, verdict } of queue) {
        both.throwIfAborted();
        let known = fromKept(name, verdict, replies);
        for (; !known.done; known = fromKept(name, verdict, replies)) {
          const { calls } = known.settled;
          const reply = await asking.ask(verdict.judge, calls, both);
          await replies.keep(replyKey(name, verdict.judge, calls), reply, { task: sample.data.task.name, id: sample.id, model: verdict.judge.model });
          asked++;
        }
        settled.set(sample.key, known.settled);
        onJudge?.({ done: settled.size, total: open.length });
      }
    };
    const workers = Array.from({ length: judge.concurrency }, () => worker().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }));
    const outcomes = await Promise.allSettled(workers);
    signal?.throwIfAborted();
    if (stop.signal.aborted) throw stop.signal.reason;
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
  return { judge: name, settled, asked };
}

function openVerdict(sample: Sample, line: Line): OpenVerdict | undefined {
  if (isSkip(line) || sample.mode === 'decide') return undefined;
  const verdict = sample.data.task.score(sample.row, line.answer);
  return isOpen(verdict) ? verdict : undefined;
}

/** What the kept replies make of a verdict: settled by one, or after as many tries as the protocol has; else what comes next. */
function fromKept(name: JudgeName, { judge, settle }: OpenVerdict, replies: Replies): { done: boolean; settled: Settled } {
  for (let calls = 0; calls < judge.tries; calls++) {
    const reply = replies.get(replyKey(name, judge, calls));
    if (reply === undefined) return { done: false, settled: { calls } };
    if (settle(reply) !== undefined) return { done: true, settled: { reply, calls: calls + 1 } };
  }
  return { done: true, settled: { calls: judge.tries } };
}
