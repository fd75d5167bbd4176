import { StaveError } from '../errors.ts';
import { gelu, quickGelu, silu, type Value } from '../graph/index.ts';
import { linear } from './linear.ts';
import type { Params } from './params.ts';

const activations = { gelu, quick_gelu: quickGelu, silu };

/** The activation that a config's `hidden_act` names. */
export function activation(name: string): (x: Value) => Value {
  if (Object.hasOwn(activations, name)) return activations[name as keyof typeof activations];
  throw new StaveError('MODEL_CONFIG', { what: `"hidden_act": "${name}" is not an activation stave knows`, fix: `use one of ${Object.keys(activations).join(', ')}` });
}

/** fc2(act(fc1(x))). x: [.., D] → [.., D] */
export function mlp(p: Params, x: Value, act: (x: Value) => Value): Value {
  return linear(p.at('fc2'), act(linear(p.at('fc1'), x)));
}

/** down(act(gate(x)) ⊙ up(x)), SwiGLU with act = silu. x: [.., D] → [.., D]. arXiv:2002.05202 */
export function gatedMlp(p: Params, x: Value, act: (x: Value) => Value): Value {
  return linear(p.at('down_proj'), act(linear(p.at('gate_proj'), x)).mul(linear(p.at('up_proj'), x)));
}
