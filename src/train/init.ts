import { random } from '../clips/index.ts';
import { parameterShapes, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';

/** Weights at the start: norms one, biases zero, the others N(0, std). `std: 'fan_in'` takes 1/√(3·inputs) for a linear layer (the variance of
 * PyTorch's own default) and 0.02 for embeddings: in a narrow model a fixed 0.02 leaves attention even for thousands of steps. `temporal: 'zero'` silences temporal attention at first: its output projection is zero.
 * Each tensor's numbers depend on the seed and its name alone, so the control without STA starts from the same ones. */
export function initialWeights(config: Qwen2VLConfig, std: number | 'fan_in', seed: number, temporal: 'normal' | 'zero'): Map<string, { shape: number[]; data: Float32Array }> {
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, shape] of parameterShapes(config)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (/(norm\d?|ln_q)\.weight$/.test(name)) data.fill(1);
    else if (!name.endsWith('.bias') && !(temporal === 'zero' && name.endsWith('temp_attn.proj.weight'))) {
      const scale = std === 'fan_in' ? fanIn(name, shape) : std;
      const { normal } = random(seed, name);
      for (let i = 0; i < data.length; i++) data[i] = normal() * scale;
    }
    weights.set(name, { shape, data });
  }
  return weights;
}

function fanIn(name: string, shape: number[]): number {
  return name.endsWith('embed_tokens.weight') ? 0.02 : 1 / Math.sqrt(3 * shape.slice(1).reduce((a, b) => a * b, 1));
}
