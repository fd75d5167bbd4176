/** The graph: values, functions over them, grad(), text form and ONNX bytes. Other folders import this file only. */
export { differentiable, rules } from './ops/table.ts';
export { dim, type Dim } from './dims.ts';
export { arrays, bytesPerElement, dtypeOf, isFloat, toTyped, type DType, type Tensor, type TensorSource, type TypedArray } from './tensor.ts';
export { constant, initializer, input, typeText, Value, type Leaf, type Node, type Type } from './value.ts';
export * from './functions.ts';
export { gatherPacked, matmulPacked, type BlockMatrix, type PackedMatrix, type RowMatrix } from './packed.ts';
export { grad, type GradOptions } from './grad.ts';
export type { Block } from './recompute.ts';
export { graph } from './graph.ts';
export type { Graph } from './topology.ts';
export { verify } from './verify.ts';
export { text } from './text.ts';
export { onnx, type OnnxModel } from './onnx.ts';
