/** All that is wrong with a recipe, told at once. */
import { StaveError } from '../errors.ts';
import type { FieldProblem } from '../models/fields.ts';

/** One problem is told as it is, several in a list. */
export class RecipeProblems extends StaveError {
  readonly problems: readonly FieldProblem[];

  /** @param from the file that they are of, what was changed of it in words, and a path's line in it, where it has one */
  constructor(problems: readonly FieldProblem[], from?: { file: string; changes: string; lineOf(path: string): number | undefined }) {
    const place = ({ path }: FieldProblem): string => {
      const line = from?.lineOf(path);
      return from === undefined ? '' : `${from.file}${line === undefined ? '' : `:${line}`}`;
    };
    const [first, ...more] = problems;
    if (more.length === 0) super('RECIPE', { ...first.error, what: `${from === undefined ? '' : `${place(first)}${from.changes}: `}${first.error.what}`, cause: first.error });
    else
      super('RECIPE', {
        what: `${from === undefined ? 'the recipe' : `${from.file}${from.changes}`} is not right in ${problems.length} places`,
        why: problems.map((problem) => `${from === undefined ? '' : `${place(problem)}: `}${[problem.error.what, problem.error.why, problem.error.fix].filter(Boolean).join('; ')}`).join('\n'),
        fix: 'correct them all, then start again',
      });
    this.problems = problems;
  }
}
