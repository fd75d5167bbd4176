import type { Branches, Decoder } from '../decoder.ts';
import { notNumbers } from '../samplers.ts';

/** Where the probability of a token stands: in the logits behind which branch token (−1: behind the prompt). */
type Step = { behind: number; id: number };

/** log P of each sequence of tokens behind a prompt, all in one go: sequences that begin alike share their beginning, the rest stand side by side as branches that do not see each other.
 * @param decoder has seen the prompt; it cannot go on afterwards  @param logits behind the prompt, [vocab_size]
 * @returns in nats, Σ log P(token | all before)  @throws RUNTIME for logits that are no numbers */
export async function logProbabilities(decoder: Decoder, logits: Float32Array, sequences: readonly (readonly number[])[], rope_delta: number, signal?: AbortSignal): Promise<number[]> {
  const { branches, steps } = tree(sequences);
  const wanted = new Map<number, Set<number>>(); // ids by branch token
  for (const { behind, id } of steps.flat()) wanted.set(behind, (wanted.get(behind) ?? new Set()).add(id));
  const found = new Map<string, number>();
  const look = (behind: number, row: Float32Array) => {
    const total = logSumExp(row);
    if (!Number.isFinite(total)) throw notNumbers(`their log Σ exp is ${total}`);
    for (const id of wanted.get(behind)!) found.set(`${behind} ${id}`, row[id] - total);
  };
  look(-1, logits);
  for await (const { first, logits: rows } of decoder.branch(branches, rope_delta, { signal })) {
    const vocabulary = logits.length;
    for (let i = 0; i < rows.length / vocabulary; i++) look(first + i, rows.subarray(i * vocabulary, (i + 1) * vocabulary));
  }
  return steps.map((path) => path.reduce((sum, { behind, id }) => sum + found.get(`${behind} ${id}`)!, 0));
}

/** Tokens that go through the model behind the prompt for these sequences. */
export const countBranches = (sequences: readonly (readonly number[])[]): number => tree(sequences).branches.ids.length;

/** The tokens that others come behind, each once, and the path of every sequence. */
function tree(sequences: readonly (readonly number[])[]): { branches: Branches; steps: Step[][] } {
  const ids: number[] = [];
  const parents: number[] = [];
  const known = new Map<string, number>(); // "parent id" → number
  const steps = sequences.map((sequence) => {
    let behind = -1;
    return sequence.map((id, i) => {
      const step = { behind, id };
      if (i === sequence.length - 1) return step;
      const name = `${behind} ${id}`;
      const number = known.get(name) ?? ids.push(id) - 1;
      if (!known.has(name)) parents.push(behind);
      known.set(name, number);
      behind = number;
      return step;
    });
  });
  return { branches: { ids, parents }, steps };
}

/** log Σ exp, summed in float64. */
export function logSumExp(values: ArrayLike<number>): number {
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > largest) largest = values[i];
  if (largest === -Infinity) return largest;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - largest);
  return largest + Math.log(sum);
}
