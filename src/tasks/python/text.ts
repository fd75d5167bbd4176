/** What Python's `str` does where JavaScript does otherwise: the references are Python programs, and their published scores hang on these details. */

/** Python's white space (`str.isspace`, `\s`). JavaScript's lacks U+001C–001F and U+0085 and has U+FEFF. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** Python's `\w`: letters and numbers of any script, and `_`; no combining marks. To be used with the `u` flag. */
export const WORD = '\\p{L}\\p{N}_';

const ends = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'gu');

/** `text.strip()` */
export function strip(text: string): string {
  return text.replace(ends, '');
}

/** `text.strip(characters)`, for a single character. */
export function stripCharacter(text: string, character: string): string {
  let from = 0, to = text.length;
  while (from < to && text[from] === character) from++;
  while (to > from && text[to - 1] === character) to--;
  return text.slice(from, to);
}

/** `text.splitlines()`: more ends of lines than `\n`, and none after the last line. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/); // oxlint-disable-line no-control-regex -- these are what Python splits at
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** What reading a file opened as text gives: CRLF and CR are LF. */
export function universalNewlines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** `file.readlines()` without the ends of the lines. */
export function readLines(text: string): string[] {
  const lines = universalNewlines(text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** `text.capitalize()`: the first character in title case, all others in lower case; a Σ at the end of a word becomes ς. */
export function capitalize(text: string): string {
  const first = [...text].at(0);
  if (first === undefined) return '';
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length); // lower case of the whole: Σ depends on what stands before it
}

/** Digraphs have a title case of their own: ǆ → ǅ, not Ǆ. */
const digraphs = ['Ǆǅǆ', 'Ǉǈǉ', 'Ǌǋǌ', 'Ǳǲǳ'];
const georgian = /[\u10d0-\u10fa\u10fd-\u10ff]/; // Mkhedruli letters have an upper case that titles don't use
const IOTA_BELOW = '\u0345';

/** Title case of one character by Unicode's SpecialCasing: ß → Ss, ﬁ → Fi, ᾳ → ᾼ. */
function titleCase(character: string): string {
  const digraph = digraphs.find((forms) => forms.includes(character));
  if (digraph !== undefined) return digraph[1];
  if (georgian.test(character)) return character;
  const [first, ...others] = character.toUpperCase();
  if (others.length === 0 || character === 'ŉ') return character.toUpperCase(); // ʼN stays as it is
  if (others.at(-1) === 'Ι' && character.normalize('NFD').includes(IOTA_BELOW)) {
    return others.length === 1 ? (first + IOTA_BELOW).normalize('NFC') : first + others[0] + IOTA_BELOW;
  }
  return first + others.join('').toLowerCase();
}

/** Order of Python's `sorted` on texts: by code points. JavaScript compares UTF-16 units, which puts U+FFFD after an emoji's first half. */
export function byCodePoints(a: string, b: string): number {
  const x = [...a], y = [...b];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i].codePointAt(0)! - y[i].codePointAt(0)!;
  return x.length - y.length;
}
