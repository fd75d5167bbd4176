import { StaveError } from '../../errors.ts';
import type { AnswerResult } from '../answer.ts';
import { Clock } from '../clock.ts';
import { glance, type Glance } from '../media.ts';
import { splitMedia, systemOf, type ChatMessage } from '../messages.ts';
import type { AnswerSettings, QuestionOptions, ReadingOptions } from '../plan.ts';
import { prefill, type LoadedModel, type Opened } from '../prefill.ts';
import type { GenerationOptions } from '../settings.ts';
import { readChoices, type Choices } from './choices.ts';
import { countBranches, logProbabilities, logSumExp } from './score.ts';
import { spell, type Spelled } from './tokens.ts';
import { weightsOf } from './weigh.ts';

export type DecideOptions = Omit<QuestionOptions, keyof GenerationOptions> & {
  /** `sum` (default): a choice counts with the probability of its whole answer. `mean`: with that of its tokens on average, which takes the disadvantage from long ones. */
  normalize?: 'sum' | 'mean';
  /** What the logarithms are divided by before they become probabilities: over 1 more cautious, under 1 surer. Default 1. */
  temperature?: number;
  /** Whether a choice is a whole answer (default), or all answers that begin so. */
  end_of_turn?: boolean;
};

/** A choice with what the model gives for it. */
export type ChoiceResult = { choice: string; /** Among the choices; they sum to 1. */ probability: number; /** Natural logarithm of the probability of just this answer among all that the model could give. */ logprob: number; /** How it can be spelled, its tokens, the end of the turn included if it counts. */ spellings: { text: string; logprob: number; tokens: number }[] };

/** A decision with everything that led to it; plain data. */
export type Decision = Glance & Pick<AnswerResult, 'media' | 'prompt_tokens' | 'visual_tokens' | 'reused' | 'model' | 'device' | 'system' | 'peak_memory' | 'temporal_scope' | 'time_rounding'> & {
  /** The likeliest. */
  choice: string;
  /** In the order given. */
  choices: ChoiceResult[];
  /** Probability that the model answers with one of the choices at all; little means that it would rather say something else. */
  mass: number;
  /** Of numbers: their mean, each weighted with its probability; else null. */
  score: number | null;
  normalize: 'sum' | 'mean';
  temperature: number;
  end_of_turn: boolean;
  sampling: Omit<AnswerSettings['sampling'], 'tokens'>;
  /** Seconds; `choices`: after the prompt. */
  timings: Omit<AnswerResult['timings'], 'generate'> & { choices: number };
};

/** What will be decided between, and how the prompt is read for it. */
export type Asked = Required<Pick<DecideOptions, 'normalize' | 'temperature' | 'end_of_turn'>> & { spelled: Spelled[]; reading: ReadingOptions };

/** @throws USAGE */
export function askedOf({ files }: LoadedModel, messages: readonly ChatMessage[], choices: Choices, options: DecideOptions): Asked {
  const { normalize = 'sum', temperature = 1, end_of_turn = true, ...rest } = options;
  if (!(typeof temperature === 'number' && temperature > 0 && temperature <= 1e6)) throw new StaveError('USAGE', { what: `temperature is ${JSON.stringify(temperature)}`, fix: 'give a number over 0; 1 leaves the probabilities as they are' });
  if (normalize !== 'sum' && normalize !== 'mean') throw new StaveError('USAGE', { what: `normalize is ${JSON.stringify(normalize)}`, fix: 'give "sum" or "mean"' });
  const spelled = spell(files, splitMedia(messages).messages, readChoices(choices), end_of_turn);
  const sequences = spelled.flatMap(({ tokens }) => tokens);
  const longest = Math.max(...sequences.map(({ length }) => length));
  return { normalize, temperature, end_of_turn, spelled, reading: { ...rest, max_new_tokens: longest, branches: countBranches(sequences) } };
}

/** Reads the prompt once, then all choices behind it side by side. @param opened see prefill()  @throws USAGE, and as an answer does */
export async function decide(model: LoadedModel, messages: readonly ChatMessage[], choices: Choices, options: DecideOptions, opened?: Opened): Promise<Decision> {
  const clock = new Clock();
  const { normalize, temperature, end_of_turn, spelled, reading } = askedOf(model, messages, choices, options);
  const { plan, prompt, made, decoder, logits, reused } = await prefill(model, messages, reading, clock, opened);
  const logprobs = await logProbabilities(decoder, logits, spelled.flatMap(({ tokens }) => tokens), prompt.rope_delta, options.signal);
  clock.lap('generate');

  const results = weigh(spelled, logprobs, normalize, temperature);
  const { tokens: _, ...sampling } = made.sampling;
  const { generate, ...laps } = clock.laps;
  return {
    ...glance(plan.media),
    choice: results.reduce((best, one) => (one.probability > best.probability ? one : best)).choice,
    choices: results,
    mass: Math.min(1, results.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)),
    score: spelled.every(({ value }) => value !== null) ? results.reduce((sum, { probability }, i) => sum + probability * spelled[i].value!, 0) : null,
    normalize, temperature, end_of_turn,
    media: plan.media,
    prompt_tokens: plan.prompt_tokens,
    visual_tokens: plan.visual_tokens,
    reused,
    timings: { load: model.loadTime, ...laps, choices: generate, total: clock.total },
    model: model.info,
    device: model.device,
    sampling,
    temporal_scope: made.temporal_scope,
    time_rounding: made.time_rounding,
    system: systemOf(messages),
    peak_memory: process.resourceUsage().maxRSS * 1024,
  };
}

/** @param logprobs of all spellings, one choice after the other */
function weigh(spelled: readonly Spelled[], logprobs: readonly number[], normalize: 'sum' | 'mean', temperature: number): ChoiceResult[] {
  let at = 0;
  const found = spelled.map(({ name, spellings, tokens }) => ({ choice: name, spellings: spellings.map((text, i) => ({ text, logprob: logprobs[at++], tokens: tokens[i].length })) }));
  const weights = weightsOf(found, normalize).map((weight) => weight / temperature);
  const total = logSumExp(weights);
  return found.map(({ choice, spellings }, i) => ({ choice, probability: Math.exp(weights[i] - total), logprob: logSumExp(spellings.map(({ logprob }) => logprob)), spellings }));
}
