/** The type of a graph, and the order in which its nodes can be computed. */
import type { Node, Value } from './value.ts';

export type Graph = {
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
  /** Ops and constants in computable order; inputs and initializers stand apart. */
  readonly nodes: readonly Node[];
  readonly initializers: readonly Value[];
};

/** Every node that the values depend on, each after its inputs. The order depends only on the graph. */
export function inOrder(values: readonly Value[]): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack = values.map(({ node }) => ({ node, next: 0 })).toReversed();
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const { node, next } = top;
    if (next === 0 && seen.has(node)) {
      stack.pop();
      continue;
    }
    seen.add(node);
    if (next < node.inputs.length) {
      top.next++;
      const source = node.inputs[next].node;
      if (!seen.has(source)) stack.push({ node: source, next: 0 });
    } else {
      order.push(node);
      stack.pop();
    }
  }
  return order;
}
