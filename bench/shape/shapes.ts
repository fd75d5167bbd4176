/** The published checkpoints' shapes, as their config.json says them, and two small ones that run anywhere. */
import { parseConfig, type Qwen2VLConfig } from '../../src/models/qwen2vl/index.ts';

const tokens = { vision_start_token_id: 151652, vision_end_token_id: 151653, image_token_id: 151655, video_token_id: 151656 };
const smallTokens = { vision_start_token_id: 300, vision_end_token_id: 301, image_token_id: 303, video_token_id: 304 };
const rope = { rope_theta: 1e6, rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] }, rms_norm_eps: 1e-6 };
const windows = { window_size: 112, fullatt_block_indexes: [7, 15, 23, 31], tokens_per_second: 2 };

const configs = {
  'qwen2-vl-2b': { model_type: 'qwen2_vl', hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 28, num_attention_heads: 12, num_key_value_heads: 2, vocab_size: 151936, tie_word_embeddings: true, ...rope, ...tokens, vision_config: { depth: 32, embed_dim: 1280, num_heads: 16, mlp_ratio: 4, hidden_size: 1536 } },
  'qwen2-vl-7b': { model_type: 'qwen2_vl', hidden_size: 3584, intermediate_size: 18944, num_hidden_layers: 28, num_attention_heads: 28, num_key_value_heads: 4, vocab_size: 152064, tie_word_embeddings: false, ...rope, ...tokens, vision_config: { depth: 32, embed_dim: 1280, num_heads: 16, mlp_ratio: 4, hidden_size: 3584 } },
  'qwen2.5-vl-3b': { model_type: 'qwen2_5_vl', hidden_size: 2048, intermediate_size: 11008, num_hidden_layers: 36, num_attention_heads: 16, num_key_value_heads: 2, vocab_size: 151936, tie_word_embeddings: true, ...rope, ...tokens, vision_config: { depth: 32, hidden_size: 1280, num_heads: 16, intermediate_size: 3420, out_hidden_size: 2048, ...windows } },
  'qwen2.5-vl-7b': { model_type: 'qwen2_5_vl', hidden_size: 3584, intermediate_size: 18944, num_hidden_layers: 28, num_attention_heads: 28, num_key_value_heads: 4, vocab_size: 152064, tie_word_embeddings: false, ...rope, ...tokens, vision_config: { depth: 32, hidden_size: 1280, num_heads: 16, intermediate_size: 3420, out_hidden_size: 3584, ...windows } },
  'small': { model_type: 'qwen2_vl', hidden_size: 256, intermediate_size: 1024, num_hidden_layers: 4, num_attention_heads: 2, num_key_value_heads: 1, vocab_size: 512, tie_word_embeddings: true, ...rope, ...smallTokens, vision_config: { depth: 4, embed_dim: 256, num_heads: 4, mlp_ratio: 4, hidden_size: 256 } },
  'small-windowed': { model_type: 'qwen2_5_vl', hidden_size: 256, intermediate_size: 1024, num_hidden_layers: 4, num_attention_heads: 2, num_key_value_heads: 1, vocab_size: 512, tie_word_embeddings: true, ...rope, ...smallTokens, vision_config: { depth: 4, hidden_size: 256, num_heads: 4, intermediate_size: 512, out_hidden_size: 256, ...windows, fullatt_block_indexes: [3] } },
};

export type ShapeName = keyof typeof configs;

export const shapeNames = Object.keys(configs) as ShapeName[];

/** What config.json holds. @param sta with temporal attention in every block, a quarter of the heads, as the authors' checkpoints have it */
export function configJson(name: ShapeName, sta: boolean): Record<string, unknown> {
  return { ...configs[name], max_position_embeddings: 32768, ...(sta && { temporal_attention: { head_scale: 0.25 } }) };
}

export function shapeConfig(name: ShapeName, sta: boolean): Qwen2VLConfig {
  return parseConfig(configJson(name, sta));
}
