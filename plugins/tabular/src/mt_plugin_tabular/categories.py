"""Categories to vectors.  B batch, C columns, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

UNKNOWN, MISSING = 0, 1
"""Indices of a category that calibration did not keep, and of an empty cell; the column's own follow from `KNOWN`."""

KNOWN = 2

INITIAL_STD = 0.03
"""Of every vector of the tokenizer that is looked up rather than computed."""


class CategoryEmbedding(nn.Module):
    """A vector for each category of each column, for an unknown one, and for none; all columns in one table.

    Args:
        sizes: How many categories each column knows.
    """

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        rows = torch.tensor([KNOWN + size for size in sizes])
        self.register_buffer("offsets", rows.cumsum(0) - rows, persistent=False)
        self.weight = nn.Parameter(torch.randn(int(rows.sum()), width) * INITIAL_STD)

    def forward(self, indices_BC: Tensor) -> Tensor:
        """(B, C) indices within each column to (B, C, D)."""
        return nn.functional.embedding(indices_BC + self.offsets, self.weight)
