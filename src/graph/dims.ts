/**
 * Dimensions of a tensor: numbers, or polynomials over names ('T', '4*M', 'P+S') that take their values when a graph runs.
 * A polynomial is kept as its canonical string (terms by falling degree, then by name), so two dims are equal when their strings are.
 */
import { StaveError } from '../errors.ts';

export type Dim = number | string;

/** Monomial ('B*T', '' for 1) → integer coefficient; no zero coefficients. */
export type Polynomial = ReadonlyMap<string, number>;

const parsed = new Map<string, Polynomial>();
const printed = new Map<string, Dim>(); // any spelling → canonical dim

const names = (monomial: string): string[] => (monomial === '' ? [] : monomial.split('*'));
const times = (a: string, b: string): string => [...names(a), ...names(b)].toSorted().join('*');

/** Graded lexicographic order, the leading term first. It respects products, which the long division below relies on. */
function byDegree(a: string, b: string): number {
  return names(b).length - names(a).length || (a < b ? -1 : a > b ? 1 : 0);
}

function bad(text: Dim): StaveError {
  return new StaveError('GRAPH', { what: `"${text}" is not a dimension`, fix: 'use a whole number or a polynomial over names such as "T", "4*M", "P+S"' });
}

/** The terms of a dim. @throws GRAPH when the text is no polynomial with integer coefficients */
export function polynomial(d: Dim): Polynomial {
  if (typeof d === 'number') {
    if (!Number.isSafeInteger(d)) throw bad(d);
    return new Map(d === 0 ? [] : [['', d]]);
  }
  const known = parsed.get(d);
  if (known) return known;
  const terms = new Map<string, number>();
  const text = d.replaceAll(' ', '');
  if (!/^[+-]?[^+-]+([+-][^+-]+)*$/.test(text)) throw bad(d);
  for (const [, sign, body] of text.matchAll(/([+-]?)([^+-]+)/g)) {
    let coefficient = sign === '-' ? -1 : 1;
    const symbols: string[] = [];
    for (const factor of body.split('*')) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else if (/^[A-Za-z_]\w*$/.test(factor)) symbols.push(factor);
      else throw bad(d);
    }
    accumulate(terms, symbols.toSorted().join('*'), coefficient);
  }
  parsed.set(d, terms);
  return terms;
}

function accumulate(terms: Map<string, number>, monomial: string, coefficient: number): void {
  const sum = (terms.get(monomial) ?? 0) + coefficient;
  if (sum === 0) terms.delete(monomial);
  else terms.set(monomial, sum);
}

function print(terms: Polynomial): Dim {
  const order = [...terms.keys()].toSorted(byDegree);
  if (order.length === 0) return 0;
  if (order.length === 1 && order[0] === '') return terms.get('')!;
  return order
    .map((monomial, i) => {
      const c = terms.get(monomial)!;
      const size = monomial === '' ? `${Math.abs(c)}` : Math.abs(c) === 1 ? monomial : `${Math.abs(c)}*${monomial}`;
      return (c < 0 ? '-' : i > 0 ? '+' : '') + size;
    })
    .join('');
}

/** The one spelling of a dim. */
export function canonical(d: Dim): Dim {
  if (typeof d === 'number') return Number.isSafeInteger(d) ? d : print(polynomial(d));
  let result = printed.get(d);
  if (result === undefined) printed.set(d, (result = print(polynomial(d))));
  return result;
}

function combine(a: Polynomial, b: Polynomial, scale: number): Polynomial {
  const sum = new Map(a);
  for (const [monomial, c] of b) accumulate(sum, monomial, scale * c);
  return sum;
}

function multiply(a: Polynomial, b: Polynomial): Polynomial {
  const product = new Map<string, number>();
  for (const [m, c] of a) for (const [n, d] of b) accumulate(product, times(m, n), c * d);
  return product;
}

/** The monomial a / b, or undefined. */
function quotient(a: string, b: string): string | undefined {
  const left = names(a);
  for (const name of names(b)) {
    const at = left.indexOf(name);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left.join('*');
}

/** Long division by leading terms; undefined when a remainder is left. */
function divide(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const lead = [...b.keys()].toSorted(byDegree)[0];
  if (lead === undefined) return undefined;
  const result = new Map<string, number>();
  for (let rest = a; rest.size > 0; ) {
    const top = [...rest.keys()].toSorted(byDegree)[0];
    const monomial = quotient(top, lead);
    const coefficient = rest.get(top)! / b.get(lead)!;
    if (monomial === undefined || !Number.isInteger(coefficient)) return undefined;
    accumulate(result, monomial, coefficient);
    rest = combine(rest, multiply(new Map([[monomial, coefficient]]), b), -1);
  }
  return result;
}

export const dim = {
  mul: (...dims: Dim[]): Dim =>
    dims.reduce((a, b) => (typeof a === 'number' && typeof b === 'number' ? a * b : a === 1 ? canonical(b) : b === 1 ? a : print(multiply(polynomial(a), polynomial(b)))), 1),
  add: (...dims: Dim[]): Dim =>
    dims.reduce((a, b) => (typeof a === 'number' && typeof b === 'number' ? a + b : print(combine(polynomial(a), polynomial(b), 1))), 0),
  sub: (a: Dim, b: Dim): Dim => print(combine(polynomial(a), polynomial(b), -1)),
  /** The exact quotient. @throws GRAPH when there is none */
  div(a: Dim, b: Dim): Dim {
    const result = divide(polynomial(a), polynomial(b));
    if (!result) throw new StaveError('GRAPH', { what: `${a} is not a multiple of ${b}` });
    return print(result);
  },
  equal: (a: Dim, b: Dim): boolean => canonical(a) === canonical(b),
  /** The names in a dim, sorted, without repeats. */
  symbols: (d: Dim): string[] => (typeof d === 'number' ? [] : [...new Set([...polynomial(d).keys()].flatMap(names))].toSorted()),
  /** The number a dim stands for. @throws GRAPH when a name has no value */
  evaluate(d: Dim, values: Record<string, number>): number {
    if (typeof d === 'number') return d;
    let sum = 0;
    for (const [monomial, c] of polynomial(d)) {
      sum += names(monomial).reduce((product, name) => {
        if (!(name in values)) throw new StaveError('GRAPH', { what: `dimension ${d} needs a value for ${name}` });
        return product * values[name];
      }, c);
    }
    return sum;
  },
};
