/** What is decided between, where a question's possible answers are known. */
import type { Deciding, Option } from './task.ts';

/** An option's letter in the ways in which models write it, alone or before the option's text. The first is what the choice is called. */
export function letterChoices(options: readonly Option[]): string[][] {
  return options.map(({ letter, text }) => [letter, `${letter}.`, `(${letter})`, ...(text.trim() === '' ? [] : [`${letter}. ${text}`, `(${letter}) ${text}`])]);
}

/** A decision that leaves out questions whose right answer is none of the choices: they can't be answered right. */
export function decidingWhereKnown<Row>({ choices, score }: Deciding<Row>): Deciding<Row> {
  return {
    choices(row) {
      const all = choices(row);
      return all?.some(([name]) => score(row, name).score === 1) ? all : undefined;
    },
    score,
  };
}
