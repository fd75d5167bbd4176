import { strip } from './python/text.ts';
import type { Option } from './task.ts';

/** Which option an answer names; undefined: none, or more than one. The strict protocols read answers with it, in place of the references' parsers,
 * which take `It is a cup` for A or `Do you mean C?` for D. In this order:
 * 1. nothing but a letter, brackets and punctuation aside: `b`, `(B)`, `**B.**`
 * 2. a letter set off at the start: `B. Red`, `(B) Red`, `B: Red`
 * 3. what is called the answer, when it is the same letter each time: `The answer is B`, `Answer: (B)`, `option B`
 * 4. the text of one option, and of no other, letter case and a final full stop aside. */
export function chosenOption(answer: string, options: readonly Option[]): Option | undefined {
  const said = strip(answer.replaceAll(/[*`]/g, ''));
  const byLetter = (letter: string | undefined) => options.find((option) => option.letter === letter?.toUpperCase());
  const alone = /^[([{"'“]*(\p{L})[)\]}"'”.:,;!。]*$/u.exec(said);
  if (alone) return byLetter(alone[1]);
  const leading = /^(?:\(([A-Za-z])\)|\[([A-Za-z])\]|([A-Z])[.:)])(?=\s|$)/.exec(said);
  if (leading) return byLetter(leading[1] ?? leading[2] ?? leading[3]);
  const called = new Set(Array.from(said.matchAll(/\b(?:answer|option|choice)\b(?: is|:|\s)*[\s(["'“]*([A-Z])(?![\p{L}\p{N}_'’])/giu), ([, letter]) => letter).filter((letter) => letter === letter.toUpperCase()));
  if (called.size > 0) return called.size === 1 ? byLetter([...called][0]) : undefined;
  const text = plain(said);
  const equal = options.filter((option) => plain(option.text) === text);
  if (equal.length > 0) return equal.length === 1 ? equal[0] : undefined;
  const named = options.filter((option) => plain(option.text) !== '' && ` ${text} `.includes(` ${plain(option.text)} `));
  const longest = named.filter((option) => !named.some((other) => other !== option && plain(other.text).includes(plain(option.text)))); // “moves left” is no answer where “moves left quickly” was said
  return longest.length === 1 ? longest[0] : undefined;
}

/** Words alone: lower case, punctuation and runs of white space made one space. */
function plain(text: string): string {
  return strip(text.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M}]+/gu, ' '));
}

/** A, B, C, … for texts in their order. */
export function lettered(texts: readonly string[]): Option[] {
  return texts.map((text, i) => ({ letter: String.fromCharCode(65 + i), text }));
}
