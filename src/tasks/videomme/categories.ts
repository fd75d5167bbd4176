/** The names Video-MME's questions are counted under, as its columns have them. */
export const durations = ['short', 'medium', 'long'] as const; // under 2, 4–15, 30–60 minutes

export const domains = ['Knowledge', 'Film & Television', 'Sports Competition', 'Artistic Performance', 'Life Record', 'Multilingual'] as const;

export const subCategories = [
  'Humanity & History', 'Literature & Art', 'Biology & Medicine', 'Finance & Commerce', 'Astronomy', 'Geography', 'Law', 'Life Tip', 'Technology',
  'Animation', 'Movie & TV Show', 'Documentary', 'News Report',
  'Esports', 'Basketball', 'Football', 'Athletics', 'Other Sports',
  'Stage Play', 'Magic Show', 'Variety Show', 'Acrobatics',
  'Handicraft', 'Food', 'Fashion', 'Daily Life', 'Travel', 'Pet & Animal', 'Exercise',
  'Multilingual',
] as const;

export const taskTypes = [
  'Temporal Perception', 'Spatial Perception', 'Attribute Perception', 'Action Recognition', 'Object Recognition', 'OCR Problems', 'Counting Problem',
  'Temporal Reasoning', 'Spatial Reasoning', 'Action Reasoning', 'Object Reasoning', 'Information Synopsis',
] as const;

/** Kind of category → its names, in the order the reference prints them. */
export const categories = { duration: durations, domain: domains, sub_category: subCategories, task_type: taskTypes } as const;

/** The categories of one question. */
export type Categories = { duration: (typeof durations)[number]; domain: (typeof domains)[number]; sub_category: (typeof subCategories)[number]; task_type: (typeof taskTypes)[number] };

/** Whether a question is counted under a name. `paper`: if the name stands anywhere in its four names joined, so that Multilingual as domain and as sub-category are one set. */
export function isUnder(name: string, { duration, domain, sub_category, task_type }: Categories): boolean {
  return `${duration}_${domain}_${sub_category}_${task_type}`.includes(name);
}
