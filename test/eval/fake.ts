/** What stands in for a model: answers by a function, at once when it may. */
import type { AnswerResult, AskOptions, ChatMessage, Choices, Decision } from '../../src/generate/index.ts';
import type { EvalModel } from '../../src/eval/index.ts';

export type Asked = { messages: readonly ChatMessage[]; options: AskOptions };

/** @param say the answer to a question's text  @param asked gets every question  @returns a model whose `loads` counts how often it was loaded */
export function fakeModel(say: (prompt: string, asked: Asked) => string | Promise<string>, { fingerprint = 'fa4e', asked = [] as Asked[] } = {}): EvalModel & { loads: number } {
  const model = {
    loads: 0,
    info: async () => ({ name: 'fake', dir: 'fake', parameters: 0, temporal_attention: null, adapter: null, weights: { vision: 'f32', language: 'f32', embeddings: 'f32', head: 'f32' }, fingerprint }),
    async load() {
      model.loads++;
      return {
        generate: (messages: readonly ChatMessage[], options: AskOptions) => ({
          async result() {
            await options.after;
            asked.push({ messages, options });
            return { ...result, text: await say(promptOf(messages), { messages, options }), media: mediaOf(messages) } as unknown as AnswerResult;
          },
        }),
        async decideReply(messages: readonly ChatMessage[], choices: Choices, options: AskOptions = {}) {
          await options.after;
          asked.push({ messages, options });
          const said = await say(promptOf(messages), { messages, options });
          const spellings = choices as string[][];
          const found = spellings.findIndex((spelled) => spelled.includes(said));
          const likeliest = Math.max(found, 0);
          return { ...result, choice: spellings[likeliest][0], choices: spellings.map(([choice], i) => ({ choice, probability: i === likeliest ? 1 : 0 })), mass: found < 0 ? 0 : 1, media: mediaOf(messages) } as unknown as Decision;
        },
        async [Symbol.asyncDispose]() {},
      };
    },
  };
  return model;
}

const result = { token_ids: [1], finish_reason: 'stop', prompt_tokens: 10, visual_tokens: 4, timings: { total: 0.001 } };

const parts = (messages: readonly ChatMessage[]) => messages.filter(({ role }) => role === 'user').flatMap(({ content }) => (typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content));

export const promptOf = (messages: readonly ChatMessage[]): string => parts(messages).map((part) => (part.type === 'text' ? part.text : '')).join('');

const mediaOf = (messages: readonly ChatMessage[]) => parts(messages).flatMap((part) => {
  if (part.type !== 'video') return [];
  const frames = typeof part.video === 'string' ? [{ index: 0, time: 0 }] : part.video.map(({ index, time }) => ({ index, time }));
  const source = typeof part.video === 'string' ? { width: 56, height: 56 } : { width: part.video[0].width, height: part.video[0].height };
  return [{ kind: 'video', frames, grid: [1, 4, 4], sizes: { source, input: { width: 56, height: 56 } }, damage: [] }];
});
