/** Which nodes are written into the branches of a choice. */
import type { Graph } from '../topology.ts';
import type { OpNode, Value } from '../value.ts';

/** They read all of a large tensor once, and the engine packs no weights for them: in a branch it would not. */
const MOVABLE = new Set<string>(['Add', 'LayerNormalization', 'SimplifiedLayerNormalization']);

/** For each node that alone reads a choice and can be computed within its branches, that choice: else the engine would copy what is taken first. */
export function followers(g: Graph): Map<OpNode, OpNode> {
  const readers = new Map<Value, number>();
  for (const v of [...g.nodes.flatMap((node) => node.inputs), ...Object.values(g.outputs)]) readers.set(v, (readers.get(v) ?? 0) + 1);
  const found = new Map<OpNode, OpNode>();
  for (const node of g.nodes) {
    const [choice, another] = node.inputs.filter((v) => v.node.op === 'If' && readers.get(v) === 1);
    if (choice !== undefined && another === undefined && MOVABLE.has(node.op)) found.set(node as OpNode, choice.node as OpNode);
  }
  return found;
}
