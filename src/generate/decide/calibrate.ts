import { StaveError } from '../../errors.ts';
import { weightsOf } from './weigh.ts';
import type { Decision } from './decide.ts';
import { logSumExp } from './score.ts';

/** A decision and the choice that would have been right, by its name. */
export type Judged = { decision: Pick<Decision, 'choices' | 'normalize'>; truth: string };

export type Calibration = {
  /** For `decide`'s option of that name. */
  temperature: number;
  /** Mean −log probability of the right choice, in nats: at temperature 1, and at this one. */
  before: number;
  after: number;
};

/** Between these, in natural logarithms of the temperature. */
const RANGE = [Math.log(0.01), Math.log(100)] as const;

/** The temperature under which the right choices are likeliest in all: then probabilities are right about as often as they say. Which choice is the likeliest stays.
 * @param examples decisions at any temperature, all with the same `normalize`; some of the likeliest must be wrong, or the surest temperature is the best
 * @throws USAGE without examples, for unlike ones, and for a truth that is none of the choices */
export function calibrate(examples: readonly Judged[]): Calibration {
  if (examples.length === 0) throw new StaveError('USAGE', { what: 'there are no decisions to calibrate by', fix: 'give some whose right choice is known' });
  if (examples.some(({ decision }) => decision.normalize !== examples[0].decision.normalize)) throw new StaveError('USAGE', { what: 'some decisions are by "sum" and some by "mean"', fix: 'give those of one: each has a temperature of its own' });
  const logits = examples.map(({ decision: { choices, normalize }, truth }, i) => {
    const right = choices.findIndex(({ choice }) => choice === truth);
    if (right < 0) throw new StaveError('USAGE', { what: `the truth of decision ${i} is "${truth}"`, why: `its choices are ${choices.map(({ choice }) => `"${choice}"`).join(', ')}`, fix: 'give one of them' });
    return { weights: weightsOf(choices, normalize), right };
  });
  const loss = (temperature: number): number => logits.reduce((sum, { weights, right }) => sum + logSumExp(weights.map((weight) => (weight - weights[right]) / temperature)), 0) / logits.length;
  const temperature = Math.exp(lowest((log) => loss(Math.exp(log)), RANGE));
  return { temperature, before: loss(1), after: loss(temperature) };
}

/** Where a function that falls and then rises is lowest, to 1e-6: golden section. */
function lowest(f: (x: number) => number, [from, to]: readonly [number, number]): number {
  const part = (Math.sqrt(5) - 1) / 2;
  let a = from, b = to;
  let left = b - part * (b - a), right = a + part * (b - a);
  let [low, high] = [f(left), f(right)];
  while (b - a > 1e-6) {
    if (low <= high) {
      [b, right, high] = [right, left, low];
      left = b - part * (b - a);
      low = f(left);
    } else {
      [a, left, low] = [left, right, high];
      right = a + part * (b - a);
      high = f(right);
    }
  }
  return (a + b) / 2;
}
