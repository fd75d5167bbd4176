/** Python's numbers as text, both ways. */
import { strip } from './text.ts';

/** `int(text)`: digits of any script, a sign, single underscores between digits, white space around. undefined where Python raises ValueError. */
export function parseInteger(text: string): number | undefined {
  const number = strip(text);
  if (!/^[+-]?\p{Nd}+(?:_\p{Nd}+)*$/u.test(number)) return undefined;
  return Number(number.replaceAll('_', '').replaceAll(/\p{Nd}/gu, (digit) => String(digitValue(digit))));
}

/** Digits stand in Unicode in whole runs 0–9: the value is the place in the run. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0)!;
  let start = code;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(start - 1))) start--;
  return (code - start) % 10;
}

/** `f"{x:.2f}"`: a number half between two goes to the even one (31.25 → 31.2), where `toFixed` goes up. */
export function fixed(x: number, digits: number): string {
  const exact = Math.abs(x).toFixed(20); // enough to tell a half from the doubles beside it
  const cut = exact.length - 20 + digits;
  if (!/^50*$/.test(exact.slice(cut))) return x.toFixed(digits);
  const below = exact.slice(0, cut).replace(/\.$/, '');
  const even = '02468'.includes(below.at(-1)!);
  return even ? (x < 0 ? '-' : '') + below : x.toFixed(digits);
}
