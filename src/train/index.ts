/** Training: a recipe in, a checkpoint directory out. */
export { curveSvg, type Curve } from './curve.ts';
export { readMetrics, type EvalMetrics, type StepMetrics } from './metrics.ts';
export { loadRecipe, parseRecipe, type Recipe } from './recipe.ts';
export { loadStages, parseStages, trainStages } from './stages.ts';
export { train, type TrainOptions, type TrainProgress, type TrainResult } from './loop.ts';
