/** How much memory a graph's intermediate values take at its fullest moment. */
import { bytesPerElement, dim, type Graph, type Node, type Value } from '../graph/index.ts';

/** Ops whose output is their input's memory under another shape. */
const views = new Set<string>(['Reshape', 'Identity']);
/** Ops that the engine computes into an input's memory when nothing needs that input afterwards. */
const inPlace = new Set<string>(['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Abs', 'Sign', 'Floor', 'Ceil', 'Round', 'Tanh', 'Sigmoid', 'Erf']);

/** Bytes of all values that live at the same time, at most, when the nodes are computed in the engine's order: what is fed and the weights are not counted, outputs live to the end.
 * @param sizes the values of the names in the graph's shapes */
export function peakBytes(graph: Graph, sizes: Record<string, number>): number {
  const owner = new Map<Value, Value>(); // the value whose memory another one is
  const own = (value: Value): Value => owner.get(value) ?? value;
  const lastUse = new Map<Value, Node | null>();
  const fixed = new Set<Value>(graph.initializers); // what follows from weights alone is computed once, when the engine takes the graph
  const computed = engineOrder(graph).filter((node) => {
    const folded = node.op === 'Constant' || (node.inputs.length > 0 && node.inputs.every((value) => fixed.has(value)));
    if (folded) for (const value of node.outputs) fixed.add(value);
    return !folded;
  });
  const theirs = new Set(computed.flatMap(({ outputs }) => outputs));
  for (const node of computed) {
    if (views.has(node.op) && theirs.has(node.inputs[0])) owner.set(node.outputs[0], own(node.inputs[0]));
    for (const value of node.inputs) lastUse.set(own(value), node);
  }
  for (const value of Object.values(graph.outputs)) lastUse.set(own(value), null);

  const known = new Map<string, number>();
  const bytes = ({ dtype, shape }: Value): number => {
    const key = `${dtype} ${shape.join(' ')}`;
    let size = known.get(key);
    if (size === undefined) known.set(key, (size = bytesPerElement(dtype) * dim.evaluate(dim.mul(...shape), sizes)));
    return size;
  };
  const live = new Map<Value, number>();
  let now = 0, most = 0;
  for (const node of computed) {
    const dying = new Set(node.inputs.map(own).filter((value) => live.has(value) && lastUse.get(value) === node));
    for (const value of node.outputs) {
      if (own(value) !== value || (value.index > 0 && !lastUse.has(value))) continue;
      const size = bytes(value);
      const reused = inPlace.has(node.op) ? [...dying].find((input) => live.get(input) === size) : undefined;
      if (reused !== undefined) {
        dying.delete(reused);
        live.delete(reused);
        now -= size;
      }
      live.set(value, size);
      now += size;
      if (!lastUse.has(value)) dying.add(value);
    }
    most = Math.max(most, now);
    for (const value of dying) {
      now -= live.get(value)!;
      live.delete(value);
    }
  }
  return most;
}

/** onnxruntime's order (GraphViewer, ReverseDFSFrom): back from the last node that nothing needs, of a node's inputs the latest first. So the gradients of the last layers are done before
 * those of the first are begun, whichever way the outputs are listed. */
function engineOrder({ nodes }: Graph): Node[] {
  const place = new Map(nodes.map((node, i) => [node, i]));
  const needed = new Set(nodes.flatMap(({ inputs }) => inputs.map(({ node }) => node)));
  const stack = nodes.filter((node) => !needed.has(node)).map((node) => ({ node, done: false }));
  const seen = new Set<Node>();
  const order: Node[] = [];
  while (stack.length > 0) {
    const { node, done } = stack.pop()!;
    if (done) order.push(node);
    if (done || seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, done: true });
    const inputs = [...new Set(node.inputs.map((value) => value.node))].filter((input) => place.has(input) && !seen.has(input));
    for (const input of inputs.toSorted((a, b) => place.get(a)! - place.get(b)!)) stack.push({ node: input, done: false });
  }
  return order;
}
