import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dim, type Dim } from '../../src/graph/index.ts';
import { canonical } from '../../src/graph/dims.ts';
import { uniform } from './evaluate.ts';

test('a dim has one spelling', () => {
  const cases: [Dim, Dim][] = [
    ['T*B', 'B*T'], ['S + P', 'P+S'], ['M*4', '4*M'], ['1+T*N', 'N*T+1'], ['T+T', '2*T'], ['T-T', 0], ['2*3', 6], ['-T+B*2', '2*B-T'], ['T*T*2', '2*T*T'], [7, 7],
  ];
  for (const [spelling, expected] of cases) assert.equal(canonical(spelling), expected, String(spelling));
});

test('arithmetic', () => {
  assert.equal(dim.mul('B+1', 'T', 2), '2*B*T+2*T');
  assert.equal(dim.add('P', 'S', 1), 'P+S+1');
  assert.equal(dim.sub('P+S', 'P'), 'S');
  assert.equal(dim.div('4*B*M', '2*M'), '2*B');
  assert.equal(dim.div('B*T+B', 'T+1'), 'B');
  assert.equal(dim.div('P*P-S*S', 'P+S'), 'P-S');
  assert.ok(dim.equal('T*B', 'B*T') && !dim.equal('B', 'T'));
  assert.deepEqual(dim.symbols('T*B-T+1'), ['B', 'T']);
});

test('a product divided by a factor is the other, and evaluation respects both', () => {
  const next = uniform(3);
  const whole = (from: number, to: number): number => Math.floor(next(from, to));
  const random = (): Dim => dim.add(...Array.from({ length: whole(1, 4) }, () => dim.mul(whole(-3, 4) || 1, ...Array.from({ length: whole(0, 3) }, () => ['B', 'M', 'T'][whole(0, 3)]))));
  const values = { B: 2, M: 7, T: 11 };
  for (let i = 0; i < 200; i++) {
    const [a, b] = [random(), random()];
    assert.equal(dim.evaluate(dim.mul(a, b), values), dim.evaluate(a, values) * dim.evaluate(b, values), `(${a})(${b})`);
    assert.equal(dim.evaluate(dim.sub(a, b), values), dim.evaluate(a, values) - dim.evaluate(b, values), `(${a})-(${b})`);
    if (b !== 0) assert.equal(dim.div(dim.mul(a, b), b), a, `(${a})(${b}) / (${b})`);
  }
});

test('what is no polynomial, or no multiple, is refused', () => {
  for (const text of ['', '+', 'T/2', '(T+1)', '2T', 'T*', 'T^2', 1.5]) assert.throws(() => canonical(text), { code: 'GRAPH' }, String(text));
  assert.throws(() => dim.div('B+1', 'B'), { code: 'GRAPH' });
  assert.throws(() => dim.div('3*T', 2), { code: 'GRAPH' });
  assert.throws(() => dim.div('T', 0), { code: 'GRAPH' });
  assert.throws(() => dim.evaluate('T+Q', { T: 1 }), /needs a value for Q/);
});
