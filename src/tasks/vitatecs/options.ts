import { pythonRandom } from '../python/random.ts';
import { capitalize } from '../python/text.ts';
import type { Option, Protocol } from '../task.ts';

/** What of a row makes its question. */
export type CaptionPair = { caption: string; counterfactual: string };

/** The seed of a question's coin: code points of both texts, summed, mod 100. */
export function coinSeed({ caption, counterfactual }: CaptionPair): number {
  return [...(caption + counterfactual)].reduce((sum, character) => sum + character.codePointAt(0)!, 0) % 100;
}

/** The number drawn with a seed; over ½ the caption stands first. */
export function coin(seed: number): { random: number; captionFirst: boolean } {
  const random = pythonRandom(seed)();
  return { random, captionFirst: random > 0.5 };
}

/** An option as it stands in the prompt. `paper`: a full stop at the end, and Python's `capitalize`, which turns `A BMW` to `A bmw`. `strict`: the text's own case. */
export function optionText(text: string, protocol: Protocol = 'paper'): string {
  const sentence = text.endsWith('.') ? text : `${text}.`;
  return protocol === 'strict' ? sentence : capitalize(sentence);
}

/** What is looked for in an answer, in lower case as the answer is. */
export function matchingText(text: string): string {
  return (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
}

/** The two options in their order, and the caption's letter. */
export function optionsOf(pair: CaptionPair, protocol: Protocol = 'paper'): { options: [Option, Option]; right: Option } {
  const { captionFirst } = coin(coinSeed(pair));
  const texts = captionFirst ? [pair.caption, pair.counterfactual] : [pair.counterfactual, pair.caption];
  const options = texts.map((text, i) => ({ letter: 'AB'[i], text: optionText(text, protocol) })) as [Option, Option];
  return { options, right: options[captionFirst ? 0 : 1] };
}
