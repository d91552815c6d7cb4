"""The normalisation of vectors in which the inputs of an item stand side by side.  B items, P pooled width, D width."""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from torch.nn.parameter import Parameter

_EPS = 1e-5


class PartNorm(nn.Module):
    """A layer norm of each input's vector by itself, which gives zeros for an input that an item lacks.

    A linear map of such vectors is a sum over the inputs that are there: one that is lacking adds nothing, and does not
    change how the others are scaled.

    Args:
        width: P, that of vectors which `Features.pool` gave with `parts`.
        block: D, the encoder's width: P is so many blocks of D numbers, each from one input or [CLS].
    """

    def __init__(self, width: int, block: int) -> None:
        super().__init__()
        self.block = block
        self.weight = Parameter(torch.ones(width))
        self.bias = Parameter(torch.zeros(width))

    def forward(self, pooled_BP: Tensor) -> Tensor:
        """(B, P)."""
        blocks_BKD = rearrange(pooled_BP, "b (k d) -> b k d", d=self.block)
        normal_BP = rearrange(layer_norm(blocks_BKD, (self.block,), eps=_EPS), "b k d -> b (k d)")
        return (normal_BP * self.weight + self.bias) * self.is_there(pooled_BP)

    def is_there(self, pooled_BP: Tensor) -> Tensor:
        """(B, P) bool, False at the numbers of an input that an item lacks: `Features.pool` gives zeros for it."""
        there_BK = rearrange(pooled_BP, "b (k d) -> b k d", d=self.block).ne(0).any(-1)
        is_there_BP: Tensor = repeat(there_BK, "b k -> b (k d)", d=self.block)
        return is_there_BP
