/** Activation recomputation: the backward pass computes a block's values anew from the block's input instead of keeping them. arXiv:1604.06174 */
import { applyAll, type Node, type OpNode, type Value } from './value.ts';

/** A part of the graph with one input that matters; output has its shape. */
export type Block = { input: Value; output: Value };

/** The nodes of a block with what they compute the second time. */
export class Recomputed {
  readonly nodes: ReadonlySet<Node>;
  readonly #block: Block;
  #again: Map<Value, Value> | undefined;

  constructor(block: Block) {
    this.#block = block;
    this.nodes = between(block);
  }

  /** The value as it is computed again, `x` for the block's input; one from outside of the block stays. Made when it is first asked for.
   * @param dy the gradient by the block's output: nothing is computed again before it is there, and the engine can't take the copy for the original */
  valueOf(value: Value, dy: Value | undefined): Value {
    this.#again ??= this.#repeat(dy);
    return this.#again.get(value) ?? value;
  }

  #repeat(dy: Value | undefined): Map<Value, Value> {
    const { input } = this.#block;
    const again = new Map<Value, Value>([[input, dy === undefined ? input : input.add(nothing(dy))]]);
    for (const node of this.nodes) {
      const { op, attrs, inputs, outputs } = node as OpNode;
      const copies = applyAll(op, inputs.map((value) => again.get(value) ?? value), attrs);
      outputs.forEach((value, i) => again.set(value, copies[i]));
    }
    return again;
  }
}

/** A zero that has to wait for a value. → [1, …] */
function nothing(value: Value): Value {
  return value.shape.reduce<Value>((v, _, axis) => v.slice(axis, 0, 1), value).mul(0);
}

/** What leads from the input to the output, each node after those it needs. */
function between({ input, output }: Block): Set<Node> {
  const leads = new Map<Node, boolean>([[input.node, true]]);
  const order = new Set<Node>();
  const visit = (node: Node): boolean => {
    const known = leads.get(node);
    if (known !== undefined) return known;
    leads.set(node, false);
    const found = node.inputs.map((value) => visit(value.node)).some(Boolean);
    leads.set(node, found);
    if (found) order.add(node);
    return found;
  };
  visit(output.node);
  return order;
}
