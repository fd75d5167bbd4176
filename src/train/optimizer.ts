import { constant, input, minimum, stopGradient, type Value } from '../graph/index.ts';
import type { GroupSettings, TensorRates } from './groups.ts';
import { muonStep, type MuonSettings } from './muon.ts';

/** AdamW's settings, named as in torch.optim.AdamW. `lr` is the peak; rates and decay of a tensor: {@link ratesOf} in groups.ts. */
export type AdamWSettings = GroupSettings & {
  betas: [number, number];
  eps: number;
  /** Gradients are scaled down so that their joint norm is at most this. */
  max_grad_norm: number;
  /** Trains the matrices between hidden features; AdamW has the rest. Its rate follows the same schedule. Absent: AdamW for all. */
  muon?: MuonSettings;
};

/** What changes from step to step: fed as scalars, so one compiled graph serves all steps. */
export type StepInputs = { lr: Value; correction1: Value; correction2: Value };

/** lr; 1 / (1 − β₁ᵗ); 1 / (1 − β₂ᵗ). */
export function stepInputs(): StepInputs {
  return { lr: input('lr', 'float32', []), correction1: input('correction1', 'float32', []), correction2: input('correction2', 'float32', []) };
}

/** The numbers for StepInputs at the update number `step` (1 = the first). */
export function stepValues({ betas: [beta1, beta2] }: AdamWSettings, lr: number, step: number): { lr: number; correction1: number; correction2: number } {
  return { lr, correction1: 1 / (1 - beta1 ** step), correction2: 1 / (1 - beta2 ** step) };
}

/** Norm of all gradients together, and the factor that torch.nn.utils.clip_grad_norm_ multiplies them with. */
export function clipFactor(grads: readonly Value[], maxNorm: number): { norm: Value; factor: Value } {
  const norm = grads.map((g) => g.mul(g).sum(g.shape.map((_, axis) => axis))).reduce((a, b) => a.add(b)).sqrt(); // []
  return { norm, factor: minimum(constant(maxNorm, 'float32', []).div(norm.add(1e-6)), constant(1, 'float32', [])) };
}

/** One AdamW update of a tensor (Loshchilov & Hutter, arXiv:1711.05101; the order of operations is torch's).
 * g: the clipped gradient, of w's shape, as m and v are. */
export function adamW(w: Value, g: Value, m: Value, v: Value, { lr, correction1, correction2 }: StepInputs, settings: AdamWSettings, rates: TensorRates): { w: Value; m: Value; v: Value } {
  const [beta1, beta2] = settings.betas;
  const rate = rates.lr === settings.lr ? lr : lr.mul(rates.lr / settings.lr); // [], on the one schedule
  const nextM = m.add(g.sub(m).mul(1 - beta1)); // β₁ m + (1 − β₁) g
  const nextV = v.mul(beta2).add(g.mul(g).mul(1 - beta2));
  const update = nextM.div(nextV.mul(correction2).sqrt().add(settings.eps)).mul(rate.mul(correction1));
  return { w: decayed(w, rate, rates).sub(update), m: nextM, v: nextV };
}

/** One step of Muon; takes AdamW's place for a matrix. v is left as it is. */
export function muon(w: Value, g: Value, m: Value, v: Value, { lr }: StepInputs, settings: AdamWSettings, rates: TensorRates): { w: Value; m: Value; v: Value } {
  const { lr: peak, momentum } = settings.muon!;
  const rate = lr.mul(peak / settings.lr); // [], on AdamW's schedule
  const { m: next, direction } = muonStep(g, m, momentum);
  return { w: decayed(w, rate, rates).sub(direction.mul(rate)), m: next, v: stopGradient(v) };
}

/** w (1 − rate · weight_decay): decoupled from the gradient, the same for both. */
function decayed(w: Value, rate: Value, { weight_decay }: TensorRates): Value {
  return weight_decay > 0 ? w.mul(rate.mul(-weight_decay).add(1)) : w;
}
