import type { PromptTokens } from '../plan.ts';
import { storedBytes, type StoredPositions } from '../kv-cache.ts';
import { Contents } from './contents.ts';
import { Lru } from './lru.ts';
import { Turn } from './turn.ts';

/** Visual tokens of videos or images that went through the encoder together, [tokens, hidden_size] each, and what was wrong with their files. */
export type EncodedMedia = { bytes: number; parts: Float32Array[]; damage: string[][] };

/** A video or image of a prompt: what its visual tokens are of, how many, what was wrong with its file. */
export type SeenMedia = { key: string; tokens: number; damage: readonly string[] };

/** A prompt that has been through the language model. */
export type StoredPrompt = { bytes: number; prompt: PromptTokens; media: readonly SeenMedia[]; stored: StoredPositions };

/** What a prompt and an earlier one have in common: so many positions, and the videos and images within. */
export type Beginning = { of: StoredPrompt; length: number; media: number };

/** What a model has worked out and may need again, for later questions on the same videos and for conversations that go on. */
export class Reuse {
  readonly contents = new Contents();
  /** Encoding under way by key: who needs the same waits. undefined: it came to nothing. */
  readonly underWay = new Map<string, Promise<EncodedMedia | undefined>>();
  /** Prompts go through the language model one after the other: a second question about a clip finds the first one's keys and values. The engine does one thing at a time anyway. */
  readonly prefill = new Turn();
  readonly encoded: { get(key: string): EncodedMedia | undefined; set(key: string, value: EncodedMedia): void };
  readonly #kept: Lru<EncodedMedia | StoredPrompt>;
  #names = 0;
  #closed = false;

  /** @param limit bytes  */
  constructor(limit: number) {
    this.#kept = new Lru(limit);
    this.encoded = {
      get: (key) => this.#kept.get(`media ${key}`) as EncodedMedia | undefined,
      set: (key, value) => this.#keep(`media ${key}`, value),
    };
  }

  get enabled(): boolean {
    return this.#kept.limit > 0 && !this.#closed;
  }

  /** Bytes kept now. */
  get bytes(): number {
    return this.#kept.bytes;
  }

  /** The earlier prompt that begins like this one for longest, up to a place where both are cut. At least one token is left to do. @param media their keys and tokens */
  beginningOf(prompt: PromptTokens, media: readonly Omit<SeenMedia, 'damage'>[], countBefore: (position: number) => number): Beginning | undefined {
    let best: { name: string; beginning: Beginning } | undefined;
    for (const [name, kept] of this.#kept.entries()) {
      if (!('prompt' in kept)) continue;
      for (const length of prompt.cuts.toReversed()) {
        if (length <= (best?.beginning.length ?? 0)) break;
        const count = countBefore(length);
        if (!beginAlike(prompt, kept.prompt, length) || !media.slice(0, count).every(({ key }, i) => key === kept.media[i]?.key)) continue;
        best = { name, beginning: { of: kept, length, media: count } };
        break;
      }
    }
    if (best !== undefined) this.#kept.get(best.name); // a use
    return best?.beginning;
  }

  /** Keeps a prompt. It takes the place of the one whose beginning it shares, unless that one goes on with other videos or images. */
  keepPrompt(prompt: PromptTokens, media: readonly SeenMedia[], stored: StoredPositions, beginning: Beginning | undefined): void {
    if (beginning !== undefined && beginning.media === beginning.of.media.length) for (const [name, kept] of this.#kept.entries()) if (kept === beginning.of) this.#kept.delete(name);
    this.#keep(`prompt ${this.#names++}`, { bytes: storedBytes(stored) + 20 * prompt.ids.length, prompt, media, stored });
  }

  /** Frees everything, and keeps nothing more. */
  close(): void {
    this.#closed = true;
    this.#kept.clear();
    this.contents.clear();
  }

  #keep(name: string, value: EncodedMedia | StoredPrompt): void {
    if (!this.#closed) this.#kept.set(name, value);
  }
}

/** Whether two prompts have the same tokens at the same positions up to `length`, where both are cut or end, and the same cuts before. */
function beginAlike(a: PromptTokens, b: PromptTokens, length: number): boolean {
  const cuts = ({ ids, cuts }: PromptTokens) => [...cuts, ids.length].filter((cut) => cut <= length).join();
  if (cuts(a) !== cuts(b)) return false;
  const [rowA, rowB] = [a.ids.length, b.ids.length];
  for (let i = 0; i < length; i++) if (a.ids[i] !== b.ids[i]) return false;
  for (let row = 0; row < 3; row++) for (let i = 0; i < length; i++) if (a.position_ids[row * rowA + i] !== b.position_ids[row * rowB + i]) return false;
  return true;
}
