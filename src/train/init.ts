import { random } from '../clips/index.ts';
import { parameterShapes, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { lookAtNeighbours } from './neighbours.ts';
import type { Recipe } from './recipe.ts';
import { isBias, isEmbedding, isNorm } from './tensor-names.ts';

export type InitSettings = Pick<Recipe, 'seed' | 'init_std' | 'temporal_init' | 'attention_init'>;

/** Weights at the start: norms one, biases zero, the others N(0, init_std). `init_std: 'fan_in'` keeps the size of what flows through: 1/√inputs for a
 * linear layer, less for those that end a residual branch; 1 for embeddings, so that a token's own meaning is not drowned by its
 * neighbours'; 0.02 for the head, so that training starts with even odds. `temporal_init: 'zero'` silences temporal attention at first;
 * `attention_init: 'neighbours'` starts the vision encoder's heads as a convolution's taps, see neighbours.ts.
 * Each tensor's numbers depend on the seed and its name alone, so the control without STA starts from the same ones. */
export function initialWeights(config: Qwen2VLConfig, { seed, init_std: std, temporal_init: temporal, attention_init: attention }: InitSettings): Map<string, { shape: number[]; data: Float32Array }> {
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, shape] of parameterShapes(config)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (isNorm(name)) data.fill(1);
    else if (!isBias(name) && !(temporal === 'zero' && name.endsWith('temp_attn.proj.weight'))) {
      const scale = std === 'fan_in' ? fanIn(name, shape, config) : std;
      const { normal } = random(seed, name);
      for (let i = 0; i < data.length; i++) data[i] = normal() * scale;
    }
    if (attention === 'neighbours') lookAtNeighbours(name, data, config);
    weights.set(name, { shape, data });
  }
  return weights;
}

function fanIn(name: string, shape: number[], { num_hidden_layers, tie_word_embeddings, vision_config }: Qwen2VLConfig): number {
  if (isEmbedding(name)) return tie_word_embeddings ? 0.02 : 1;
  if (name.endsWith('lm_head.weight')) return 0.02;
  const endsBranch = /(attn\.proj|mlp\.fc2|o_proj|down_proj)\.weight$/.test(name);
  const depth = name.includes('visual.') ? vision_config.depth : num_hidden_layers;
  return (endsBranch ? 1 / Math.sqrt(2 * depth) : 1) / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
}
