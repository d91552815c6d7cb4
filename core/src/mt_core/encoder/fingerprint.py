"""What makes two encoders the same: a SHA-256 over every tensor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def fingerprint(tensors: Mapping[str, Tensor], configuration: str = "") -> str:
    """SHA-256, in hexadecimal, over tensors in the order of their names.

    Args:
        tensors: By name, wherever they lie. Name, type, shape and every bit count; the order of the mapping and the
            device do not.
        configuration: What else must agree, for instance the number of heads, which no tensor's shape tells.
    """
    digest = hashlib.sha256(configuration.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
