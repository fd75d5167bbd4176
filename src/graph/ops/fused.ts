/** Normalisations, softmax and activations: one kernel each, a gradient in closed form, and the same in simpler ops to hold it against. */
import { dimension, matmul } from '../functions.ts';
import type { Dim } from '../dims.ts';
import { isFloat } from '../tensor.ts';
import type { Type, Value } from '../value.ts';
import { overDim, refuse, sameDType, type Rules, type Wires } from './rule.ts';

const last = (shape: readonly Dim[]): Dim => shape[shape.length - 1];

function normType(op: string, inputs: readonly Type[], statistics: number): Type[] {
  const [x, ...weights] = inputs;
  const dtype = sameDType(op, inputs);
  if (x.shape.length === 0 || weights.some(({ shape }) => shape.length !== 1 || shape[0] !== last(x.shape))) throw refuse(op, inputs, 'weights must be vectors of the last axis');
  const each: Type = { dtype, shape: x.shape.with(x.shape.length - 1, 1) };
  return [{ dtype, shape: x.shape }, ...Array.from({ length: statistics }, () => each)];
}

function floating(op: string, inputs: readonly Type[]): Type[] {
  if (!isFloat(inputs[0].dtype)) throw refuse(op, inputs, 'needs floating point: cast first');
  return [inputs[0]];
}

/** The outputs up to the last one that is used. */
const needed = ({ outputs, used }: Wires): string[] => outputs.slice(0, Math.max(1, used.lastIndexOf(true) + 1));

const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : x.mul(factor));

/** Σ over the last axis of a · w, as a product: [..., D] and [D] → [..., 1] */
const dot = (a: Value, w: Value): Value => matmul(a, w.reshape([-1, 1]));
/** Σ over all rows of s · a, as a product: [..., 1] and [..., D] → [D] */
const overRows = (s: Value, a: Value): Value => matmul(s.reshape([-1, 1]), a.reshape([-1, last(a.shape)]), { transA: true }).reshape([-1]);

export const fused = {
  Softmax: {
    shape: (inputs) => floating('Softmax', inputs),
    grad: (dy, _x, y, { axis }) => [y.mul(dy.sub(y.mul(dy).sum(axis, { keepdims: true })))], // y ⊙ (dy − Σ y⊙dy)
    onnx: ({ axis }) => ({ attributes: { axis: { int: axis } } }),
    decomposition: ([x], { axis }) => {
      const e = x.sub(x.max(axis, { keepdims: true })).exp();
      return e.div(e.sum(axis, { keepdims: true }));
    },
  },
  LogSoftmax: {
    shape: (inputs) => floating('LogSoftmax', inputs),
    grad: (dy, _x, y, { axis }) => [dy.sub(y.exp().mul(dy.sum(axis, { keepdims: true })))], // dy − softmax(x) Σ dy
    onnx: ({ axis }) => ({ attributes: { axis: { int: axis } } }),
    decomposition: ([x], { axis }) => {
      const centred = x.sub(x.max(axis, { keepdims: true }));
      return centred.sub(centred.exp().sum(axis, { keepdims: true }).log());
    },
  },
  LayerNormalization: {
    shape: (inputs) => normType('LayerNormalization', inputs, 2),
    /** With x̂ = (x − μ) r and ĝ = dy w: dx = r (ĝ − mean ĝ − x̂ mean(ĝ x̂)), dw = Σ dy x̂, db = Σ dy. */
    grad: (dy, [x, w], _y, _attrs, { outputs: [, mean, r] }) => {
      const D = last(x.shape);
      const normal = x.sub(mean).mul(r);
      const p = dy.mul(normal);
      const c1 = overDim(dot(dy, w), D, dimension);
      const c2 = overDim(dot(p, w), D, dimension);
      return [dy.mul(w).sub(normal.mul(c2)).sub(c1).mul(r), p, dy];
    },
    onnx: ({ epsilon }, wires) => ({ outputs: needed(wires), attributes: { axis: { int: -1 }, epsilon: { float: epsilon } } }),
    decomposition: ([x, w, b], { epsilon }) => {
      const centred = x.sub(x.mean(-1, { keepdims: true }));
      const variance = centred.mul(centred).mean(-1, { keepdims: true });
      return centred.div(variance.add(epsilon).sqrt()).mul(w).add(b);
    },
  },
  SimplifiedLayerNormalization: {
    shape: (inputs) => normType('SimplifiedLayerNormalization', inputs, 1),
    /** With ĝ = dy w: dx = r ĝ − x r³ mean(ĝ x), dw = Σ dy x r. */
    grad: (dy, [x, w], _y, _attrs, { outputs: [, r] }) => {
      const p = dy.mul(x);
      const k = overDim(dot(p, w), last(x.shape), dimension).mul(r.mul(r).mul(r));
      return [dy.mul(w).mul(r).sub(x.mul(k)), overRows(r, p)];
    },
    onnx: ({ epsilon }, wires) => ({ outputs: needed(wires), attributes: { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } } }),
    decomposition: ([x, w], { epsilon }) => x.div(x.mul(x).mean(-1, { keepdims: true }).add(epsilon).sqrt()).mul(w),
  },
  Gelu: {
    shape: (inputs) => floating('Gelu', inputs),
    /** Φ(x) + x φ(x) */
    grad: (dy, [x]) => {
      const cumulative = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
      const density = x.mul(x).mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI));
      return [dy.mul(cumulative.add(x.mul(density)))];
    },
    onnx: () => ({ domain: 'com.microsoft' }),
    decomposition: ([x]) => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5),
  },
  QuickGelu: {
    shape: (inputs) => [...floating('QuickGelu', inputs), inputs[0]],
    /** σ + α y (1 − σ) = σ (1 + α (x − y)), with σ = σ(α x) kept from the forward pass. */
    grad: (dy, [x], y, { alpha }, { outputs: [, sigma] }) => [dy.mul(sigma.mul(scaled(x.sub(y), alpha).add(1)))],
    /** One kernel where σ is not asked for. */
    onnx: ({ alpha }, { inputs: [x], outputs: [y, sigma], types: [{ dtype }], used }, lower) => {
      if (!used[1]) return { domain: 'com.microsoft', outputs: [y], attributes: { alpha: { float: alpha } } };
      const scaledX = alpha === 1 ? x : lower.node('Mul', [x, lower.constant([alpha], dtype, [])]);
      return { op: 'Mul', inputs: [x, lower.node('Sigmoid', [scaledX], sigma)], outputs: [y] };
    },
    decomposition: ([x], { alpha }) => x.mul(x.mul(alpha).sigmoid()),
  },
} satisfies Partial<Rules>;
