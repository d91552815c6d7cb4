"""Numbers to vectors.  B batch, C columns, T bins, K frequencies, D width.

Source: Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", arXiv:2203.05556.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_EXTRAPOLATED = 4.0  # bin widths beyond the outermost edges, after which a number counts as no further away


def quantile_edges(values: NDArray[np.float64], num_bins: int) -> NDArray[np.float32]:
    """Edges of at most `num_bins` bins that hold about as many values each, section 3.2.1.

    Fewer distinct values than edges: each is an edge. A value that alone would fill a bin (the zeros of "capital
    gain") gets an edge of its own and leaves the quantiles of the others untouched; plain quantiles would repeat it.

    Args:
        values: Finite numbers, at least one.

    Returns:
        Ascending float32, at least two.
    """
    distinct, counts = np.unique(values.astype(np.float32), return_counts=True)
    if len(distinct) == 1:
        return np.array([distinct[0] - 0.5, distinct[0] + 0.5], dtype=np.float32)
    if len(distinct) <= num_bins + 1:
        return distinct
    is_frequent = counts > len(values) / num_bins
    others = np.repeat(distinct[~is_frequent], counts[~is_frequent])
    places = max(2, num_bins + 1 - int(is_frequent.sum()))
    edges = np.quantile(others, np.linspace(0, 1, places), method="nearest") if len(others) else others
    return np.unique(np.concatenate([edges, distinct[is_frequent], distinct[[0, -1]]]))


def piecewise_linear(values_BC: Tensor, left_CT: Tensor, width_CT: Tensor, bins_C: Tensor) -> Tensor:
    """How much of each bin lies below a number: 1 for the bins under it, a part of its own, 0 above; equation 1.

    The first and last bin go on beyond the outermost edges as in the paper, here for at most 4 bin widths, so that a
    freak value cannot drown a token.

    Args:
        bins_C: Bins of each column; those after are padding and stay 0.

    Returns:
        (B, C, T).
    """
    index_T = torch.arange(left_CT.shape[1], device=left_CT.device)
    part = (values_BC.unsqueeze(-1) - left_CT) / width_CT
    lowest = torch.where(index_T == 0, -_EXTRAPOLATED, 0.0)
    highest = torch.where(index_T == bins_C.unsqueeze(-1) - 1, 1 + _EXTRAPOLATED, 1.0)
    return torch.clamp(part, lowest, highest) * (index_T < bins_C.unsqueeze(-1))


def bin_table(edges: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor, Tensor]:
    """The bins between the ascending edges of each column, for `piecewise_linear`.

    Returns:
        (C, T) their left ends, (C, T) their widths, (C,) how many there are; what is after them is padding.
    """
    most = max(len(column) - 1 for column in edges)
    left, span = torch.zeros(len(edges), most), torch.ones(len(edges), most)
    for index, column in enumerate(edges):
        ends = torch.tensor(column, dtype=torch.float32)
        left[index, : len(ends) - 1], span[index, : len(ends) - 1] = ends[:-1], ends.diff()
    return left, span, torch.tensor([len(column) - 1 for column in edges])


class PiecewiseLinear(nn.Module):
    """Piecewise-linear encoding, then a linear layer a column ("PLE" and "L" in the paper).

    Args:
        edges: Of each column, ascending.
    """

    left: Tensor
    span: Tensor
    bins: Tensor

    def __init__(self, edges: Sequence[Sequence[float]], width: int) -> None:
        super().__init__()
        left, span, bins = bin_table(edges)
        # not in the state: the calibration holds the edges
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("span", span, persistent=False)
        self.register_buffer("bins", bins, persistent=False)
        self.project = ColumnLinear(len(edges), left.shape[1], width)

    def forward(self, values_BC: Tensor) -> Tensor:
        """(B, C) finite numbers to (B, C, D)."""
        projected: Tensor = self.project(piecewise_linear(values_BC, self.left, self.span, self.bins))
        return projected


class Periodic(nn.Module):
    """Sines and cosines of learned frequencies, a linear layer a column, ReLU ("PLR" in the paper, section 3.3).

    Args:
        sigma: Standard deviation of the frequencies at the start; the option that matters most, says the paper.
    """

    def __init__(self, num_columns: int, width: int, *, num_frequencies: int, sigma: float) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(num_columns, num_frequencies) * sigma)
        self.project = ColumnLinear(num_columns, 2 * num_frequencies, width)

    def forward(self, values_BC: Tensor) -> Tensor:
        """(B, C) finite numbers to (B, C, D)."""
        return torch.relu(self.project(self.encode(values_BC)))

    def encode(self, values_BC: Tensor) -> Tensor:
        """(B, C, 2 K): equation 3."""
        angles = 2 * math.pi * values_BC.unsqueeze(-1) * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class ColumnLinear(nn.Module):
    """A linear layer for each column: (B, C, I) to (B, C, O)."""

    def __init__(self, num_columns: int, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        bound = 0.1 * num_inputs**-0.5  # see the tokenizer's gain
        self.weight = nn.Parameter(torch.empty(num_columns, num_inputs, num_outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_columns, num_outputs).uniform_(-bound, bound))

    def forward(self, values_BCI: Tensor) -> Tensor:
        return torch.einsum("bci,cio->bco", values_BCI, self.weight) + self.bias
