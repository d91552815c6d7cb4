"""What passes between the three parts: `Tokens` from tokenizer to encoder, `Features` from encoder to head.

B samples, V views a sample, N tokens a view, D width, C coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from einops import rearrange, repeat
from torch import Tensor

from mt_core.errors import OptionError, TokensError

Pool = Literal["cls", "mean", "max", "cls+mean", "mean+max", "cls+mean+max"]
"""How the tokens of a sample become one vector: its [CLS] token, the mean or the maximum of its real tokens, or
several of them side by side, each D wide."""

POOLS: tuple[str, ...] = get_args(Pool)


@dataclass(frozen=True)
class Tokens:
    """What a tokenizer gives to the encoder: projected, with positions added, without [CLS].

    Attributes:
        values: (B * V, N, D) floating point.
        mask: (B * V, N) bool, True where a token is real; None: all are. A row without a real token is a padding
            view (a sample with fewer clips or channels than its neighbours in the batch): it is never computed. Each
            sample must have at least one real token in one of its views.
        coords: (B * V, N, C) where each token lies in its sample, in the modality's own unit (patches, metres,
            seconds), for dense heads and maps. The encoder does not read it.
        grid: The lattice behind N in row-major order, for instance (14, 14); None where there is none.
        views: V, consecutive rows that belong to one sample: clips of a video, channels of a series.
        side: What the head needs and the encoder must not see, for instance the mean and scale of a series.

    Raises:
        TokensError: shapes that contradict each other.
    """

    values: Tensor
    mask: Tensor | None = None
    coords: Tensor | None = None
    grid: tuple[int, ...] | None = None
    views: int = 1
    side: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or not self.values.is_floating_point():
            raise TokensError(
                f"token values are {tuple(self.values.shape)} {self.values.dtype}, not (rows, tokens, width) floats",
                fix="return embeddings from the tokenizer's forward, one vector a token, and not token ids",
            )
        rows, tokens, _ = self.values.shape
        if self.mask is not None and (self.mask.shape != (rows, tokens) or self.mask.dtype != torch.bool):
            raise TokensError(
                f"the mask is {tuple(self.mask.shape)} {self.mask.dtype}, the tokens are {(rows, tokens)}",
                fix="give one bool a token, True where the token is real",
            )
        if self.coords is not None and self.coords.shape[:2] != (rows, tokens):
            raise TokensError(
                f"the coordinates are {tuple(self.coords.shape)}, the tokens are {(rows, tokens)}",
                fix="give one row of coordinates a token",
            )
        if self.views < 1 or rows % self.views:
            raise TokensError(
                f"{rows} rows do not divide into samples of {self.views} views",
                fix="pad every sample to the same number of views; a view with an all-False mask is never computed",
            )
        if self.grid is not None and math.prod(self.grid) != tokens:
            raise TokensError(
                f"a lattice of {self.grid} does not hold {tokens} tokens",
                fix="give the lattice in row-major order, or None where there is none",
            )

    @property
    def num_samples(self) -> int:
        return self.values.shape[0] // self.views

    def real(self) -> Tensor:
        """(B * V, N) bool: the mask, made where there is none."""
        if self.mask is not None:
            return self.mask
        return torch.ones(self.values.shape[:2], dtype=torch.bool, device=self.values.device)


@dataclass(frozen=True)
class Features:
    """What the encoder gives to a head.

    Attributes:
        tokens: (B * V, N, D) one vector a token; zeros where the mask is False.
        cls: (B * V, D) the [CLS] vector of each view, or None for an encoder that has none.
        mask, coords, grid, views, side: As they came with the `Tokens`.
    """

    tokens: Tensor
    cls: Tensor | None = None
    mask: Tensor | None = None
    coords: Tensor | None = None
    grid: tuple[int, ...] | None = None
    views: int = 1
    side: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def pooled(self) -> Tensor:
        """(B, D) one vector a sample: the mean of its real tokens."""
        return self.pool("mean")

    def pool(self, how: Pool) -> Tensor:
        """One vector a sample.

        Args:
            how: One of `POOLS`; several parts stand side by side in the order written.

        Returns:
            (B, D * parts). Means and maxima are over the real tokens of all views; [CLS] is averaged over the views
            that have a real token.

        Raises:
            OptionError: an unknown name, or [CLS] of an encoder that has none.
        """
        _check_pool(how)
        parts = {"cls": self._cls, "mean": self._mean, "max": self._max}
        return torch.cat([parts[part]() for part in how.split("+")], dim=-1)

    def _real(self) -> Tensor:
        """(B, V * N) bool."""
        if self.mask is None:
            rows, tokens, _ = self.tokens.shape
            return self.tokens.new_ones((rows // self.views, self.views * tokens), dtype=torch.bool)
        return rearrange(self.mask, "(b v) n -> b (v n)", v=self.views)

    def _cls(self) -> Tensor:
        if self.cls is None:
            raise OptionError("this encoder has no [CLS] token", fix="pool by 'mean', 'max' or 'mean+max'")
        if self.views == 1:
            return self.cls
        per_view_BVD = rearrange(self.cls, "(b v) d -> b v d", v=self.views)
        is_real_BV = rearrange(self._real(), "b (v n) -> b v n", v=self.views).any(-1).unsqueeze(-1)
        return (per_view_BVD * is_real_BV).sum(1) / is_real_BV.sum(1)

    def _mean(self) -> Tensor:
        tokens_BMD = rearrange(self.tokens, "(b v) n d -> b (v n) d", v=self.views)
        if self.mask is None:
            return tokens_BMD.mean(1)
        real_BM1 = self._real().unsqueeze(-1)
        return (tokens_BMD * real_BM1).sum(1) / real_BM1.sum(1)

    def _max(self) -> Tensor:
        tokens_BMD = rearrange(self.tokens, "(b v) n d -> b (v n) d", v=self.views)
        if self.mask is None:
            return tokens_BMD.amax(1)
        missing_BMD = repeat(~self._real(), "b m -> b m d", d=tokens_BMD.shape[-1])
        return tokens_BMD.masked_fill(missing_BMD, -torch.inf).amax(1)


def pooled_width(width: int, how: Pool) -> int:
    """The width of `Features.pool(how)` for an encoder of this width.

    Raises:
        OptionError: an unknown name.
    """
    _check_pool(how)
    return width * len(how.split("+"))


def _check_pool(how: str) -> None:
    if how not in POOLS:
        raise OptionError(f"there is no pooling called {how!r}", fix=f"use one of {', '.join(POOLS)}")
