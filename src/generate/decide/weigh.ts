import { logSumExp } from './score.ts';

/** What makes one choice likelier than another, in nats, up to a constant: spellings of a choice exclude each other, so their probabilities add up. */
export function weightsOf(choices: readonly { spellings: readonly { logprob: number; tokens: number }[] }[], normalize: 'sum' | 'mean'): number[] {
  return choices.map(({ spellings }) => logSumExp(spellings.map(({ logprob, tokens }) => (normalize === 'mean' ? logprob / tokens : logprob))));
}
