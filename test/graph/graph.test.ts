/** Building, text form and verifier. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, constant, gather, grad, graph, initializer, input, matmul, quickGelu, split, text, verify, Value, type Graph } from '../../src/graph/index.ts';

const x = input('x', 'float32', ['T', 4]);
const w = initializer('w', 'float32', [3, 4], { file: '/weights', offset: 8, byteLength: 48 });

test('the text form of a small training graph', () => {
  const y = quickGelu(matmul(x, w, { transB: true })).add(constant([1, 2, 3]));
  const loss = y.mean();
  assert.equal(text(graph({ loss, dw: grad(loss, [w])[0] })), `
input x: float32[T, 4]
weight w: float32[3, 4]
%0 = MatMul(x, w) transB=true alpha=1: float32[T, 3]
%1.0, %1.1 = QuickGelu(%0) alpha=1.702: float32[T, 3], float32[T, 3]
%2 = Constant [1, 2, 3]: float32[3]
%3 = Add(%1.0, %2): float32[T, 3]
%4 = ReduceMean(%3) axes=[0, 1]: float32[]
%5 = Constant [1]: float32[]
%6 = Reshape(%5) shape=[1, 1]: float32[1, 1]
%7 = Dim() dim=3*T: int64[]
%8 = Cast(%7) to=float32: float32[]
%9 = Div(%6, %8): float32[1, 1]
%10 = Expand(%9) shape=[T, 3]: float32[T, 3]
%11 = Sub(%0, %1.0): float32[T, 3]
%12 = Constant [1.7020000219345093]: float32[]
%13 = Mul(%11, %12): float32[T, 3]
%14 = Constant [1]: float32[]
%15 = Add(%13, %14): float32[T, 3]
%16 = Mul(%1.1, %15): float32[T, 3]
%17 = Mul(%10, %16): float32[T, 3]
%18 = MatMul(%17, x) transA=true alpha=1: float32[3, 4]
output loss = %4
output dw = %18`.trim());
});

const form = (y: Value): string => text(graph({ y }));

test('text tells graphs apart by shape, attribute and constant, not by the order of construction', () => {
  const forms = [x.sum(0), x.sum(1), x.mean(0), x.mul(2), x.mul(3), x.add(constant(Float32Array.from({ length: 20 }, (_, i) => i), 'float32', [5, 4]).slice(0, 0, 1)),
    x.add(constant(Float32Array.from({ length: 20 }, (_, i) => i + Number(i === 19)), 'float32', [5, 4]).slice(0, 0, 1))].map(form);
  assert.equal(new Set(forms).size, forms.length);
  const build = (swap: boolean): string => {
    const parts = swap ? [x.exp(), x.neg()].toReversed() : [x.neg(), x.exp()];
    return form(parts[0].mul(parts[1]));
  };
  assert.equal(build(false), build(true));
});

test('shapes', () => {
  assert.equal(String(x.unsqueeze(-1)), 'float32[T, 4, 1]');
  assert.equal(String(x.reshape([2, -1])), 'float32[2, 2*T]');
  assert.equal(String(input('v', 'float32', ['B*T*N', 6]).reshape(['T', -1, 2, 3]).transpose([1, 2, 0, 3])), 'float32[B*N, 2, T, 3]');
  assert.equal(String(concat([x, x.slice(0, 0, 2)], 0)), 'float32[T+2, 4]');
  assert.equal(String(x.slice(0, -2).slice(1, 1, -1)), 'float32[2, 2]');
  assert.equal(String(gather(x, input('i', 'int64', ['B', 'S']))), 'float32[B, S, 4]');
  assert.equal(String(matmul(input('q', 'float32', ['B', 1, 'S', 'd']), input('k', 'float32', [8, 'R', 'd']), { transB: true })), 'float32[B, 8, S, R]');
  assert.deepEqual(split(x, [1, 3], 1).map(String), ['float32[T, 1]', 'float32[T, 3]']);
  assert.equal(x.reshape(['T', 4]), x, 'the same shape is the same value');
});

test('what does not fit is refused, naming op, types and reason', () => {
  const other = input('other', 'float32', ['N', 4]);
  const refused: [() => Value, RegExp][] = [
    [() => x.add(other), /Add\(float32\[T, 4\], float32\[N, 4\]\)\ndimensions T and N do not broadcast/],
    [() => matmul(x, x), /inner dimensions 4 and T differ/],
    [() => x.add(constant(1, 'int64')), /dtypes differ/],
    [() => x.reshape([3, -1]), /4\*T elements are not a multiple of 3/],
    [() => x.reshape(['N', 4]), /4\*T and 4\*N elements/],
    [() => x.transpose([0, 0]), /no permutation/],
    [() => x.sum(2), /has no axis 2/],
    [() => x.squeeze(0), /axis 0 of float32\[T, 4\] is not 1/],
    [() => gather(x, x), /indices must be int64/],
    [() => concat([x, other.reshape([4, 'N'])], 0), /shapes differ off axis 0/],
    [() => split(x, 3, 1)[0], /4 is not a multiple of 3/],
    [() => x.slice(1, 2, 5), /positions 2 to 5 of axis 1/],
    [() => x.cast('int64').exp(), /needs floating point/],
    [() => constant([1, 2, 3], 'float32', [2]), /3 values for shape \[2\]/],
    [() => initializer('w', 'float32', [4], { data: new Float32Array(3) }), /weight "w": 12 bytes for float32\[4\]/],
    [() => grad(x, [x])[0], /the loss is float32\[T, 4\], not a scalar/],
  ];
  for (const [build, message] of refused) assert.throws(build, (error: Error & { code?: string }) => error.code === 'GRAPH' && message.test(error.message), String(message));
});

test('graph() and verify() refuse what is not well formed', () => {
  const twin = input('x', 'float32', ['T', 4]);
  assert.throws(() => graph({}), /needs an output/);
  assert.throws(() => graph({ y: x.add(twin) }), /two inputs are named "x"/);
  assert.throws(() => graph({ y: matmul(x, w, { transB: true }).add(initializer('w', 'float32', [3], { data: new Float32Array(3) })) }), /two different tensors are named "w"/);
  assert.throws(() => graph({ x: x.neg() }), /output "x" has the name of an input/);
  assert.throws(() => graph({ y: constant(1).expand(['Q']) }), /no input has the dimension Q/);
  assert.throws(() => graph({ '%1': x.neg() }), /cannot be named/);

  const good = graph({ y: x.neg().exp() });
  const broken: [Partial<Graph>, RegExp][] = [
    [{ nodes: good.nodes.toReversed() }, /Exp uses a value of Neg, .* that comes later or not at all/],
    [{ inputs: [] }, /Neg uses a value of Input/],
    [{ nodes: [...good.nodes, x.sin().node] }, /no output needs Sin/],
    [{ outputs: { y: x.sin() } }, /nothing in the graph computes the output "y"/],
  ];
  for (const [part, message] of broken) assert.throws(() => verify({ ...good, ...part }), message);
  const { node } = x.neg();
  const outputs: Value[] = [];
  const lying = { ...node, outputs } as typeof node;
  outputs.push(new Value(lying, 0, { dtype: 'float32', shape: [4, 'T'] }));
  assert.throws(() => graph({ y: outputs[0] }), /Neg gives float32\[T, 4\], not float32\[4, T\]/);
});

test('a weight used through two values of one name and place is one weight', () => {
  const again = initializer('w', 'float32', [3, 4], { file: '/weights', offset: 8, byteLength: 48 });
  assert.equal(graph({ y: w.add(again) }).initializers.length, 2);
});

test('grad follows only what leads to wrt, and gives zeros for what is not reached', () => {
  const y = x.mul(2).sum().add(matmul(x, w, { transB: true }).exp().sum());
  const stranger = input('stranger', 'float32', [2]);
  const [dw, none] = grad(y, [w, stranger]);
  const all = text(graph({ dw, none }));
  assert.match(all, /ConstantOfShape\(\) shape=\[2\] value=0 dtype=float32/);
  assert.equal(all.match(/MatMul/g)?.length, 2, 'the product itself and the one for w, none for x');
  assert.doesNotMatch(all, /input stranger/);
});
