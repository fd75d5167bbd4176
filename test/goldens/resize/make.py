"""Records torchvision.transforms.v2 resizing 8-bit tensors by antialiased bicubic, as the video processors of transformers do (CPU with AVX2).
pip install torch==2.6.0 torchvision==0.21.0 safetensors && python make.py"""
import pathlib
import numpy as np, torch
from safetensors.torch import save_file
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

rng = np.random.default_rng(1)
tensors = {}
for i, (h, w, H, W) in enumerate([(20, 30, 28, 28), (45, 60, 28, 56), (90, 31, 28, 28), (33, 28, 56, 28), (28, 50, 28, 28), (37, 53, 56, 84)]):
    noise = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    blocks = np.kron(rng.integers(0, 2, (h // 8 + 1, w // 8 + 1, 3)) * 255, np.ones((8, 8, 1))).astype(np.uint8)[:h, :w]
    frame = torch.from_numpy(noise if i % 2 else blocks)
    tensors[f'{i}.input'] = frame.contiguous()
    tensors[f'{i}.output'] = functional.resize(frame.permute(2, 0, 1), [H, W], interpolation=InterpolationMode.BICUBIC, antialias=True).permute(1, 2, 0).contiguous()
save_file(tensors, pathlib.Path(__file__).parent / 'torchvision8.safetensors')
