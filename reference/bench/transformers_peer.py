"""The workload of bench/shape.ts in transformers: one JSON line with seconds, tokens a second and bytes, named as there.

usage: python transformers_peer.py CHECKPOINT [--sta MODEL_PY] [--dtype bfloat16|float32] [--clips 1] [--tokens 33] [--threads 2]

CHECKPOINT: a directory that bench/shape.ts has written (--dir). MODEL_PY: staveq2-training/model.py of the authors' repository, for a checkpoint with
temporal attention. Needs torch and transformers 4.46.1.
"""
import argparse
import importlib.util
import json
import resource
import time

import torch
import transformers
from transformers import Qwen2VLForConditionalGeneration

GRID = (8, 16, 22)  # 16 frames of 224 x 308
BEFORE, BEHIND = 20, 30  # tokens of text


def model_class(path):
    if path is None:
        return Qwen2VLForConditionalGeneration
    spec = importlib.util.spec_from_file_location("stave_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CustomQwen2VLForConditionalGeneration


class Stamps:
    """A streamer that notes when each token comes; generate() hands it the prompt first."""

    def __init__(self):
        self.times = []

    def put(self, _):
        self.times.append(time.perf_counter())

    def end(self):
        pass


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--sta")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--clips", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=33)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    start = time.perf_counter()
    dtype = getattr(torch, options.dtype)
    model = model_class(options.sta).from_pretrained(options.checkpoint, torch_dtype=dtype, attn_implementation="sdpa").eval()
    load = time.perf_counter() - start
    loaded = peak_bytes()

    config = model.config
    t, h, w = GRID
    visual = t * h * w // 4
    ids = torch.tensor([[ord("p")] * BEFORE + [config.vision_start_token_id] + [config.video_token_id] * visual + [config.vision_end_token_id] + [ord("a")] * BEHIND])
    grid = torch.tensor([GRID])
    tower = model.visual.forward
    answers = []
    with torch.no_grad():
        for clip in range(options.clips):
            pixels = torch.randn(t * h * w, 1176, generator=torch.Generator().manual_seed(clip)).to(dtype)
            begin = time.perf_counter()
            embeds = tower(pixels, grid_thw=grid)
            vision = time.perf_counter() - begin
            model.visual.forward = lambda *_, **__: embeds  # generate() then times the language model alone
            stamps = Stamps()
            begin = time.perf_counter()
            model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values_videos=pixels, video_grid_thw=grid, do_sample=False,
                           eos_token_id=None, pad_token_id=0, max_new_tokens=options.tokens, streamer=stamps)
            first, last = stamps.times[-options.tokens], stamps.times[-1]
            prefill = first - begin
            answers.append({"vision": vision, "prefill": prefill, "first_token": vision + prefill, "decode": (options.tokens - 1) / (last - first)})
    print(json.dumps({"versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "load": load, "answers": answers,
                      "prompt_tokens": ids.shape[1], "visual_tokens": visual, "memory": {"loaded": loaded, "peak": peak_bytes()}}))


main()
