"""What torch and transformers make of parameter groups and weight decay: prints test/goldens/training/optimizer.json.

usage: python optimizer.py MODEL_PY > optimizer.json

MODEL_PY: staveq2-training/model.py of the authors' repository (AliRasekh/STAVEQ2). Needs torch 2.6.0 and transformers 4.46.1.
"""
import importlib.util
import json
import math
import sys

import torch
import transformers

# name, shape, peak rate, weight decay: what groups of a recipe come to
TENSORS = [
    ("visual.blocks.0.temp_attn.qkv.weight", [2, 3], 0.02, 0.1),
    ("visual.blocks.0.temp_attn.qkv.bias", [3], 0.02, 0.0),
    ("visual.blocks.0.norm3.weight", [2], 0.02, 0.0),
    ("model.layers.0.self_attn.q_proj.lora_A.weight", [2, 2], 0.002, 0.3),
    ("model.embed_tokens.weight", [3, 2], 0.01, 0.1),
]
STEPS, WARMUP = 8, 2


def trainer_decays(path):
    """Which tensors of a model with temporal attention transformers' Trainer lets decay."""
    spec = importlib.util.spec_from_file_location("stave_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = transformers.Qwen2VLConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, vocab_size=64, tie_word_embeddings=False,
        rope_scaling={"type": "mrope", "mrope_section": [4, 2, 2]}, vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2})
    model = module.CustomQwen2VLForConditionalGeneration(config)
    decay = set(transformers.Trainer.get_decay_parameter_names(None, model))
    return {name: name in decay for name, _ in model.named_parameters()}


def groups():
    """A few steps of AdamW with a group per tensor, clipped together, on a cosine schedule."""
    generator = torch.Generator().manual_seed(7)
    draw = lambda shape: torch.randn(shape, generator=generator)
    params = [torch.nn.Parameter(draw(shape)) for _, shape, _, _ in TENSORS]
    start = [p.detach().flatten().tolist() for p in params]
    optimizer = torch.optim.AdamW([{"params": [p], "lr": lr, "weight_decay": decay} for p, (_, _, lr, decay) in zip(params, TENSORS)], betas=(0.9, 0.98), eps=1e-8)
    schedule = transformers.get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    steps = []
    for _ in range(STEPS):
        gradients = [draw(p.shape) for p in params]
        for p, g in zip(params, gradients):
            p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0).item()
        steps.append({"gradients": [g.flatten().tolist() for g in gradients], "norm": norm, "rates": [group["lr"] for group in optimizer.param_groups]})
        optimizer.step()
        schedule.step()
    assert all(math.isfinite(x) for p in params for x in p.flatten().tolist())
    return [{"name": name, "shape": shape, "start": at, "end": p.detach().flatten().tolist()} for (name, shape, _, _), at, p in zip(TENSORS, start, params)], steps


tensors, steps = groups()
lines = lambda entries: "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]"
print(f"""{{
"versions": {json.dumps({"torch": torch.__version__, "transformers": transformers.__version__})},
"trainer_decays": {json.dumps(trainer_decays(sys.argv[1]))},
"tensors": {lines(tensors)},
"steps": {lines(steps)}
}}""")
