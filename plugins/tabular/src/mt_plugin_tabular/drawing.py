"""Rows of tables as pictures: a cell a column, numbers as bars and colours, categories as codes.

B rows, C columns (the numbers first), T bins, S side in pixels, K side of a code.

Sources: Zhu et al. 2021 (IGTD), doi:10.1038/s41598-021-90923-y, for a place of the picture a column, as bright as the
column's value; Sun et al. 2019 (SuperTML), arXiv:1903.06246, for cells as large as fill the picture, of any kind of
column. Not followed: IGTD's order by correlation, for positions are learned, and SuperTML's written values.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn

from mt_plugin_tabular.categories import KNOWN, MISSING, UNKNOWN
from mt_plugin_tabular.columns import Column
from mt_plugin_tabular.numbers import bin_table, piecewise_linear

CODE = 4
"""Squares along each side of the code of a category."""

_RGB = 3
_STROKE = 0.15  # half the width of the strokes of a cross, in cells
_HALF_SCALE = 2.0  # standard deviations; tanh(1) is there


class Lattice(nn.Module):
    """Which column each pixel belongs to, and where in its cell it lies.

    The columns are in rows of about as many as there are rows, which share height and width out evenly, so that
    nothing is left empty.

    Args:
        columns: C.
        size: S.
    """

    column: Tensor
    across: Tensor
    up: Tensor
    height: Tensor

    def __init__(self, columns: int, size: int) -> None:
        super().__init__()
        rows = max(1, round(math.sqrt(columns)))
        first_R = torch.tensor([round(columns * row / rows) for row in range(rows + 1)])
        middles_S = (torch.arange(size, dtype=torch.float64) + 0.5) / size
        row_S = (middles_S * rows).long()
        in_row_S = first_R[row_S + 1] - first_R[row_S]
        across_SS = middles_S * in_row_S[:, None]
        self.register_buffer("column", first_R[row_S][:, None] + across_SS.long(), persistent=False)
        self.register_buffer("across", (across_SS % 1).float(), persistent=False)
        self.register_buffer("up", (1 - middles_S * rows % 1).float()[:, None].expand(size, size), persistent=False)
        self.register_buffer("height", torch.tensor(size / rows), persistent=False)


class RowPictures(nn.Module):
    """Rows to pictures, without a parameter.

    A number is red as high as it stands among the training rows (its quantile), green by its distance from their mean,
    and blue up to its quantile like the mercury of a thermometer. A category is a code of squares drawn from its name,
    the same in every table. A cross of red on black is a missing cell, one of blue on black a category that is not
    known.

    Args:
        numbers: The columns of numbers and dates.
        categories: Those of categories.
        size: S.
    """

    def __init__(self, numbers: Sequence[Column], categories: Sequence[Column], size: int) -> None:
        super().__init__()
        self.lattice = Lattice(max(1, len(numbers) + len(categories)), size)
        left, span, bins = bin_table([column.edges for column in numbers] or [[0.0, 1.0]])
        for name, table in (("left", left), ("span", span), ("bins", bins)):
            self.register_buffer(name, table, persistent=False)
        most = max((len(column.categories) for column in categories), default=0)
        codes = torch.zeros(len(categories), KNOWN + most, _RGB, CODE, CODE)
        for row, column in enumerate(categories):
            for index, name in enumerate(column.categories):
                codes[row, KNOWN + index] = _code(name)
        self.register_buffer("codes", codes, persistent=False)

    left: Tensor
    span: Tensor
    bins: Tensor
    codes: Tensor

    def forward(self, numbers_BC: Tensor, categories_BC: Tensor) -> Tensor:
        """Pictures of rows.

        Args:
            numbers_BC: In standard deviations from the mean, NaN where missing.
            categories_BC: Indices of categories, `UNKNOWN` or `MISSING` where there is none.

        Returns:
            (B, 1, 3, S, S) in 0..1; differentiable in the numbers.
        """
        num_numbers = numbers_BC.shape[1]
        column_SS = self.lattice.column
        is_number_SS = column_SS < num_numbers
        parts = []
        if num_numbers:
            shown = column_SS.clamp_max(num_numbers - 1)
            parts.append(self._bars(numbers_BC.float(), shown))
        if categories_BC.shape[1]:
            shown = (column_SS - num_numbers).clamp_min(0)
            parts.append(self._squares(categories_BC, shown))
        pictures_BCSS = torch.where(is_number_SS, parts[0], parts[-1])
        return pictures_BCSS[:, None]

    def _bars(self, numbers_BC: Tensor, column_SS: Tensor) -> Tensor:
        is_missing_BC = numbers_BC.isnan()
        values_BC = numbers_BC.masked_fill(is_missing_BC, 0.0)
        parts_BCT = piecewise_linear(values_BC, self.left, self.span, self.bins).clamp(0, 1)
        quantile_BC = parts_BCT.sum(-1) / self.bins
        scale_BC = (1 + (values_BC / _HALF_SCALE).tanh()) / 2
        quantile_BSS = quantile_BC[:, column_SS]
        filled_BSS = ((quantile_BSS - self.lattice.up) * self.lattice.height + 0.5).clamp(0, 1)
        bars_BCSS = torch.stack([quantile_BSS, scale_BC[:, column_SS], filled_BSS], dim=1)
        return torch.where(is_missing_BC[:, column_SS][:, None], self._cross(0), bars_BCSS)

    def _squares(self, categories_BC: Tensor, column_SS: Tensor) -> Tensor:
        down_SS, across_SS = (
            (place * CODE).long().clamp_max(CODE - 1) for place in (1 - self.lattice.up, self.lattice.across)
        )
        index_BSS = categories_BC.long()[:, column_SS]
        squares_BCSS = rearrange(self.codes[column_SS, index_BSS, :, down_SS, across_SS], "b h w c -> b c h w")
        for index, colour in ((MISSING, 0), (UNKNOWN, 2)):
            squares_BCSS = torch.where((index_BSS == index)[:, None], self._cross(colour), squares_BCSS)
        return squares_BCSS

    def _cross(self, colour: int) -> Tensor:
        """(3, S, S): both diagonals of every cell."""
        across_SS, up_SS = self.lattice.across, self.lattice.up
        is_stroke_SS = ((across_SS - up_SS).abs() < _STROKE) | ((across_SS + up_SS - 1).abs() < _STROKE)
        colour_C = torch.arange(_RGB, device=across_SS.device) == colour
        return (colour_C[:, None, None] & is_stroke_SS).to(across_SS.dtype)


def _code(name: str) -> Tensor:
    """(3, K, K) of 0 and 1, the first bits of the name's SHA-256: each name has others, whatever the table."""
    digest = hashlib.sha256(name.encode()).digest()
    count = _RGB * CODE * CODE
    bits = [digest[index // 8] >> index % 8 & 1 for index in range(count)]
    return torch.tensor(bits, dtype=torch.float32).view(_RGB, CODE, CODE)
