/** The ten classes of SSv2-T10, templates of Something-Something V2 that need the order of frames; in the authors' order. Source: ablation/select_subset.py */
export const t10Classes = [
  'Pulling [something] from left to right',
  'Pulling [something] from right to left',
  'Throwing [something] in the air and catching it',
  'Throwing [something] in the air and letting it fall',
  '[Something] falling like a rock',
  'Rolling [something] on a flat surface',
  'Poking a stack of [something] so the stack collapses',
  'Picking [something] up',
  'Moving [something] away from [something]',
  'Moving [something] closer to [something]',
] as const;

export type T10Class = (typeof t10Classes)[number];

/** How an answer begins in all tasks on Something-Something V2. */
export const answerPrefix = 'The action happening in this video is:';

/** A template without brackets and in lower case, as test-answers.csv and a model may write it. */
export function plainTemplate(template: string): string {
  return template.replaceAll(/[[\]]/g, '').toLowerCase();
}
