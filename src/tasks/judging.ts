import type { JudgeRequest, OpenVerdict, Verdict } from './task.ts';

/** Puts an open verdict to a judge until a reply is a verdict or its tries are used up; waiting between tries is for `ask` to do.
 * @param ask the reply to a request, undefined when it failed
 * @returns with how often was asked and the last reply that came */
export async function judged({ judge, settle }: OpenVerdict, ask: (request: JudgeRequest) => Promise<string | undefined>): Promise<{ verdict: Verdict; calls: number; reply?: string }> {
  let last: string | undefined;
  for (let calls = 1; calls <= judge.tries; calls++) {
    const reply = await ask(judge);
    if (reply === undefined) continue;
    last = reply;
    const verdict = settle(reply);
    if (verdict) return { verdict, calls, reply };
  }
  return { verdict: settle(undefined)!, calls: judge.tries, reply: last };
}
