"""The step of bench/step.ts in PyTorch: one JSON line, named as in bench/step/measure.ts.

usage: python step_peer.py CHECKPOINT SAMPLE --sta MODEL_PY [--steps 5] [--threads 2]

CHECKPOINT, SAMPLE: what bench/step/measure.ts has written. MODEL_PY: staveq2-training/model.py of the authors' repository. Needs torch and transformers 4.46.1.
"""
import argparse
import importlib.util
import json
import resource
import time

import torch
from safetensors.torch import load_file


def load(checkpoint, path):
    spec = importlib.util.spec_from_file_location("stave_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open(f"{checkpoint}/config.json") as file:
        module.VisionTemporalAttention.temparal_dim_scale = json.load(file)["temporal_attention"]["head_scale"]
    return module.CustomQwen2VLForConditionalGeneration.from_pretrained(checkpoint, torch_dtype=torch.float32, attn_implementation="sdpa")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("sample")
    parser.add_argument("--sta", required=True)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = load(options.checkpoint, options.sta)
    for name, p in model.named_parameters():
        p.requires_grad_(".temp_attn." in name or ".norm3." in name)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01)

    sample = load_file(options.sample)
    with open(f"{options.checkpoint}/preprocessor_config.json") as file:
        prepared = json.load(file)
    pixels = sample["pixels"].float().div(255).view(sample["pixels"].shape[0], 3, -1)
    mean, std = (torch.tensor(prepared[key]).view(1, 3, 1) for key in ("image_mean", "image_std"))
    pixels = ((pixels - mean) / std).flatten(1)
    ids, grid = sample["input_ids"], sample["grid"]
    positions, _ = model.get_rope_index(ids, None, grid, torch.ones_like(ids))
    feeds = dict(input_ids=ids, position_ids=positions, attention_mask=torch.ones_like(ids), pixel_values_videos=pixels, video_grid_thw=grid, labels=sample["labels"], use_cache=False)

    def forward():
        with torch.no_grad():
            model(**feeds)

    def step():
        loss = model(**feeds).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    times = {"forward": [], "step": [], "loss": []}
    for i in range(options.steps + 1):  # the first of each takes memory and is not counted
        start = time.perf_counter()
        forward()
        between = time.perf_counter()
        times["loss"].append(step())
        if i > 0:
            times["forward"].append(between - start)
            times["step"].append(time.perf_counter() - between)
    print(json.dumps({**times, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


main()
