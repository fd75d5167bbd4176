import { layerNormalization, rmsNormalization, type Value } from '../graph/index.ts';
import type { Params } from './params.ts';

/** (x − mean) / √(variance + eps) · weight + bias over the last axis. x: [.., D] → [.., D] */
export function layerNorm(p: Params, x: Value, eps = 1e-6): Value {
  return layerNormalization(x, p.weight(), p.get('bias'), eps);
}

/** x / √(mean x² + eps) · weight over the last axis. x: [.., D] → [.., D] */
export function rmsNorm(p: Params, x: Value, eps = 1e-6): Value {
  return rmsNormalization(x, p.weight(), eps);
}

/** The norm that the checkpoint has: LayerNorm with a bias, RMS norm without. x: [.., D] → [.., D] */
export function norm(p: Params, x: Value, eps = 1e-6): Value {
  return p.has('bias') ? layerNorm(p, x, eps) : rmsNorm(p, x, eps);
}
