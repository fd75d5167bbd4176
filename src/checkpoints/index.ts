/** Checkpoint directories made from others: temporal attention inserted, adapters merged. */
export { insertTemporalAttention, type Inserted, type InsertOptions } from './insert.ts';
export { mergeAdapter, type MergeOptions } from './merge.ts';
export { saveAdapter } from './save-adapter.ts';
export type { FloatType } from './write-model.ts';
