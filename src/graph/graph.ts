/** From values to a graph. */
import { StaveError } from '../errors.ts';
import { inOrder, type Graph } from './topology.ts';
import type { Value } from './value.ts';
import { verify } from './verify.ts';

/**
 * The graph that computes the named outputs and nothing else.
 * @param inputs inputs to list even when no output needs them, so that a signature stays the same
 * @throws GRAPH when the graph is not well formed
 */
export function graph(outputs: Readonly<Record<string, Value>>, inputs: readonly Value[] = []): Graph {
  if (Object.keys(outputs).length === 0) throw new StaveError('GRAPH', { what: 'a graph needs an output' });
  const order = inOrder([...inputs, ...Object.values(outputs)]);
  const leaves = (op: string): Value[] => order.filter((node) => node.op === op).map((node) => node.outputs[0]);
  const g: Graph = {
    inputs: leaves('Input'),
    outputs: { ...outputs },
    nodes: order.filter((node) => node.op !== 'Input' && node.op !== 'Initializer'),
    initializers: leaves('Initializer'),
  };
  verify(g);
  return g;
}
