import { random } from '../clips/index.ts';
import { parameterShapes, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';

/** Weights at the start: N(0, std), projections that end a residual branch scaled by 1/√(2·blocks) as in GPT-2,
 * norms one, biases zero. `temporal: 'zero'` silences temporal attention at first: its output projection is zero.
 * Each tensor's numbers depend on the seed and its name alone, so the control without STA starts from the same ones. */
export function initialWeights(config: Qwen2VLConfig, std: number, seed: number, temporal: 'normal' | 'zero'): Map<string, { shape: number[]; data: Float32Array }> {
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, shape] of parameterShapes(config)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (/(norm\d?|ln_q)\.weight$/.test(name)) data.fill(1);
    else if (!name.endsWith('.bias') && !(temporal === 'zero' && name.endsWith('temp_attn.proj.weight'))) {
      const scale = std * residualScale(name, config);
      const { normal } = random(seed, name);
      for (let i = 0; i < data.length; i++) data[i] = normal() * scale;
    }
    weights.set(name, { shape, data });
  }
  return weights;
}

function residualScale(name: string, config: Qwen2VLConfig): number {
  if (/visual\.blocks\.\d+\.(attn|temp_attn)\.proj\.weight$|visual\.blocks\.\d+\.mlp\.fc2\.weight$/.test(name)) return 1 / Math.sqrt(2 * config.vision_config.depth);
  if (/layers\.\d+\.(self_attn\.o_proj|mlp\.down_proj)\.weight$/.test(name)) return 1 / Math.sqrt(2 * config.num_hidden_layers);
  return 1;
}
