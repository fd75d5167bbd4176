import { concat, dim, gather, type Value } from '../../graph/index.ts';
import { activation, applyRope, attention, embedding, gatedMlp, linear, rmsNorm, type Params, type Rope } from '../../nn/index.ts';
import type { TextConfig } from './config.ts';

export type LanguageInputs = {
  /** [B, S] int64. */
  input_ids: Value;
  /** [V, hidden_size] */
  visual_embeds: Value;
  /** [B·S] int64: the row of [embeddings of input_ids; visual_embeds] that stands at each position: i for the token i, B·S + v for the visual token v. */
  embed_index: Value;
  /** M-RoPE tables, [B, S, head_dim], their sections mixed already. */
  cos: Value;
  sin: Value;
  /** [B, 1, S, P + S]: 0 where a key may be seen, very negative where not; order, padding and packing are the caller's business. */
  attention_bias: Value;
  /** [L] int64: the rows of [B·S] whose logits are wanted. */
  logits_index: Value;
  /** Keys and values of the P positions before, [B, kv, P, head_dim] a layer; absent: P = 0. */
  past?: { key: Value; value: Value }[];
};

export type LanguageOutputs = {
  /** [L, vocab_size] */
  logits: Value;
  /** What goes into the first block, and what comes out of each, [B·S, D]. */
  hidden: Value[];
  /** Keys and values of the S new positions alone, [B, kv, S, head_dim] a layer. */
  present: { key: Value; value: Value }[];
};

/** The tensors of the language model: `model` holds embed_tokens, layers and norm, `head` the lm_head; a tied head is absent. */
export type LanguageParams = { model: Params; head?: Params };

/** Qwen2 decoder with M-RoPE: embeddings (visual ones put in), pre-norm blocks, head. */
export function languageModel({ model, head }: LanguageParams, inputs: LanguageInputs, config: TextConfig): LanguageOutputs {
  const [B, S] = inputs.input_ids.shape;
  const rows = dim.mul(B, S);
  const D = config.hidden_size;
  const d = D / config.num_attention_heads;
  const words = embedding(model.at('embed_tokens'), inputs.input_ids.reshape([rows])); // [B·S, D]
  let x = gather(concat([words, inputs.visual_embeds], 0), inputs.embed_index); // [B·S, D]
  const rope = { cos: inputs.cos.reshape([B, 1, S, d]), sin: inputs.sin.reshape([B, 1, S, d]) }; // [B, 1, S, d]

  const hidden = [x];
  const present: LanguageOutputs['present'] = [];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const p = model.at('layers').at(i);
    const { y, key, value } = selfAttention(p.at('self_attn'), rmsNorm(p.at('input_layernorm'), x, config.rms_norm_eps), rope, inputs, config, inputs.past?.[i]);
    present.push({ key, value });
    x = x.add(y);
    x = x.add(gatedMlp(p.at('mlp'), rmsNorm(p.at('post_attention_layernorm'), x, config.rms_norm_eps), activation(config.hidden_act)));
    hidden.push(x);
  }
  x = gather(x, inputs.logits_index); // [L, D]: only the rows that are asked for reach the head
  x = rmsNorm(model.at('norm'), x, config.rms_norm_eps);
  return { logits: linear(head ?? model.at('embed_tokens'), x), hidden, present }; // [L, vocab]
}

/** Causal by attention_bias; kv key heads serve the query heads in groups. x: [B·S, D] → y: [B·S, D] */
function selfAttention(p: Params, x: Value, rope: Rope, { input_ids, attention_bias }: LanguageInputs, config: TextConfig, past?: { key: Value; value: Value }): { y: Value; key: Value; value: Value } {
  const [B, S] = input_ids.shape;
  const { hidden_size: D, num_attention_heads: H, num_key_value_heads: kv } = config;
  const d = D / H;
  const heads = (name: string, n: number) => linear(p.at(name), x).reshape([B, S, n, d]).transpose([0, 2, 1, 3]); // [B, n, S, d]
  const q = applyRope(heads('q_proj', H), rope); // [B, H, S, d]
  const key = applyRope(heads('k_proj', kv), rope); // [B, kv, S, d]
  const value = heads('v_proj', kv); // [B, kv, S, d]
  const y = attention(q, past === undefined ? key : [past.key, key], past === undefined ? value : [past.value, value], { bias: attention_bias }); // [B, H, S, d]
  return { y: linear(p.at('o_proj'), y.transpose([0, 2, 1, 3]).reshape([dim.mul(B, S), D])), key, value }; // [B·S, D]
}
