/** Symbolic dims at run time: computed from the shapes of the graph's inputs, each distinct one once. */
import { StaveError } from '../../errors.ts';
import { dim, polynomial, type Dim, type Polynomial } from '../dims.ts';

/** A graph input as far as its shape matters here. */
export type Sized = { name: string; shape: readonly Dim[] };

/** symbol = (length of the input's axis − rest) / factor; both hold only symbols bound before. */
export type Binding = { symbol: string; input: string; axis: number; factor: Dim; rest: Dim };

/** How each symbol follows from the inputs, in an order in which they can be computed. */
export function bindings(inputs: readonly Sized[]): Binding[] {
  const axes = inputs.flatMap(({ name, shape }) => shape.map((d, axis) => ({ input: name, axis, d }))).filter(({ d }) => typeof d === 'string');
  const found: Binding[] = axes.filter(({ d }) => /^\w+$/.test(d as string)).map(({ input, axis, d }) => ({ symbol: d as string, input, axis, factor: 1, rest: 0 }));
  const known = new Set(found.map(({ symbol }) => symbol));
  for (let before = -1; before < known.size; ) {
    before = known.size;
    for (const { input, axis, d } of axes) {
      const missing = dim.symbols(d).filter((s) => !known.has(s));
      const split = missing.length === 1 ? linear(d, missing[0]) : undefined;
      if (!split) continue;
      known.add(missing[0]);
      found.push({ symbol: missing[0], input, axis, ...split });
    }
  }
  return found.filter(({ symbol }, i) => found.findIndex((other) => other.symbol === symbol) === i);
}

/** d = factor · symbol + rest, if d has the symbol in the first power only. */
function linear(d: Dim, symbol: string): { factor: Dim; rest: Dim } | undefined {
  const rest = [...polynomial(d)].filter(([monomial]) => !monomial.split('*').includes(symbol));
  const restDim = dim.add(...rest.map(([monomial, c]) => dim.mul(c, monomial || 1)));
  try {
    const factor = dim.div(dim.sub(d, restDim), symbol);
    return dim.symbols(factor).includes(symbol) ? undefined : { factor, rest: restDim };
  } catch {
    return undefined;
  }
}

/** What computing sizes needs of the graph under construction. Sizes are int64 vectors of length 1. */
export type Emit = {
  node(op: string, inputs: string[], attributes?: Record<string, { int: number }>): string;
  int64(values: readonly number[]): string;
};

export class Sizes {
  readonly #emit: Emit;
  readonly #inputs: readonly Sized[];
  readonly #bindings: Map<string, Binding>;
  readonly #made = new Map<string, string>();

  constructor(inputs: readonly Sized[], emit: Emit) {
    this.#emit = emit;
    this.#inputs = inputs;
    this.#bindings = new Map(bindings(inputs).map((b) => [b.symbol, b]));
  }

  /** The vector of the dims. @throws GRAPH when the inputs do not determine one */
  shape(dims: readonly Dim[]): string {
    if (dims.every((d) => typeof d === 'number')) return this.#emit.int64(dims);
    return this.#once(`[${dims.join()}]`, () => {
      const pieces = runs(dims).map((run) => (typeof run === 'string' ? this.#size(run) : this.#emit.int64(run)));
      return pieces.length === 1 ? pieces[0] : this.#emit.node('Concat', pieces, { axis: { int: 0 } });
    });
  }

  #size(d: Dim): string {
    if (typeof d === 'number') return this.#emit.int64([d]);
    return this.#once(d, () => {
      for (const { name, shape } of this.#inputs) {
        const axis = shape.indexOf(d);
        if (axis >= 0) return this.#axis(name, axis);
      }
      const binding = this.#bindings.get(d);
      return binding ? this.#solve(binding) : this.#evaluate(d, polynomial(d));
    });
  }

  #axis(input: string, axis: number): string {
    return this.#once(`${input}:${axis}`, () => this.#emit.node('Shape', [input], { start: { int: axis }, end: { int: axis + 1 } }));
  }

  #solve({ input, axis, factor, rest }: Binding): string {
    const length = this.#axis(input, axis);
    const product = rest === 0 ? length : this.#emit.node('Sub', [length, this.#size(rest)]);
    if (factor === 1) return product;
    const divisor = typeof factor === 'number' ? this.#size(factor) : this.#emit.node('Max', [this.#size(factor), this.#size(1)]); // 0 = 0 · symbol: any value will do
    return this.#emit.node('Div', [product, divisor]);
  }

  #evaluate(d: Dim, terms: Polynomial): string {
    const products = [...terms].map(([monomial, c]) => {
      const symbols = monomial === '' ? [] : monomial.split('*');
      const unknown = symbols.find((s) => !this.#bindings.has(s));
      if (unknown) throw new StaveError('GRAPH', { what: `the inputs do not determine the dimension ${d}`, why: `no input's shape gives ${unknown}` });
      const factors = [...(c === 1 && symbols.length > 0 ? [] : [this.#size(c)]), ...symbols.map((s) => this.#size(s))];
      return factors.reduce((a, b) => this.#emit.node('Mul', [a, b]));
    });
    return products.reduce((a, b) => this.#emit.node('Add', [a, b]));
  }

  #once(key: string, make: () => string): string {
    let name = this.#made.get(key);
    if (name === undefined) this.#made.set(key, (name = make()));
    return name;
  }
}

/** Numbers that stand together as one piece, symbolic dims one by one. */
function runs(dims: readonly Dim[]): (number[] | string)[] {
  const pieces: (number[] | string)[] = [];
  for (const d of dims) {
    const before = pieces[pieces.length - 1];
    if (typeof d === 'string') pieces.push(d);
    else if (Array.isArray(before)) before.push(d);
    else pieces.push([d]);
  }
  return pieces;
}
