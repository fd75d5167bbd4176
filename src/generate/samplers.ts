import { StaveError } from '../errors.ts';
import type { Random } from './random.ts';

/** How the next token is drawn, named as in generation_config.json. A field that is absent leaves the logits alone. */
export type Sampling = {
  /** Logits of tokens seen before are divided by it if over 0, multiplied if under: over 1 discourages repeats. arXiv:1909.05858 */
  repetition_penalty?: number;
  /** Taken from the logits of tokens that the answer holds already, however often: over 0 discourages repeats. As OpenAI's API has it; the prompt does not count. */
  presence_penalty?: number;
  /** Logits are divided by it. 0: the likeliest token, always. */
  temperature?: number;
  /** Keeps the k likeliest tokens and those as likely as the k-th; 0: all. */
  top_k?: number;
  /** Keeps the likeliest tokens whose probabilities together just reach it. arXiv:1904.09751 */
  top_p?: number;
  /** Keeps tokens at least this likely relative to the likeliest. arXiv:2407.01082 */
  min_p?: number;
};

/** Tokens that may come next: ascending ids with their probabilities, which add up to 1. */
export type Candidates = { ids: Int32Array; probabilities: Float64Array };

/** The tokens that may come next and how likely each is, the filters applied in transformers' order: repetition penalty, temperature, top-k, top-p, min-p; the presence penalty behind the first.
 * @param logits [vocab_size], left as they are   @param previous ids of the whole sequence so far, prompt included   @param said of the answer so far   @throws RUNTIME for logits that are no numbers */
export function candidates(logits: Float32Array, previous: Iterable<number>, { repetition_penalty = 1, presence_penalty = 0, temperature = 1, top_k = 0, top_p = 1, min_p = 0 }: Sampling, said: Iterable<number> = []): Candidates {
  const scores = lessPresent(penalize(logits, previous, repetition_penalty), said, presence_penalty);
  const best = greedy(scores);
  if (temperature === 0) return { ids: Int32Array.of(best), probabilities: Float64Array.of(1) };
  const weight = (id: number) => Math.exp((scores[id] - scores[best]) / temperature); // 1 for the likeliest

  const threshold = top_k > 0 && top_k < scores.length ? kthLargest(scores, top_k) : -Infinity;
  let ids = indices(scores.length, (id) => scores[id] >= threshold && scores[id] > -Infinity);
  if (top_p < 1) ids = nucleus(ids, weight, top_p);
  if (min_p > 0) ids = ids.filter((id) => weight(id) >= Math.min(min_p, 1));
  const probabilities = Float64Array.from(ids, weight);
  const total = sum(probabilities);
  return { ids, probabilities: probabilities.map((w) => w / total) };
}

/** Draws the next token. The same generator state gives the same token. */
export function sample(logits: Float32Array, previous: Iterable<number>, sampling: Sampling, random: Random, said?: Iterable<number>): number {
  const { ids, probabilities } = candidates(logits, previous, sampling, said);
  let left = random.next();
  for (let i = 0; i < ids.length - 1; i++) if ((left -= probabilities[i]) < 0) return ids[i];
  return ids[ids.length - 1];
}

/** The likeliest token; of equals the one with the smallest id, as torch.argmax gives. @throws RUNTIME for logits that are no numbers */
export function greedy(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  if (logits[best] > -Infinity) return best;
  throw notNumbers(`${logits[best]} for token ${best}`);
}

/** @param seen what shows it */
export function notNumbers(seen: string): StaveError {
  return new StaveError('RUNTIME', { what: `the model's logits are not numbers: ${seen}`, why: 'its weights may be damaged, or their type too narrow for what they compute', fix: 'check the weights against their source' });
}

/** Logits with the repetition penalty on every token that occurs in `previous`; the same array when there is none. */
export function penalize(logits: Float32Array, previous: Iterable<number>, penalty: number): Float32Array {
  if (penalty === 1) return logits;
  const scores = logits.slice();
  for (const id of new Set(previous)) if (id < scores.length) scores[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
  return scores;
}

/** Logits less the penalty on every token that occurs in `said`; the same array when there is none. */
function lessPresent(logits: Float32Array, said: Iterable<number>, penalty: number): Float32Array {
  if (penalty === 0) return logits;
  const scores = logits.slice();
  for (const id of new Set(said)) if (id < scores.length) scores[id] -= penalty;
  return scores;
}

/** The fewest likeliest ids whose weights reach `share` of all; at least one. Of equals the larger id comes first, as in transformers' sort.
 * A vocabulary has 150,000 tokens, a nucleus a few: only weights over a floor are sorted, a lower one as long as those do not suffice. */
function nucleus(ids: Int32Array, weight: (id: number) => number, share: number): Int32Array {
  const weights = Float64Array.from(ids, weight);
  const wanted = share * sum(weights);
  for (let floor = 0.1; ; floor = floor > 1e-12 ? floor / 100 : 0) {
    const high = indices(ids.length, (i) => weights[i] >= floor);
    if (floor > 0 && high.reduce((sum, i) => sum + weights[i], 0) < wanted) continue;
    high.sort((a, b) => weights[b] - weights[a] || b - a);
    let count = 0;
    for (let reached = 0; count === 0 || (reached < wanted && count < high.length); count++) reached += weights[high[count]];
    return high.subarray(0, count).map((i) => ids[i]).toSorted();
  }
}

/** @param k at least 1, at most the number of scores */
function kthLargest(scores: Float32Array, k: number): number {
  if (k > 256) return scores.toSorted()[scores.length - k];
  const top = new Float32Array(k).fill(-Infinity); // descending
  for (const score of scores) {
    if (!(score > top[k - 1])) continue;
    let at = k - 1;
    for (; at > 0 && top[at - 1] < score; at--) top[at] = top[at - 1];
    top[at] = score;
  }
  return top[k - 1];
}

/** The integers under n that are to be kept, ascending. */
function indices(n: number, keep: (i: number) => boolean): Int32Array {
  const kept = new Int32Array(n);
  let count = 0;
  for (let i = 0; i < n; i++) if (keep(i)) kept[count++] = i;
  return kept.slice(0, count);
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
