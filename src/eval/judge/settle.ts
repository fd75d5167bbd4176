/** Puts what the tasks' rules leave open to a judge: what was asked before is not asked again, several are asked at once. */
import { join } from 'node:path';
import { inParallel } from '../../hub/parallel.ts';
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

type Open = { sample: Sample; verdict: OpenVerdict };

/** @throws JUDGE where the judge can't be asked: no answer is counted for that; what was settled is kept. USAGE, DATA, IO; the signal's reason */
export async function settleAll(judge: Judge, samples: readonly Sample[], lines: ReadonlyMap<string, Line>, { output, signal, onJudge }: JudgeOptions): Promise<Judged> {
  const name = await judge.name();
  const open = samples.flatMap((sample): Open[] => {
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
  const asked = waiting.length === 0 ? 0 : await askAll(judge, name, waiting, replies, signal, ({ sample }, how) => {
    settled.set(sample.key, how);
    onJudge?.({ done: settled.size, total: open.length });
  });
  return { judge: name, settled, asked };
}

/** Asks several at once; each reply is on disk before its asker asks anything else. @returns how many replies came  @throws what asking or keeping throws first; the signal's reason */
async function askAll(judge: Judge, name: JudgeName, waiting: readonly Open[], replies: Replies, signal: AbortSignal | undefined, settle: (one: Open, how: Settled) => void): Promise<number> {
  await using asking = await judge.open();
  const underWay = new Map<string, Promise<void>>(); // many answers say the same: what another is just asking is waited for
  let asked = 0;
  const ask = async (key: string, { sample, verdict: { judge: request } }: Open, attempt: number, stop: AbortSignal): Promise<void> => {
    const reply = await asking.ask(request, attempt, stop);
    await replies.keep(key, reply, { task: sample.data.task.name, id: sample.id, model: request.model });
    asked++;
  };
  await inParallel(waiting, async (one, stop) => {
    let known = fromKept(name, one.verdict, replies);
    for (; !known.done; known = fromKept(name, one.verdict, replies)) {
      const { calls } = known.settled;
      const key = replyKey(name, one.verdict.judge, calls);
      const reply = underWay.get(key) ?? ask(key, one, calls, stop).finally(() => underWay.delete(key));
      underWay.set(key, reply);
      await reply;
    }
    settle(one, known.settled);
  }, signal, judge.concurrency);
  return asked;
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
