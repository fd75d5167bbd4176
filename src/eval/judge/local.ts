/** A judge on this machine: a language model that stave runs, asked without a video. */
import type { AskOptions } from '../../generate/index.ts';
import type { JudgeRequest } from '../../tasks/index.ts';
import type { EvalModel } from '../run.ts';
import type { Judge } from './judge.ts';

/** What is drawn is drawn with the attempt's number as seed. */
export function localJudge(model: EvalModel): Judge {
  return {
    concurrency: 1, // it has all cores
    async name() {
      const { name, fingerprint } = await model.info();
      return { kind: 'model', name, fingerprint };
    },
    async open() {
      const loaded = await model.load();
      return {
        ask: async ({ messages, settings }, attempt, signal) => (await loaded.generate(messages, { ...optionsOf(settings), seed: attempt, signal }).result()).text,
        [Symbol.asyncDispose]: () => loaded[Symbol.asyncDispose](),
      };
    },
  };
}

/** Settings of OpenAI's API are all that there is: what it doesn't have, the checkpoint must not bring in. Settings of a call of transformers leave the rest to the checkpoint. */
function optionsOf({ max_tokens, max_new_tokens, ...settings }: JudgeRequest['settings']): AskOptions {
  return max_tokens === undefined ? { max_new_tokens, ...settings } : { max_new_tokens: max_tokens, top_k: 0, min_p: 0, repetition_penalty: 1, ...settings };
}
