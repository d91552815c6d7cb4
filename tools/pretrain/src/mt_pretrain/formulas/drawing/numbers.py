"""The numbers that make a category: the same on any machine, and the same however many categories there are."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


def numbers_of(family: str, categories: Tensor, count: int, num_categories: int) -> Tensor:
    """(count, B, 1, 1) numbers in [0, 1) of a family's categories.

    Args:
        categories: (B,) which ones, each below `num_categories`.
    """
    table = _table(family, count, num_categories)
    return table.to(categories.device)[categories].T[..., None, None]


@lru_cache(maxsize=16)
def _table(family: str, count: int, num_categories: int) -> Tensor:
    """(num_categories, count) from a counter-based generator (Philox 4x64), whose integers numpy promises to keep."""
    key = hashlib.sha256(f"{family}/{count}".encode()).digest()[:16]
    stream = np.random.Philox(key=np.frombuffer(key, dtype="<u8").astype(np.uint64))
    drawn = stream.random_raw(num_categories * count) >> np.uint64(40)  # 24 bits: exact as float32
    return torch.from_numpy((drawn.astype(np.float32) * np.float32(2**-24)).reshape(num_categories, count))
