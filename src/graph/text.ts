/** A graph as text, one line per node: for tests, reviews and as a key. Equal graphs have equal text. */
import type { Dim } from './dims.ts';
import type { TypedArray } from './tensor.ts';
import type { Graph } from './topology.ts';
import type { Leaf, Node, Value } from './value.ts';

/**
 * Lines in computable order:
 * ```
 * input x: float32[T, 4]
 * weight w: float32[8, 4]
 * %0 = MatMul(x, w) transB=true: float32[T, 8]
 * output y = %0
 * ```
 * Weights stand there by name, without their bytes or place; large constants as a hash of their bytes.
 */
export function text(g: Graph): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  for (const [kind, values] of [['input', g.inputs], ['weight', g.initializers]] as const) {
    for (const v of values) {
      const { name } = v.node.attrs as Leaf['Input'];
      names.set(v, name);
      lines.push(`${kind} ${name}: ${v}`);
    }
  }
  g.nodes.forEach((node, n) => {
    node.outputs.forEach((v, i) => names.set(v, node.outputs.length === 1 ? `%${n}` : `%${n}.${i}`));
    lines.push(line(node, names));
  });
  for (const [name, v] of Object.entries(g.outputs)) lines.push(`output ${name} = ${names.get(v)}`);
  return lines.join('\n');
}

function line(node: Node, names: ReadonlyMap<Value, string>): string {
  const left = node.outputs.map((v) => names.get(v)).join(', ');
  const types = node.outputs.join(', ');
  if (node.op === 'Constant') return `${left} = Constant ${numbers(node.attrs.data)}: ${types}`;
  const attrs = Object.entries(node.attrs)
    .filter(([, value]) => value !== false)
    .map(([key, value]) => ` ${key}=${attribute(value)}`)
    .join('');
  return `${left} = ${node.op}(${node.inputs.map((v) => names.get(v)).join(', ')})${attrs}: ${types}`;
}

const attribute = (value: Dim | boolean | readonly Dim[]): string => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value));

function numbers(data: TypedArray): string {
  return data.length <= 16 ? `[${data.join(', ')}]` : `#${hash(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))}`;
}

/** FNV-1a with 64 bits, in two halves. */
function hash(bytes: Uint8Array): string {
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3; // the prime is 2⁴⁰ + 0x1b3
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
