"""The shape of Qwen2-VL-2B with random weights for llama.cpp: llm-f16.gguf and mmproj-bf16.gguf, mmproj-q8_0.gguf in OUT.

usage: python make_gguf.py TOKENIZER_JSON OUT     (pip install gguf numpy; tokenizer.json of any Qwen2 checkpoint; 4 GB of memory, 6 GB of disk)

llama-quantize makes the smaller types of the language model. There is no temporal attention in llama.cpp: this is the plain model.
"""
import json
import os
import sys

import numpy as np
import gguf
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter, LlamaFileType

HIDDEN, LAYERS, HEADS, KV, INNER, VOCAB, HEAD = 1536, 28, 12, 2, 8960, 151936, 128
VISION, BLOCKS, VISION_HEADS, VISION_INNER = 1280, 32, 16, 5120
SPECIAL = {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645, "<|vision_start|>": 151652, "<|vision_end|>": 151653,
           "<|vision_pad|>": 151654, "<|image_pad|>": 151655, "<|video_pad|>": 151656}

pool = np.random.default_rng(0).standard_normal(1 << 22).astype(np.float32) * 0.02


def weight(*shape):
    """A stretch of the pool, which is repeated where it is too short."""
    return np.resize(pool, shape)


def ones(n):
    return np.ones(n, np.float32)


def zeros(n):
    return np.zeros(n, np.float32)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary(tokenizer):
    tokens, types = [f"[PAD{i}]" for i in range(VOCAB)], [int(gguf.TokenType.UNUSED)] * VOCAB
    for token, i in tokenizer["model"]["vocab"].items():
        tokens[i], types[i] = token, int(gguf.TokenType.NORMAL)
    for token, i in SPECIAL.items():
        tokens[i], types[i] = token, int(gguf.TokenType.CONTROL)
    return tokens, types


def language(out, tokenizer):
    w = GGUFWriter(f"{out}/llm-f16.gguf", "qwen2vl")
    w.add_name("random")
    w.add_file_type(LlamaFileType.MOSTLY_F16)
    w.add_context_length(32768)
    w.add_embedding_length(HIDDEN)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(INNER)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_rope_freq_base(1e6)
    w.add_rope_dimension_sections([16, 24, 24, 0])
    w.add_layer_norm_rms_eps(1e-6)
    w.add_vocab_size(VOCAB)
    tokens, types = vocabulary(tokenizer)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in tokenizer["model"]["merges"]])
    w.add_bos_token_id(151643)
    w.add_eos_token_id(151645)
    w.add_pad_token_id(151643)
    w.add_add_bos_token(False)
    half = lambda *shape: weight(*shape).astype(np.float16)
    w.add_tensor("token_embd.weight", half(VOCAB, HIDDEN))
    w.add_tensor("output_norm.weight", ones(HIDDEN))
    for i in range(LAYERS):
        b = f"blk.{i}."
        for norm in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"{b}{norm}.weight", ones(HIDDEN))
        for name, width in (("q", HEADS * HEAD), ("k", KV * HEAD), ("v", KV * HEAD)):
            w.add_tensor(f"{b}attn_{name}.weight", half(width, HIDDEN))
            w.add_tensor(f"{b}attn_{name}.bias", zeros(width))
        w.add_tensor(f"{b}attn_output.weight", half(HIDDEN, HEADS * HEAD))
        for name in ("gate", "up"):
            w.add_tensor(f"{b}ffn_{name}.weight", half(INNER, HIDDEN))
        w.add_tensor(f"{b}ffn_down.weight", half(HIDDEN, INNER))
    finish(w)


def vision(out, name, kind, file_type):
    w = GGUFWriter(f"{out}/mmproj-{name}.gguf", "clip")
    w.add_type(gguf.GGUFType.MMPROJ)
    w.add_file_type(file_type)
    w.add_clip_has_vision_encoder(True)
    w.add_clip_projector_type("qwen2vl_merger")
    w.add_vision_projection_dim(HIDDEN)
    w.add_vision_image_size(560)
    w.add_vision_patch_size(14)
    w.add_vision_embedding_length(VISION)
    w.add_vision_feed_forward_length(VISION_INNER)
    w.add_vision_block_count(BLOCKS)
    w.add_vision_head_count(VISION_HEADS)
    w.add_vision_attention_layernorm_eps(1e-6)
    w.add_vision_spatial_merge_size(2)
    w.add_vision_image_mean([0.48145466, 0.4578275, 0.40821073])
    w.add_vision_image_std([0.26862954, 0.26130258, 0.27577711])

    def linear(at, width, inner):
        w.add_tensor(f"{at}.weight", gguf.quants.quantize(weight(width, inner), kind), raw_dtype=kind)
        w.add_tensor(f"{at}.bias", zeros(width))

    def norm(at):
        w.add_tensor(f"{at}.weight", ones(VISION))
        w.add_tensor(f"{at}.bias", zeros(VISION))

    for frame in ("", ".1"):
        w.add_tensor(f"v.patch_embd.weight{frame}", weight(VISION, 3, 14, 14).astype(np.float16))
    for i in range(BLOCKS):
        b = f"v.blk.{i}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            linear(b + name, VISION, VISION)
        norm(b + "ln1")
        norm(b + "ln2")
        linear(b + "ffn_up", VISION_INNER, VISION)
        linear(b + "ffn_down", VISION, VISION_INNER)
    norm("v.post_ln")
    linear("mm.0", 4 * VISION, 4 * VISION)
    linear("mm.2", HIDDEN, 4 * VISION)
    finish(w)


if __name__ == "__main__":
    tokenizer_json, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    with open(tokenizer_json, encoding="utf-8") as file:
        language(out, json.load(file))
    vision(out, "bf16", Type.BF16, LlamaFileType.MOSTLY_BF16)
    vision(out, "q8_0", Type.Q8_0, LlamaFileType.MOSTLY_Q8_0)
