/** Checkpoint directories made from others: temporal attention inserted, adapters merged, weights converted. */
export { convertCheckpoint, type Converted, type ConvertOptions, type OnConverted } from './convert.ts';
export { copiesFolder, keptCopies, keptCopy, removeCopy, type KeepOptions, type KeptCopy } from './copies.ts';
export { insertTemporalAttention, type Inserted, type InsertOptions } from './insert.ts';
export { mergeAdapter, type MergeOptions } from './merge.ts';
export { saveAdapter } from './save-adapter.ts';
export type { FloatType } from './write-model.ts';
