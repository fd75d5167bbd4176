/** Training: a recipe in, a checkpoint directory out. */
export type { Changes } from './change.ts';
export { curveSvg, type Curve } from './curve.ts';
export type { BestSettings } from './best.ts';
export { readMetrics, type Ended, type EndMetrics, type EvalMetrics, type Evaluation, type MetricsLine, type StepMetrics } from './metrics.ts';
export type { TrainMemory } from './memory.ts';
export { planTraining, type PlanOptions } from './plan-stages.ts';
export type { SectionPlan, TrainPlan } from './plan.ts';
export type { Trial } from './trial.ts';
export { loadRecipe, parseRecipe, type Recipe } from './recipe.ts';
export { listRuns, type RunSummary } from './runs.ts';
export { loadStages, parseStages, trainStages, type StagesOptions } from './stages.ts';
export { train } from './loop.ts';
export type { TrainOptions, TrainProgress, TrainResult } from './train-options.ts';
