/** Questions about captions, written by a language model. Source: the authors' staveq2-training/webvid_qa.py */
import { shuffled, type Draws } from '../draws.ts';
import type { JudgeRequest } from '../task.ts';
import { parseReply, type QaTurns } from './parse.ts';

export type Turns = 'single' | 'multi';

const several = 'Give a multi-turn question answer, like several question answer like a conversation.\n';

/** What the model is told; the caption follows directly. */
export function qaPrompt(turns: Turns): string {
  return `You are going to be provided a description about a video, based on the given description, give a question and answer for that video, like you are asking that question about the video.
Your response should be like this:
Question: (your generated question)
Answer: (your generated answer)
So first the question and then the answer.
${turns === 'multi' ? several : ''}Only use the information given in the description and not anything else.
Here is the description: 
`;
}

export const qaModel = { model: 'Qwen/Qwen2.5-7B-Instruct', generation: { max_new_tokens: 512 }, batch: 300 } as const;

/** The conversation that asks for questions. */
export function qaMessages(prompt: string): JudgeRequest['messages'] {
  return [{ role: 'system', content: 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }, { role: 'user', content: prompt }];
}

/** Which captions get a single question: the first third of them shuffled; the others several. */
export function splitCaptions<T>(captions: readonly T[], draws: Draws): Record<Turns, T[]> {
  const all = shuffled(captions, draws);
  const single = Math.floor(all.length / 3);
  return { single: all.slice(0, single), multi: all.slice(single) };
}

export type QaSample = { videoid: string } & QaTurns;

/** The prompts of captions in the batches that they are given to the model in. */
export function qaBatches(captions: readonly { name: string }[], { template, batch = qaModel.batch }: { template: string; batch?: number }): string[][] {
  const prompts = captions.map(({ name }) => template + name);
  return Array.from({ length: Math.ceil(prompts.length / batch) }, (_, i) => prompts.slice(i * batch, (i + 1) * batch));
}

/** Replies → samples; those without a question or an answer are dropped. @param replies one for each caption */
export function qaSamples(captions: readonly { videoid: string }[], replies: readonly string[], turns: Turns): QaSample[] {
  return captions.flatMap(({ videoid }, i) => {
    const found = parseReply(replies[i], turns);
    return found && found.question !== '' && found.answer !== '' ? [{ videoid, ...found }] : [];
  });
}
