/** Reverse-mode differentiation, from graph to graph. */
import { StaveError } from '../errors.ts';
import { constant, type Node, type Value } from './value.ts';
import { filled, matmul } from './functions.ts';
import { Recomputed, type Block } from './recompute.ts';
import { ruleOf } from './ops/table.ts';
import { inOrder } from './topology.ts';

/** Sums a gradient over the axes that broadcasting gave it. */
function sumTo(g: Value, like: Value): Value {
  const extra = g.rank - like.rank;
  const axes = g.shape.map((_, i) => i).filter((i) => i < extra || (like.shape[i - extra] === 1 && g.shape[i] !== 1));
  if (axes.length === 0) return g.reshape(like.shape);
  if (axes.length === g.rank - 1 && !axes.includes(axes.length)) return columns(g).reshape(like.shape);
  return g.sum(axes).reshape(like.shape);
}

/** Sums over all axes but the last, as a product with ones: half the time of onnxruntime's ReduceSum, and biases need it at every layer. */
function columns(g: Value): Value {
  const rows = g.reshape([-1, g.shape[g.rank - 1]]); // [n, D]
  return matmul(filled([1, rows.shape[0]], 1, g.dtype), rows); // [1, D]
}

export type GradOptions = { /** Parts whose values are not kept for the backward pass but computed again in it, from their inputs. */ recompute?: readonly Block[] };

/**
 * Gradients of a scalar loss. Only the paths that lead to `wrt` are followed; a value the loss does not depend on gets zeros.
 * @throws GRAPH when the loss is no scalar
 */
export function grad(loss: Value, wrt: readonly Value[], { recompute = [] }: GradOptions = {}): Value[] {
  if (loss.rank !== 0) throw new StaveError('GRAPH', { what: `grad: the loss is ${loss}, not a scalar` });
  const nodes = inOrder([loss]);
  const wanted = new Set<Value>(wrt);
  const useful = new Set<Node>(); // nodes through which a wanted value is reached
  for (const node of nodes) {
    if (node.outputs.some((v) => wanted.has(v)) || node.inputs.some((v) => useful.has(v.node))) useful.add(node);
  }
  const again = new Map<Node, (value: Value) => Value>();
  for (const block of recompute) {
    const recomputed = new Recomputed(block);
    for (const node of recomputed.nodes) again.set(node, (value) => recomputed.valueOf(value, gradients.get(block.output)));
  }
  const gradients = new Map<Value, Value>([[loss, constant(1, loss.dtype)]]);
  for (const node of nodes.toReversed()) {
    const dys = node.outputs.map((v) => gradients.get(v));
    if (!dys.some(Boolean) || !node.inputs.some((v) => useful.has(v.node))) continue;
    backward(node, dys, again.get(node)).forEach((g, i) => {
      const x = node.inputs[i];
      if (!g || !useful.has(x.node)) return;
      const sum = gradients.get(x);
      const term = sumTo(g, x);
      gradients.set(x, sum ? sum.add(term) : term);
    });
  }
  return wrt.map((v) => gradients.get(v) ?? filled(v.shape, 0, v.dtype));
}

/** @param again what stands for a value of the forward pass; absent: itself */
function backward(node: Node, dys: (Value | undefined)[], again: (value: Value) => Value = (value) => value): (Value | null)[] {
  if (node.op === 'Input' || node.op === 'Initializer' || node.op === 'Constant') return [];
  const rule = ruleOf(node.op);
  if (rule.grad === 'none') return [];
  const [inputs, outputs] = [node.inputs, node.outputs].map((values) => values.map(again));
  const [y] = outputs;
  const dy = dys[0] ?? filled(y.shape, 0, y.dtype);
  return rule.grad(dy, inputs, y, node.attrs, { outputs, dys });
}
