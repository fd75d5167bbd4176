/** Learning-rate schedules of transformers.optimization: a factor of the peak rate for each step. */

export type Schedule = { name: 'cosine' | 'linear' | 'constant'; warmup_steps: number; total_steps: number; /** Lowest factor reached by cosine and linear; transformers: 0. */ floor?: number };

/** Factor of the peak learning rate for the update number `step` (0 = the first), as get_cosine_schedule_with_warmup,
 * get_linear_schedule_with_warmup and get_constant_schedule_with_warmup: the first of the warm-up steps has rate 0. */
export function scheduleFactor(schedule: Schedule, step: number): number {
  const { name, warmup_steps: warmup, total_steps: total, floor = 0 } = schedule;
  if (step < warmup) return step / Math.max(1, warmup);
  if (name === 'constant') return 1;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup)); // 0 … 1
  const factor = name === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return floor + (1 - floor) * Math.max(0, factor);
}
