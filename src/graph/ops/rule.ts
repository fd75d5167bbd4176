/** What the table of ops holds for each op, and the shape rules that several ops share. */
import { StaveError } from '../../errors.ts';
import { dim, type Dim } from '../dims.ts';
import type { DType, TypedArray } from '../tensor.ts';
import { typeText, type Type, type Value } from '../value.ts';
import type { Attrs } from './attrs.ts';

/**
 * Gradients of the loss by each input, from dy, the one by the first output (null: the input has none).
 * A result may have the broadcast shape of the output: grad() sums it back to the input's shape.
 */
export type Gradient<A> = (dy: Value, inputs: readonly Value[], y: Value, attrs: A, all: Outputs) => (Value | null)[];
/** Every output of the node, and the gradient by each (undefined: the loss does not depend on it). */
export type Outputs = { outputs: readonly Value[]; dys: readonly (Value | undefined)[] };

export type Attribute = { int: number } | { string: string } | { float: number } | { ints: readonly number[] } | { tensor: { dtype: DType; dims: number[]; data: TypedArray } };

/** A node in ONNX terms. Left out: the op's own name, the standard domain, the values' names, no attributes. */
export type Form = { op?: string; domain?: 'com.microsoft'; inputs?: readonly string[]; outputs?: readonly string[]; attributes?: Record<string, Attribute> };

/** The node's values: their names in the model, the types of the inputs, and which outputs something uses. */
export type Wires = { inputs: readonly string[]; outputs: readonly string[]; types: readonly Type[]; used: readonly boolean[] };

/** What a lowering may ask for beside its wires; equal requests for sizes and constants give the same tensor. */
export type Lowering = {
  /** An int64 vector of dims, computed at run time where they are symbolic. */
  shape(dims: readonly Dim[]): string;
  /** A constant tensor. */
  constant(values: readonly number[], dtype: DType, dims: readonly number[]): string;
  /** One more node before this one; its output under a new name unless given. */
  node(op: string, inputs: readonly string[], output?: string): string;
};

export type Rule<A> = {
  shape(inputs: readonly Type[], attrs: A): Type[];
  grad: 'none' | Gradient<A>;
  /** Left out: the op has its ONNX name, the same inputs and outputs and no attributes. */
  onnx?: (attrs: A, wires: Wires, lower: Lowering) => Form;
  /** For a fused op: the same first output from simpler ops. Tests hold both equal, values and gradients. */
  decomposition?: (inputs: readonly Value[], attrs: A) => Value;
};

export type Rules = { [Name in keyof Attrs]: Rule<Attrs[Name]> };

export const refuse = (op: string, inputs: readonly Type[], why: string): StaveError =>
  new StaveError('GRAPH', { what: `${op}(${inputs.map(typeText).join(', ')})`, why });

/** The common shape of numpy broadcasting. Two different dims fit only when one of them is the number 1. */
export function broadcastShapes(op: string, inputs: readonly Type[]): Dim[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    let common: Dim = 1;
    for (const { shape } of inputs) {
      const d = shape[i - rank + shape.length] ?? 1;
      if (d === 1 || d === common) continue;
      if (common !== 1) throw refuse(op, inputs, `dimensions ${common} and ${d} do not broadcast`);
      common = d;
    }
    return common;
  });
}

export function sameDType(op: string, inputs: readonly Type[]): DType {
  const { dtype } = inputs[0];
  if (inputs.some((x) => x.dtype !== dtype)) throw refuse(op, inputs, 'the dtypes differ: cast one');
  return dtype;
}

/** x · 1/d, for a d that may be known only at run time. */
export function overDim(x: Value, d: Dim, dimension: (d: Dim) => Value): Value {
  return typeof d === 'number' ? (d === 1 ? x : x.mul(1 / d)) : x.div(dimension(d).cast(x.dtype));
}

export const product = (dims: readonly Dim[]): Dim => dim.mul(...dims);
