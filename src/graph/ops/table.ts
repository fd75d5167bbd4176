/** The table of ops: shape, gradient and ONNX form of each in one record. A forgotten op does not compile. */
import { install } from '../value.ts';
import { attention } from './attention.ts';
import { choice } from './choice.ts';
import { elementwise } from './elementwise.ts';
import { fused } from './fused.ts';
import { indexing } from './indexing.ts';
import { products } from './matmul.ts';
import { packed } from './packed.ts';
import { reductions } from './reduce.ts';
import type { Op } from './attrs.ts';
import type { Rule, Rules } from './rule.ts';
import { shapes } from './shape.ts';

export const rules: Rules = { ...elementwise, ...products, ...packed, ...shapes, ...reductions, ...indexing, ...fused, ...attention, ...choice };

install(rules);

/** The ops that gradients flow through. */
export const differentiable = (Object.keys(rules) as Op[]).filter((op) => rules[op].grad !== 'none');

/** The rule of an op whose name is known only at run time; its attributes are then unchecked. */
export const ruleOf = (op: Op): Rule<unknown> => rules[op] as Rule<unknown>;
