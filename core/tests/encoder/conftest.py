"""A small encoder with a [CLS] token, and batches with padding in them."""

from __future__ import annotations

import pytest
import torch

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder


@pytest.fixture
def encoder() -> Encoder:
    """64 wide, 6 blocks deep, 2 heads."""
    return load_encoder("random/test_vit")


@pytest.fixture
def padded_tokens() -> Tokens:
    """Four rows of 3, 7, 1 and 7 real tokens, in a length of 7."""
    values = torch.randn(4, 7, 64, generator=torch.Generator().manual_seed(0))
    return Tokens(values, torch.arange(7) < torch.tensor([[3], [7], [1], [7]]))
