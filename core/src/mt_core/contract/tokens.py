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
        parts: (B * V, N) int64 from 0, the part of its sample that each token is of, for instance one input of several;
            the mean of a sample is then that of its parts' means, however many tokens each has. None: one part.

    Raises:
        TokensError: shapes that contradict each other.
    """

    values: Tensor
    mask: Tensor | None = None
    coords: Tensor | None = None
    grid: tuple[int, ...] | None = None
    views: int = 1
    side: Mapping[str, Tensor] = field(default_factory=dict)
    parts: Tensor | None = None

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
        if self.parts is not None and (self.parts.shape != (rows, tokens) or self.parts.dtype != torch.int64):
            raise TokensError(
                f"the parts are {tuple(self.parts.shape)} {self.parts.dtype}, the tokens are {(rows, tokens)}",
                fix="give one int64 a token, from 0",
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
        mask, coords, grid, views, side, parts: As they came with the `Tokens`.
    """

    tokens: Tensor
    cls: Tensor | None = None
    mask: Tensor | None = None
    coords: Tensor | None = None
    grid: tuple[int, ...] | None = None
    views: int = 1
    side: Mapping[str, Tensor] = field(default_factory=dict)
    parts: Tensor | None = None

    @property
    def pooled(self) -> Tensor:
        """(B, D) one vector a sample: the mean of its real tokens."""
        return self.pool("mean")

    def pool(self, how: Pool, parts: int = 1) -> Tensor:
        """One vector a sample.

        Args:
            how: One of `POOLS`; several parts stand side by side in the order written.
            parts: Above 1 mean and maximum are those of each of so many `parts` of a sample by itself, side by side,
                zeros for one that it has not; without `parts` its views are taken for them.

        Returns:
            (B, D * parts). Means and maxima are over the real tokens of all views, a mean where tokens are of several
            `parts` over the means of these; [CLS] is averaged over the views that have a real token.

        Raises:
            OptionError: an unknown name, or [CLS] of an encoder that has none.
        """
        _check_pool(how)
        if parts > 1:
            pooled = {"mean": self._means_of, "max": self._maxima_of}
            return torch.cat([pooled[name](parts) if name in pooled else self._cls() for name in how.split("+")], -1)
        whole = {"cls": self._cls, "mean": self._mean, "max": self._max}
        return torch.cat([whole[name]() for name in how.split("+")], dim=-1)

    def pool_views(self, how: Pool) -> tuple[Tensor, Tensor]:
        """One vector a view.

        Args:
            how: As for `pool`.

        Returns:
            (B, V, D * parts), zeros for a view without a real token; and (B, V) bool, True where it has one.

        Raises:
            OptionError: as `pool`.
        """
        if self.mask is None:
            pooled = rearrange(
                Features(self.tokens, self.cls, parts=self.parts).pool(how), "(b v) p -> b v p", v=self.views
            )
            return pooled, pooled.new_ones(pooled.shape[:2], dtype=torch.bool)
        is_there = self.mask.any(1)
        tokens = torch.where(is_there[:, None, None], self.tokens, 0.0)  # pooled over all: a mean over none is NaN
        pooled = Features(tokens, self.cls, self.mask | ~is_there[:, None], parts=self.parts).pool(how)
        pooled = torch.where(is_there[:, None], pooled, 0.0)
        return rearrange(pooled, "(b v) p -> b v p", v=self.views), rearrange(is_there, "(b v) -> b v", v=self.views)

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
        if self.parts is not None:
            return self._mean_of_parts(tokens_BMD, rearrange(self.parts, "(b v) n -> b (v n)", v=self.views))
        if self.mask is None:
            return tokens_BMD.mean(1)
        real_BM1 = self._real().unsqueeze(-1)
        return (tokens_BMD * real_BM1).sum(1) / real_BM1.sum(1)

    def _mean_of_parts(self, tokens_BMD: Tensor, parts_BM: Tensor) -> Tensor:
        means_BPD, is_there_BP = _means(tokens_BMD, self._is_of(parts_BM, int(parts_BM.max()) + 1))
        return means_BPD.sum(1) / is_there_BP.sum(1, keepdim=True)

    def _by_part(self, num_parts: int) -> tuple[Tensor, Tensor]:
        """(B, M, D) tokens, and (B, M, P) bool, the part that each real one is of."""
        tokens_BMD = rearrange(self.tokens, "(b v) n d -> b (v n) d", v=self.views)
        if self.parts is not None:
            return tokens_BMD, self._is_of(rearrange(self.parts, "(b v) n -> b (v n)", v=self.views), num_parts)
        view_M = torch.arange(self.views, device=tokens_BMD.device).repeat_interleave(self.tokens.shape[1])
        return tokens_BMD, self._is_of(view_M.expand(tokens_BMD.shape[0], -1), num_parts)

    def _is_of(self, parts_BM: Tensor, num_parts: int) -> Tensor:
        return torch.nn.functional.one_hot(parts_BM, num_parts).bool() & self._real().unsqueeze(-1)

    def _means_of(self, num_parts: int) -> Tensor:
        return _means(*self._by_part(num_parts))[0].flatten(1)

    def _maxima_of(self, num_parts: int) -> Tensor:
        tokens_BMD, is_of_BMP = self._by_part(num_parts)
        found = []
        for part in range(num_parts):
            is_of_BM1 = is_of_BMP[:, :, part].unsqueeze(-1)
            maximum_BD = tokens_BMD.masked_fill(~is_of_BM1, -torch.inf).amax(1)
            found.append(torch.where(is_of_BM1.any(1), maximum_BD, 0.0))
        return torch.cat(found, dim=-1)

    def _max(self) -> Tensor:
        tokens_BMD = rearrange(self.tokens, "(b v) n d -> b (v n) d", v=self.views)
        if self.mask is None:
            return tokens_BMD.amax(1)
        missing_BMD = repeat(~self._real(), "b m -> b m d", d=tokens_BMD.shape[-1])
        return tokens_BMD.masked_fill(missing_BMD, -torch.inf).amax(1)


def _means(tokens_BMD: Tensor, is_of_BMP: Tensor) -> tuple[Tensor, Tensor]:
    """(B, P, D) the mean of each part, zeros where a sample has it not; and (B, P) bool, whether it has."""
    counts_BP = is_of_BMP.sum(1)
    sums_BPD = torch.einsum("bmp,bmd->bpd", is_of_BMP.to(tokens_BMD.dtype), tokens_BMD)
    return sums_BPD / counts_BP.clamp(min=1).unsqueeze(-1), counts_BP > 0


def pooled_width(width: int, how: Pool, parts: int = 1) -> int:
    """The width of `Features.pool(how, parts)` for an encoder of this width.

    Raises:
        OptionError: an unknown name.
    """
    _check_pool(how)
    return width * sum(1 if name == "cls" else parts for name in how.split("+"))


def _check_pool(how: str) -> None:
    if how not in POOLS:
        raise OptionError(f"there is no pooling called {how!r}", fix=f"use one of {', '.join(POOLS)}")
