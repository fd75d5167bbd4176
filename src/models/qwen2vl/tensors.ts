import type { Qwen2VLConfig } from './config.ts';
import { isTemporal, temporalHeads } from './vision-config.ts';

/** Name and shape of every tensor of a checkpoint, in the order of the data flow; names of transformers 4.46. With `temporal_attention` in the config those of STA too.
 * Qwen2.5-VL's vision encoder has norms without bias, RMS norms, and a gated MLP. */
export function parameterShapes(config: Qwen2VLConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  visionShapes(config, shapes);
  languageShapes(config, shapes);
  return shapes;
}

function visionShapes({ model_type, vision_config: vision }: Qwen2VLConfig, shapes: Map<string, number[]>): void {
  const { linear, norm: eitherNorm } = writers(shapes);
  const norm = (name: string, size: number) => eitherNorm(name, size, model_type === 'qwen2_vl');
  const D = vision.embed_dim;
  const inner = vision.intermediate_size;
  const merged = D * vision.spatial_merge_size ** 2;
  shapes.set('visual.patch_embed.proj.weight', [D, vision.in_channels, vision.temporal_patch_size, vision.patch_size, vision.patch_size]);
  for (let i = 0; i < vision.depth; i++) {
    const block = `visual.blocks.${i}`;
    norm(`${block}.norm1`, D);
    linear(`${block}.attn.qkv`, 3 * D, D);
    linear(`${block}.attn.proj`, D, D);
    if (isTemporal(vision, i)) {
      const width = (D / vision.num_heads) * temporalHeads(vision.num_heads, vision.temporal_attention?.head_scale); // heads of the spatial size, fewer of them
      norm(`${block}.norm3`, D);
      linear(`${block}.temp_attn.qkv`, 3 * width, D);
      linear(`${block}.temp_attn.proj`, D, width);
    }
    norm(`${block}.norm2`, D);
    for (const name of model_type === 'qwen2_vl' ? ['fc1'] : ['gate_proj', 'up_proj']) linear(`${block}.mlp.${name}`, inner, D);
    linear(`${block}.mlp.${model_type === 'qwen2_vl' ? 'fc2' : 'down_proj'}`, D, inner);
  }
  norm('visual.merger.ln_q', D);
  linear('visual.merger.mlp.0', merged, merged);
  linear('visual.merger.mlp.2', vision.out_hidden_size, merged);
}

function languageShapes(config: Qwen2VLConfig, shapes: Map<string, number[]>): void {
  const { linear, norm } = writers(shapes);
  const D = config.hidden_size;
  const kv = (D / config.num_attention_heads) * config.num_key_value_heads;
  shapes.set('model.embed_tokens.weight', [config.vocab_size, D]);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    norm(`${layer}.input_layernorm`, D, false);
    linear(`${layer}.self_attn.q_proj`, D, D);
    linear(`${layer}.self_attn.k_proj`, kv, D);
    linear(`${layer}.self_attn.v_proj`, kv, D);
    linear(`${layer}.self_attn.o_proj`, D, D, false);
    norm(`${layer}.post_attention_layernorm`, D, false);
    linear(`${layer}.mlp.gate_proj`, config.intermediate_size, D, false);
    linear(`${layer}.mlp.up_proj`, config.intermediate_size, D, false);
    linear(`${layer}.mlp.down_proj`, D, config.intermediate_size, false);
  }
  norm('model.norm', D, false);
  if (!config.tie_word_embeddings) linear('lm_head', config.vocab_size, D, false);
}

/** How a linear layer ([out, in] and a bias) and a norm appear in a checkpoint. */
function writers(shapes: Map<string, number[]>) {
  return {
    linear(name: string, out: number, inner: number, bias = true): void {
      shapes.set(`${name}.weight`, [out, inner]);
      if (bias) shapes.set(`${name}.bias`, [out]);
    },
    norm(name: string, size: number, bias = true): void {
      shapes.set(`${name}.weight`, [size]);
      if (bias) shapes.set(`${name}.bias`, [size]);
    },
  };
}
