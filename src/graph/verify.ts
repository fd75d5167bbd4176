/** Checks that a graph is well formed. graph() makes only such graphs; verify() also takes those put together by hand. */
import { StaveError } from '../errors.ts';
import { dim } from './dims.ts';
import { ruleOf } from './ops/table.ts';
import type { TensorSource } from './tensor.ts';
import type { Graph } from './topology.ts';
import { sameShape, typeText, type Leaf, type Value } from './value.ts';

const problem = (what: string, fix?: string): StaveError => new StaveError('GRAPH', { what, fix });

/**
 * @throws GRAPH naming the value: an input's name used twice, one name for two weights, an unknown value, a node of the wrong type,
 * a node that no output needs, a symbolic dim that no input carries
 */
export function verify(g: Graph): void {
  checkNames(g);
  checkNodes(g);
  checkSymbols(g);
}

const nameOf = (v: Value): string => (v.node.attrs as Leaf['Input']).name;

const sameSource = (a: TensorSource, b: TensorSource): boolean =>
  'file' in a ? 'file' in b && a.file === b.file && a.offset === b.offset && a.byteLength === b.byteLength : 'data' in b && a.data === b.data;

function checkNames(g: Graph): void {
  const taken = new Map<string, Value>();
  for (const v of g.inputs) {
    const name = nameOf(v);
    if (taken.has(name)) throw problem(`two inputs are named "${name}"`, 'make the input once and use its value twice');
    if (name === '' || name.startsWith('%')) throw problem(`an input cannot be named "${name}"`);
    taken.set(name, v);
  }
  for (const v of g.initializers) {
    const { name, source } = v.node.attrs as Leaf['Initializer'];
    const other = taken.get(name);
    const same = other?.node.op === 'Initializer' && other.dtype === v.dtype && sameShape(other.shape, v.shape) && sameSource(other.node.attrs.source, source);
    if (name === '' || name.startsWith('%')) throw problem(`a weight cannot be named "${name}"`);
    if (other && !same) throw problem(`two different tensors are named "${name}"`);
    taken.set(name, v);
  }
  for (const name of Object.keys(g.outputs)) {
    if (taken.has(name)) throw problem(`the output "${name}" has the name of an input or a weight`, 'give the output another name');
    if (name === '' || name.startsWith('%')) throw problem(`an output cannot be named "${name}"`);
  }
}

function checkNodes(g: Graph): void {
  const known = new Set<Value>([...g.inputs, ...g.initializers]);
  for (const node of g.nodes) {
    for (const v of node.inputs) {
      if (!known.has(v)) throw problem(`${node.op} uses a value of ${v.node.op}, ${v}, that comes later or not at all`);
    }
    for (const v of node.outputs) known.add(v);
    if (node.op === 'Input' || node.op === 'Initializer' || node.op === 'Constant') continue;
    const types = ruleOf(node.op).shape(node.inputs, node.attrs);
    const right = types.length === node.outputs.length && types.every((t, i) => t.dtype === node.outputs[i].dtype && t.shape.every((d, k) => dim.equal(d, node.outputs[i].shape[k])));
    if (!right) throw problem(`${node.op} gives ${types.map(typeText).join(', ')}, not ${node.outputs.join(', ')}`);
  }
  for (const [name, v] of Object.entries(g.outputs)) {
    if (!known.has(v)) throw problem(`nothing in the graph computes the output "${name}"`);
  }
  const needed = new Set(Object.values(g.outputs).map((v) => v.node));
  for (const node of g.nodes.toReversed()) {
    if (!needed.has(node)) throw problem(`no output needs ${node.op} ${node.outputs.join(', ')}`);
    for (const v of node.inputs) needed.add(v.node);
  }
}

function checkSymbols(g: Graph): void {
  const bound = new Set(g.inputs.flatMap((v) => v.shape.flatMap(dim.symbols)));
  const values = [...g.nodes.flatMap((node) => node.outputs), ...Object.values(g.outputs)];
  for (const v of values) {
    for (const name of v.shape.flatMap(dim.symbols)) {
      if (!bound.has(name)) throw problem(`${v.node.op} ${v}: no input has the dimension ${name}`, `list an input with ${name} in its shape: graph(outputs, [thatInput])`);
    }
  }
}
