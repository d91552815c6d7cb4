"""Random weights that are the same on every machine, with every version of torch and numpy.

Each tensor has a stream of its own, keyed by seed and name, from a counter-based generator (Philox 4x64, Salmon et al.
2011, "Parallel random numbers: as easy as 1, 2, 3") whose integers numpy promises to keep. Integers become floats by
exact operations, and one multiplication, which IEEE 754 rounds in one way only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

_CHUNK = 1 << 20  # numbers drawn at a time, to stay in the processor's cache
_EMBEDDINGS = ("cls_token", "reg_token", "pos_embed")
_EMBEDDING_STD = 0.02


def draw_weights(tensors: Mapping[str, Tensor], seed: int) -> None:
    """Fill the tensors of a ViT in place, by timm's names.

    Weights of linear layers and of the patch embedding are Xavier-uniform, with query, key and value as three layers,
    as in the original JAX code; biases zero; [CLS], registers and positions uniform of standard deviation 0.02. Norms
    and layer scales keep the constants they were built with.

    Source: Dosovitskiy et al. 2021 (ViT), arXiv:2010.11929, and its code (google-research/vision_transformer,
    `models_vit.py`).
    """
    for name, tensor in tensors.items():
        if name in _EMBEDDINGS:
            _fill_uniform(tensor, _EMBEDDING_STD * math.sqrt(3), seed, name)
        elif tensor.ndim > 1:
            fan_out = len(tensor) // 3 if name.endswith("attn.qkv.weight") else len(tensor)
            fan_in = tensor[0].numel()
            _fill_uniform(tensor, math.sqrt(6 / (fan_in + fan_out)), seed, name)
        elif name.endswith(".bias"):
            tensor.zero_()


def _fill_uniform(tensor: Tensor, bound: float, seed: int, name: str) -> None:
    """Uniform in [-bound, bound), in steps of bound / 2**23."""
    key = hashlib.sha256(f"{seed}/{name}".encode()).digest()[:16]
    stream = np.random.Philox(key=np.frombuffer(key, dtype="<u8").astype(np.uint64))
    step = np.float32(bound) * np.float32(2**-23)
    flat = tensor.detach().view(-1)
    for start in range(0, len(flat), _CHUNK):
        part = flat[start : start + _CHUNK]
        halves = stream.random_raw(-(-len(part) // 2)).astype("<u8").view("<u4")[: len(part)]
        signed = (halves >> 8).astype(np.int32) - (1 << 23)  # the upper 24 bits: exact as float32
        part.copy_(torch.from_numpy(signed.astype(np.float32) * step))
