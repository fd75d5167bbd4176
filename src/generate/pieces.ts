/** In which pieces a prompt, and what branches off behind it, goes through the language model. */
import type { Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { BLOCK } from './kv-cache.ts';

/** Positions of a piece at most: more make the kernels no faster. */
const MOST = 512;

/** Positions of a piece at least, however long the prompt: fewer would leave the kernels idle. */
const LEAST = 64;

/** Bytes that a layer's attention scores may take, which a piece has with all positions before it. */
const SCORES = 256e6;

/** Entries held for each score at the fullest moment: scores, scores and mask, weights. */
const COPIES = 3;

/** Bytes of logits that a run of branches may give at once. */
const LOGITS = 64e6;

/** How many positions go through the model at once behind `start` others. It follows from the place alone, so that a prompt's beginning is read alike whatever comes after it. */
export function pieceLength(heads: number, start: number): number {
  const fitting = Math.floor(SCORES / (4 * COPIES * heads * (start + MOST)));
  return Math.max(LEAST, Math.min(MOST, Math.floor(fitting / LEAST) * LEAST));
}

/** Bytes of attention scores of the fullest piece of a prompt, wherever its sections end. Pieces get shorter in steps, so that may be any of those before a step. */
export function scoreBytes(heads: number, prompt: number): number {
  let most = 0;
  for (let length = LEAST; length <= MOST; length += LEAST) {
    const last = length === LEAST ? prompt : Math.floor(SCORES / (4 * COPIES * heads * length)) - MOST; // the last place where a piece is that long
    const positions = Math.min(length, prompt);
    if (last >= 0) most = Math.max(most, positions * (Math.min(last + positions, prompt) + BLOCK - 1)); // the cache has room for up to BLOCK - 1 more
  }
  return 4 * COPIES * heads * most;
}

type Sizes = Pick<Qwen2VLConfig, 'num_attention_heads' | 'vocab_size'>;

/** How many tokens of branches go through the model at once behind a prompt: each gives logits. */
export function branchLength({ num_attention_heads, vocab_size }: Sizes, prompt: number): number {
  return Math.max(1, Math.min(pieceLength(num_attention_heads, prompt), Math.floor(LOGITS / (4 * vocab_size))));
}

/** Bytes of attention scores and logits of the fullest run of so many tokens of branches: it has those before it in the cache. Logits are there as they come from the engine, as they are
 * fetched, and as they were fetched of the run before until these are collected. */
export function branchBytes(config: Sizes, prompt: number, branches: number): number {
  const tokens = Math.min(branchLength(config, prompt), branches);
  return 4 * tokens * (COPIES * config.num_attention_heads * (prompt + branches + BLOCK - 1) + 3 * config.vocab_size);
}
