/** Elementwise arithmetic with numpy broadcasting. */
import { greaterOrEqual, lessOrEqual, where } from '../functions.ts';
import { isFloat, onnxTypes } from '../tensor.ts';
import type { Type, Value } from '../value.ts';
import { broadcastShapes, refuse, sameDType, type Rule, type Rules } from './rule.ts';

type None = Record<never, never>;

function binary(op: string, grad: Rule<None>['grad']): Rule<None> {
  return { shape: (inputs) => [{ dtype: sameDType(op, inputs), shape: broadcastShapes(op, inputs) }], grad };
}

/** dx from dy, x and y. */
function unary(op: string, grad: 'none' | ((dy: Value, x: Value, y: Value) => Value)): Rule<None> {
  return {
    shape: (inputs) => {
      if (!isFloat(inputs[0].dtype) && !['Neg', 'Abs', 'Sign'].includes(op)) throw refuse(op, inputs, 'needs floating point: cast first');
      return [{ dtype: inputs[0].dtype, shape: inputs[0].shape }];
    },
    grad: grad === 'none' ? 'none' : (dy, [x], y) => [grad(dy, x, y)],
  };
}

function compare(op: string): Rule<None> {
  return { shape: (inputs) => [{ dtype: (sameDType(op, inputs), 'bool'), shape: broadcastShapes(op, inputs) }], grad: 'none' };
}

function logical(op: string): Rule<None> {
  return {
    shape: (inputs) => {
      if (sameDType(op, inputs) !== 'bool') throw refuse(op, inputs, 'needs bool');
      return [{ dtype: 'bool', shape: broadcastShapes(op, inputs) }];
    },
    grad: 'none',
  };
}

/** Of the two branches of Where. */
function whereType(inputs: readonly Type[]): Type[] {
  if (inputs[0].dtype !== 'bool') throw refuse('Where', inputs, 'the condition must be bool');
  return [{ dtype: sameDType('Where', inputs.slice(1)), shape: broadcastShapes('Where', inputs) }];
}

/** Max and Min: the gradient goes to the operand that was taken, the first when both are equal. */
function extreme(op: 'Min' | 'Max', first: (a: Value, b: Value) => Value): Rule<None> {
  return binary(op, (dy, [a, b]) => [where(first(a, b), dy, 0), where(first(a, b), 0, dy)]);
}

export const elementwise = {
  Add: binary('Add', (dy) => [dy, dy]),
  Sub: binary('Sub', (dy) => [dy, dy.neg()]),
  Mul: binary('Mul', (dy, [a, b]) => [dy.mul(b), dy.mul(a)]),
  Div: binary('Div', (dy, [, b], y) => [dy.div(b), dy.mul(y).div(b).neg()]),
  Pow: binary('Pow', (dy, [a, b], y) => [dy.mul(b).mul(a.pow(b.sub(1))), dy.mul(y).mul(a.log())]),
  Min: extreme('Min', lessOrEqual),
  Max: extreme('Max', greaterOrEqual),
  Neg: unary('Neg', (dy) => dy.neg()),
  Exp: unary('Exp', (dy, _x, y) => dy.mul(y)),
  Log: unary('Log', (dy, x) => dy.div(x)),
  Sqrt: unary('Sqrt', (dy, _x, y) => dy.div(y).mul(0.5)),
  Reciprocal: unary('Reciprocal', (dy, _x, y) => dy.mul(y).mul(y).neg()),
  Abs: unary('Abs', (dy, x) => dy.mul(x.sign())),
  Sign: unary('Sign', 'none'),
  Floor: unary('Floor', 'none'),
  Ceil: unary('Ceil', 'none'),
  Round: unary('Round', 'none'),
  Sin: unary('Sin', (dy, x) => dy.mul(x.cos())),
  Cos: unary('Cos', (dy, x) => dy.mul(x.sin()).neg()),
  Tanh: unary('Tanh', (dy, _x, y) => dy.sub(dy.mul(y).mul(y))), // 1 − tanh²
  Sigmoid: unary('Sigmoid', (dy, _x, y) => dy.mul(y.sub(y.mul(y)))), // σ (1 − σ)
  Erf: unary('Erf', (dy, x) => dy.mul(x.mul(x).neg().exp()).mul(2 / Math.sqrt(Math.PI))), // 2/√π · e^(−x²)
  Equal: compare('Equal'),
  Less: compare('Less'),
  LessOrEqual: compare('LessOrEqual'),
  Greater: compare('Greater'),
  GreaterOrEqual: compare('GreaterOrEqual'),
  And: logical('And'),
  Or: logical('Or'),
  Not: logical('Not'),
  Where: { shape: whereType, grad: (dy, [condition]) => [null, where(condition, dy, 0), where(condition, 0, dy)] },
  Cast: {
    shape: ([x], { to }) => [{ dtype: to, shape: x.shape }],
    grad: (dy, [x]) => [isFloat(x.dtype) ? dy.cast(x.dtype) : null],
    onnx: ({ to }) => ({ attributes: { to: { int: onnxTypes[to] } } }),
  },
  Identity: { shape: ([x]) => [x], grad: 'none' },
} satisfies Partial<Rules>;
