/** Values of a graph and the nodes that make them. Both are immutable: building a graph is calling functions on values. */
import { StaveError } from '../errors.ts';
import { canonical, dim, type Dim } from './dims.ts';
import { bytesPerElement, dtypeOf, toTyped, type DType, type TensorSource, type TypedArray } from './tensor.ts';
import type { Attrs, Op } from './ops/attrs.ts';

export type Type = { readonly dtype: DType; readonly shape: readonly Dim[] };

/** Nodes without inputs that are no computation. */
export type Leaf = {
  Input: { name: string };
  Initializer: { name: string; source: TensorSource };
  Constant: { data: TypedArray };
};

type NodeOf<Name extends string, A> = { readonly op: Name; readonly attrs: A; readonly inputs: readonly Value[]; readonly outputs: readonly Value[] };
export type OpNode = { [Name in Op]: NodeOf<Name, Attrs[Name]> }[Op];
export type LeafNode = { [Name in keyof Leaf]: NodeOf<Name, Leaf[Name]> }[keyof Leaf];
export type Node = OpNode | LeafNode;

type Axes = number | readonly number[];
type Keep = { keepdims?: boolean };

/** One tensor in a graph. Methods make new values; numbers become constants of the value's dtype; shapes broadcast as in numpy. */
export class Value {
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly index: number;
  readonly dtype: DType;
  readonly shape: readonly Dim[];

  constructor(node: Node, index: number, { dtype, shape }: Type) {
    this.node = node;
    this.index = index;
    this.dtype = dtype;
    this.shape = shape.map(canonical);
  }

  get rank(): number { return this.shape.length; }

  add(other: Value | number): Value { return binary('Add', this, other); }
  sub(other: Value | number): Value { return binary('Sub', this, other); }
  mul(other: Value | number): Value { return binary('Mul', this, other); }
  div(other: Value | number): Value { return binary('Div', this, other); }
  pow(other: Value | number): Value { return binary('Pow', this, other); }
  neg(): Value { return apply('Neg', [this], {}); }
  exp(): Value { return apply('Exp', [this], {}); }
  log(): Value { return apply('Log', [this], {}); }
  sqrt(): Value { return apply('Sqrt', [this], {}); }
  reciprocal(): Value { return apply('Reciprocal', [this], {}); }
  abs(): Value { return apply('Abs', [this], {}); }
  sign(): Value { return apply('Sign', [this], {}); }
  floor(): Value { return apply('Floor', [this], {}); }
  ceil(): Value { return apply('Ceil', [this], {}); }
  /** To the nearest integer, halves to even. */
  round(): Value { return apply('Round', [this], {}); }
  sin(): Value { return apply('Sin', [this], {}); }
  cos(): Value { return apply('Cos', [this], {}); }
  tanh(): Value { return apply('Tanh', [this], {}); }
  sigmoid(): Value { return apply('Sigmoid', [this], {}); }
  erf(): Value { return apply('Erf', [this], {}); }
  cast(dtype: DType): Value { return dtype === this.dtype ? this : apply('Cast', [this], { to: dtype }); }

  /** The same elements in another shape; one entry may be −1. @throws GRAPH when the number of elements differs */
  reshape(shape: readonly Dim[]): Value {
    const full = resolve(this.shape, shape);
    return sameShape(full, this.shape) ? this : apply('Reshape', [this], { shape: full });
  }
  /** Axis i of the result is axis perm[i] of this value; without perm the axes are reversed. */
  transpose(perm: readonly number[] = this.shape.map((_, i) => this.rank - 1 - i)): Value {
    const axes = perm.map((axis) => axisOf(this, axis));
    return axes.every((axis, i) => axis === i) && axes.length === this.rank ? this : apply('Transpose', [this], { perm: axes });
  }
  /** Repeats axes of length 1 (and adds leading ones) up to the shape. */
  expand(shape: readonly Dim[]): Value {
    const full = shape.map(canonical);
    return sameShape(full, this.shape) ? this : apply('Expand', [this], { shape: full });
  }
  /** Drops an axis of length 1. */
  squeeze(axis: number): Value {
    const at = axisOf(this, axis);
    if (this.shape[at] !== 1) throw new StaveError('GRAPH', { what: `squeeze: axis ${axis} of ${typeText(this)} is not 1` });
    return this.reshape(this.shape.toSpliced(at, 1));
  }
  /** Adds an axis of length 1, so that it is axis `axis` of the result. */
  unsqueeze(axis: number): Value {
    return this.reshape(this.shape.toSpliced(axis < 0 ? axis + this.rank + 1 : axis, 0, 1));
  }
  /** Positions start … end − 1 along an axis; negative numbers count from the end. */
  slice(axis: number, start: Dim, end?: Dim): Value {
    const at = axisOf(this, axis);
    const length = this.shape[at];
    const [from, to] = [start, end ?? length].map((d) => (typeof d === 'number' && d < 0 ? dim.add(length, d) : canonical(d)));
    return from === 0 && to === length ? this : apply('Slice', [this], { axis: at, start: from, end: to });
  }

  sum(axes?: Axes, { keepdims = false }: Keep = {}): Value { return apply('ReduceSum', [this], { axes: axesOf(this, axes), keepdims }); }
  mean(axes?: Axes, { keepdims = false }: Keep = {}): Value { return apply('ReduceMean', [this], { axes: axesOf(this, axes), keepdims }); }
  max(axes?: Axes, { keepdims = false }: Keep = {}): Value { return apply('ReduceMax', [this], { axes: axesOf(this, axes), keepdims }); }
  min(axes?: Axes, { keepdims = false }: Keep = {}): Value { return apply('ReduceMin', [this], { axes: axesOf(this, axes), keepdims }); }

  toString(): string { return typeText(this); }
}

/** 'float32[B, 4*M]' */
export const typeText = ({ dtype, shape }: Type): string => `${dtype}[${shape.join(', ')}]`;

export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** A non-negative axis. @throws GRAPH when the value has no such axis */
export function axisOf({ dtype, shape }: Type, axis: number): number {
  const at = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= shape.length) throw new StaveError('GRAPH', { what: `${typeText({ dtype, shape })} has no axis ${axis}` });
  return at;
}

function axesOf(x: Value, axes: Axes = x.shape.map((_, i) => i)): number[] {
  return [...new Set((typeof axes === 'number' ? [axes] : axes).map((axis) => axisOf(x, axis)))].toSorted((a, b) => a - b);
}

function resolve(from: readonly Dim[], to: readonly Dim[]): Dim[] {
  const shape = to.map(canonical);
  const free = shape.indexOf(-1);
  const size = dim.mul(...from);
  const problem = (why?: string): StaveError => new StaveError('GRAPH', { what: `reshape: [${from.join(', ')}] does not fit [${to.join(', ')}]`, why });
  if (free >= 0) {
    if (shape.lastIndexOf(-1) !== free) throw problem('only one dimension may be −1');
    const rest = dim.mul(...shape.toSpliced(free, 1));
    try {
      shape[free] = dim.div(size, rest);
    } catch {
      throw problem(`${size} elements are not a multiple of ${rest}`);
    }
  } else if (!dim.equal(size, dim.mul(...shape))) throw problem(`${size} and ${dim.mul(...shape)} elements`);
  return shape;
}

function binary(op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow', a: Value, b: Value | number): Value {
  return apply(op, [a, typeof b === 'number' ? constant(b, a.dtype) : b], {});
}

/** The shape rule of every op. The table in ops/table.ts is handed in here because its gradients are themselves written with values. */
type Shapes = { [Name in Op]: { shape(inputs: readonly Type[], attrs: Attrs[Name]): Type[] } };
let shapes: Shapes | undefined;
export function install(table: Shapes): void { shapes = table; }

/** The outputs of one new node. @throws GRAPH when the op does not take such inputs */
export function applyAll<Name extends Op>(op: Name, inputs: readonly Value[], attrs: Attrs[Name]): readonly Value[] {
  const types = (shapes as Shapes)[op].shape(inputs, attrs);
  const outputs: Value[] = [];
  const node = { op, attrs, inputs, outputs } as unknown as Node;
  types.forEach((type, i) => outputs.push(new Value(node, i, type)));
  return outputs;
}

/** The first output of one new node. */
export function apply<Name extends Op>(op: Name, inputs: readonly Value[], attrs: Attrs[Name]): Value {
  return applyAll(op, inputs, attrs)[0];
}

function leaf<Name extends keyof Leaf>(op: Name, attrs: Leaf[Name], type: Type): Value {
  const outputs: Value[] = [];
  outputs.push(new Value({ op, attrs, inputs: [], outputs } as unknown as Node, 0, type));
  return outputs[0];
}

/** A tensor fed when the graph runs. Names in the shape are bound by the tensors that are fed. */
export function input(name: string, dtype: DType, shape: readonly Dim[]): Value {
  return leaf('Input', { name }, { dtype, shape });
}

/** A weight, by reference: its bytes stay where they are. @throws GRAPH when their number does not fit the shape */
export function initializer(name: string, dtype: DType, shape: readonly number[], source: TensorSource): Value {
  const bytes = 'file' in source ? source.byteLength : source.data.byteLength;
  if (bytes !== shape.reduce((a, b) => a * b, bytesPerElement(dtype))) {
    throw new StaveError('GRAPH', { what: `weight "${name}": ${bytes} bytes for ${typeText({ dtype, shape })}` });
  }
  return leaf('Initializer', { name, source }, { dtype, shape });
}

/** Numbers written into the graph. dtype: float32 for plain numbers, else the array's own. */
export function constant(data: number | readonly number[] | TypedArray, dtype?: DType, shape?: readonly number[]): Value {
  const plain = typeof data === 'number' || Array.isArray(data);
  const type = dtype ?? (plain ? 'float32' : dtypeOf(data as TypedArray));
  const values = plain ? toTyped(typeof data === 'number' ? [data] : (data as readonly number[]), type) : (data as TypedArray);
  const dims = shape ?? (typeof data === 'number' ? [] : [values.length]);
  if (dims.reduce((a, b) => a * b, 1) !== values.length) throw new StaveError('GRAPH', { what: `constant: ${values.length} values for shape [${dims.join(', ')}]` });
  return leaf('Constant', { data: values }, { dtype: type, shape: dims });
}
