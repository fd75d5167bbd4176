/** The judge of SSv2-VSM and of the runs without training: a language model asked whether an answer is right. Source: evaluation.py beside each script */
import { strip } from '../python/text.ts';
import type { JudgeRequest, OpenVerdict, Verdict } from '../task.ts';

/** InternVideo2-Chat's script has no empty line before the last spaces. */
export type JudgeVariant = 'standard' | 'internvideo2-chat';

export function yesNoRequest(truth: string, answer: string, variant: JudgeVariant = 'standard'): JudgeRequest {
  const indent = ' '.repeat(8);
  const end = variant === 'standard' ? `\n\n${indent}` : `\n${indent}`;
  const text = `\n${indent}Ground Truth: ${truth}\n${indent}LLM Answer: ${answer}\n\n${indent}Based on the ground truth, is the LLM answer correct? Answer with a simple "Yes" or "No".${end}`;
  return {
    model: 'Qwen/Qwen2.5-7B-Instruct', // the supplement says Qwen2-7B
    messages: [{ role: 'system', content: 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }, { role: 'user', content: text }],
    settings: { max_new_tokens: 2048 },
    tries: 1,
  };
}

/** Right where the reply holds `yes` anywhere, also in `eyes` or `No, yes would be wrong`. */
export function saysYes(reply: string): boolean {
  return strip(reply).toLowerCase().includes('yes');
}

/** A verdict that the judge has to give; without one the answer counts as wrong. @param answer as it is written to the record */
export function openVerdict(truth: string, answer: string, variant: JudgeVariant = 'standard'): OpenVerdict {
  return {
    judge: yesNoRequest(truth, answer, variant),
    settle(reply): Verdict {
      const score = reply !== undefined && saysYes(reply) ? 1 : 0;
      return { score, counted: true, chosen: answer, record: { truth, answer, judge: reply ?? null, score } };
    },
  };
}
