import { dim, type Graph } from '../graph/index.ts';

/** Floating-point operations of a graph's matrix products, forward and backward as they stand in it: 2·M·N·K each. Elementwise work is not counted,
 * so a rate made of this is comparable with the machine's rate of a large matrix product.
 * @param sizes the values of the names in the graph's shapes */
export function matmulFlops(graph: Graph, sizes: Record<string, number>): number {
  let total = 0;
  for (const node of graph.nodes) {
    if (node.op !== 'MatMul') continue;
    const [a] = node.inputs;
    const [y] = node.outputs;
    const K = a.shape.at(node.attrs.transA ? -2 : -1)!;
    total += 2 * dim.evaluate(dim.mul(...y.shape, K), sizes);
  }
  return total;
}
