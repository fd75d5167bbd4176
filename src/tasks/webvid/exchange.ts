/** Exchanging the two options of a question, so that (A) is right as often as (B). Source: the authors' staveq2-training/format.py */

export type QaText = { question: string; answer: string };

/** Whether a question names both options. */
export function hasBothOptions(question: string): boolean {
  return question.includes('(A)') && question.includes('(B)');
}

/** The options exchanged and the answer's letter with them. A question stays as it is without (A) and then (B), with a third option, and where the answer begins with neither letter. */
export function exchangeOptions({ question, answer }: QaText): QaText {
  const letter = /^\(([AB])\) ?/.exec(answer);
  const a = question.indexOf('(A)'), b = question.indexOf('(B)');
  if (!hasBothOptions(question) || b < a || question.includes('(C)') || letter === null) return { question, answer };
  const [before, first, second] = [question.slice(0, a), question.slice(a + 3, b), question.slice(b + 3)].map((text) => text.trim());
  return { question: [...(before === '' ? [] : [before]), '(A)', second, '(B)', first].join(' '), answer: `(${letter[1] === 'A' ? 'B' : 'A'}) ${answer.slice(letter[0].length)}` };
}

/** What the authors' code makes of any question, for comparison: it counts on both options, each after `(A) `, and garbles a text that hasn't them. Counted in code points. */
export function referenceExchange({ question, answer }: QaText): QaText {
  const text = [...question], said = [...answer];
  const place = (mark: string) => (question.includes(mark) ? Array.from(question.slice(0, question.indexOf(mark))).length : -1); // −1 counts from the end, as in Python
  const a = place('(A)'), b = place('(B)');
  const before = text.slice(0, a - 1).join(''), first = text.slice(a + 4, b - 1).join(''), second = text.slice(b + 4).join('');
  return { question: `${before} (A) ${second} (B) ${first}`, answer: `(${said.slice(0, 3).join('') === '(A)' ? 'B' : 'A'}) ${said.slice(4).join('')}` };
}
