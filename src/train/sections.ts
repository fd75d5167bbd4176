/** Parts of a run that are planned one by one: what a batch holds changes with the lesson. */
import type { Recipe } from './recipe.ts';

/** start: the update that it begins with, from 0. turns: what its updates are about by turns, see Lesson. */
export type Section = { name: string; start: number; steps: number; turns: number };

/** The lessons, as far as the run comes, and what follows them; without lessons the whole run. */
export function sectionsOf({ data, steps }: Pick<Recipe, 'data' | 'steps'>): Section[] {
  const lessons = data.task === 'motion10' ? data.lessons : [];
  const sections: Section[] = [];
  let start = 0;
  for (const [i, lesson] of lessons.entries()) {
    if (start >= steps) return sections;
    sections.push({ name: `lesson ${i + 1}`, start, steps: Math.min(lesson.steps, steps - start), turns: lesson.turns.length });
    start += lesson.steps;
  }
  if (start < steps) sections.push({ name: lessons.length === 0 ? 'all' : 'the rest', start, steps: steps - start, turns: 1 });
  return sections;
}

/** Numbers of at least `count` batches (all, if there are fewer) evenly spread over a section, its turns one after the other. @param micro batches of an update */
export function spread({ start, steps, turns }: Section, count: number, micro: number): number[] {
  const cycle = Math.min(turns, steps);
  const n = Math.min(steps * micro, cycle * Math.ceil(count / cycle));
  const updates = Array.from({ length: n }, (_, i) => start + Math.min(steps - 1, Math.floor((i * steps) / n / cycle) * cycle + (i % cycle)));
  return [...new Set(updates.map((update, i) => update * micro + (Math.floor(i / cycle) % micro)))];
}
