export { attention, type AttentionOptions } from './attention.ts';
export { dropout } from './dropout.ts';
export { embedding, linear } from './linear.ts';
export type { Lora } from './lora.ts';
export { activation, gatedMlp, mlp } from './mlp.ts';
export { layerNorm, norm, rmsNorm } from './norm.ts';
export { Params } from './params.ts';
export { applyRope, type Rope } from './rope.ts';
