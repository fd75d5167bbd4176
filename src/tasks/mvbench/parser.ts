import { SPACE, WORD, strip, stripCharacter } from '../python/text.ts';

/** The reference's way from an answer to what it compares: a capital letter A–E, or else the text itself in lower case. `It is a cup` gives A, `I'd say C` gives D,
 * `B。` gives B and `答案是B` none: all of it is kept, since the published numbers were made with it. Source: mcq_acc in lmms_eval/tasks/mvbench/utils.py
 * @returns letter: what was found, absent where the text is compared */
export function parseAnswer(answer: string): { letter?: string; compared: string } {
  const leading = new RegExp(`^([A-Ea-e])\\.[${SPACE}]*([^\\n]+)$`, 'u').exec(strip(answer));
  if (leading) return found(leading[1]);
  let text = withoutPunctuation(strip(answer.replaceAll('\n', ' ').replaceAll('\t', ' ')));
  for (const character of ["'", '"', ')', '(']) text = stripCharacter(text, character);
  text = strip(text).toLowerCase();
  const alone = new RegExp(`(?<![${WORD}])[a-e](?![${WORD}])`, 'u').exec(text);
  return alone ? found(alone[0]) : { compared: text };
}

const found = (letter: string) => ({ letter: letter.toUpperCase(), compared: letter.toUpperCase() });

const punctuation = [...';/[]"{}()=+\\_-><@`,?!'];
const FULL_STOPS = 32; // the flag re.UNICODE is handed over as the number of replacements

/** Each mark is deleted everywhere if anywhere in the text it stands beside a space, or if a comma stands between digits anywhere; else it becomes a space. Full stops go unless a digit follows. */
function withoutPunctuation(text: string): string {
  const commaInNumber = /\p{Nd},\p{Nd}/u.test(text);
  let out = text;
  for (const mark of punctuation) {
    const beside = text.includes(`${mark} `) || text.includes(` ${mark}`);
    out = out.replaceAll(mark, beside || commaInNumber ? '' : ' ');
  }
  let left = FULL_STOPS;
  return out.replaceAll(/\.(?!\p{Nd})/gu, (stop) => (left-- > 0 ? '' : stop));
}
