/** Checkpoints by name: from the Hub into its cache, and from there. */
export { findModel, modelName } from './find.ts';
export { pull, type Pulled, type PullOptions, type PullProgress } from './pull.ts';
export { reachHub, type Reached } from './reach.ts';
export { hubCache, hubSettings, type HubSettings } from './settings.ts';
export type { Environment } from '../files/cache.ts';
export { cachedModels, removeModel, type CachedModel } from './shelf.ts';
