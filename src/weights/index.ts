/** Checkpoints in safetensors files: name → dtype, shape, file, offset; reading by range; saving. */
export { bytesOf, type SafeDType, type TensorInfo, type TypedArray } from './dtypes.ts';
export { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from './float.ts';
export { openWeights } from './open.ts';
export { pack, type Packed, type PackOptions } from './pack.ts';
export { packRows, type PackedRows } from './pack-rows.ts';
export { saveSafetensors, writeSafetensors, type PutTensor, type SaveTensor, type TensorPlan } from './save.ts';
export { saveCheckpoint, type SaveCheckpointOptions } from './save-checkpoint.ts';
export { Weights } from './weights.ts';
