import { StaveError } from '../errors.ts';
import type { DeviceInfo } from './device/choose.ts';
import type { Glance, MediaPlan } from './media.ts';
import type { ModelInfo } from './model-files.ts';
import type { AnswerSettings } from './plan.ts';
import type { Reused } from './prefill.ts';

/** An answer with everything that led to it; plain data. */
export type AnswerResult = Glance & AnswerSettings & {
  text: string;
  /** Tokens of the answer, the one that ended it included. */
  token_ids: number[];
  /** `stop`: the model ended it; `length`: max_new_tokens was reached. */
  finish_reason: 'stop' | 'length';
  /** Every video and image, in the order of the messages. */
  media: MediaPlan[];
  prompt_tokens: number;
  visual_tokens: number;
  /** Of these, what earlier questions to the model had worked out already. */
  reused: Reused;
  /** Seconds. `load` is the time the model took to load, once; `total` counts from the question. */
  timings: { load: number; plan: number; decode: number; vision: number; prefill: number; generate: number; total: number };
  /** After the first token; null for answers of one. */
  tokens_per_second: number | null;
  model: ModelInfo;
  /** Where it ran. */
  device: DeviceInfo;
  /** The system prompt; null: none was given. */
  system: string | null;
  /** Bytes, the largest resident size of this process so far. */
  peak_memory: number;
};

/** An answer being written: iterate over it for pieces of text, `result()` for the whole. Leaving the loop early stops the work. */
export class Answer implements AsyncIterable<string> {
  readonly #pieces: AsyncGenerator<string, AnswerResult>;
  readonly #result: Promise<AnswerResult>;
  #settle!: { resolve(result: AnswerResult): void; reject(error: unknown): void };
  #started = false;

  constructor(pieces: AsyncGenerator<string, AnswerResult>) {
    this.#pieces = pieces;
    this.#result = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.#result.catch(() => {}); // who only iterates gets the error there
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    if (this.#started) throw new StaveError('USAGE', { what: 'an answer can be read once', fix: 'ask again, or use result() for the whole text' });
    this.#started = true;
    let finished = false;
    try {
      for (;;) {
        const { done, value } = await this.#pieces.next();
        finished = done === true;
        if (done) return this.#settle.resolve(value);
        yield value;
      }
    } catch (error) {
      finished = true;
      this.#settle.reject(error);
      throw error;
    } finally {
      if (!finished) {
        await this.#pieces.return(undefined as never);
        this.#settle.reject(new StaveError('ABORTED', { what: 'the answer was left before its end', fix: 'read it to the end, or await result() alone' }));
      }
    }
  }

  /** The whole answer; reads it to the end if nobody does. */
  async result(): Promise<AnswerResult> {
    if (!this.#started) for await (const _ of this);
    return this.#result;
  }
}
