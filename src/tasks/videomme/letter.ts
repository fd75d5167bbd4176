/** Deleted everywhere before a letter is looked for, in this order. The last two are two texts each that the reference's source runs together for lack of a comma:
 * `Best answer:` alone stays, and gives B. */
const prefixes = ['The best answer is', 'The correct answer is', 'The answer is', 'The answer', 'The best option isThe correct option is', 'Best answer:Best option:'];

/** The reference's choice: the first capital A, B, C or D anywhere, also inside a word; empty when there is none. `Answer: C` gives A, `Definitely B` gives D.
 * Source: extract_characters_regex in lmms_eval/tasks/videomme/utils.py, whose test for ten words changes nothing */
export function firstCapital(answer: string): 'A' | 'B' | 'C' | 'D' | '' {
  const rest = prefixes.reduce((text, prefix) => text.replaceAll(prefix, ''), answer);
  return (/[ABCD]/.exec(rest)?.[0] ?? '') as 'A' | 'B' | 'C' | 'D' | '';
}
