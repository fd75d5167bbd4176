/** A judge on this machine: a language model that stave runs, asked without a video. */
import type { JudgeRequest } from '../../tasks/index.ts';
import type { EvalModel } from '../run.ts';
import type { Judge } from './judge.ts';

/** Penalties of the protocol that stave's sampler doesn't have are left out (`presence_penalty`); what is drawn is drawn with the attempt's number as seed. */
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

function optionsOf({ max_tokens, max_new_tokens = max_tokens, temperature, top_p }: JudgeRequest['settings']) {
  return { max_new_tokens, ...(temperature === undefined ? {} : { temperature }), ...(top_p === undefined ? {} : { top_p }) };
}
