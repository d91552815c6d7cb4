"""A class for each place of a sample.  B samples, N tokens, P places, A axes, D width, K classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features
from mt_core.errors import OptionError
from mt_core.heads.dense import DenseHead, DenseOptions

_NEAREST = 3
PLACES_AT_A_TIME = 16_384
"""Places whose distances to all tokens are in memory together."""


class SegmentationOptions(DenseOptions):
    """How places are labelled."""

    hidden: int = Field(default=128, ge=1, description="Width of the hidden layer.")
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the hidden layer that is dropped in training."
    )


class SegmentationHead(DenseHead):
    """Classes of tokens, or of places between them.

    Where `side` has `places` (B, P, A), in the same frame as the tokens' coordinates, with `places_mask` (B, P) if
    samples have different numbers of them, a place gets the features of its three nearest tokens, weighted by inverse
    distance, and beside them where it lies from the nearest one. Otherwise each token is a place.

    Source: Qi et al. 2017 (PointNet++), arXiv:1706.02413, section 3.4, equation 2.
    """

    Options = SegmentationOptions
    options: SegmentationOptions
    of = "places"

    def __init__(self, width: int, task: AnyTask, options: SegmentationOptions | None = None) -> None:
        super().__init__(width, task, options)
        hidden, dropout = self.options.hidden, self.options.dropout
        self.normalise = nn.LayerNorm(width)
        self.of_token = nn.Linear(width, hidden)
        self.of_offset = nn.Sequential(nn.Linear(_OFFSETS, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.readout = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, task.num_outputs))

    def forward(self, features: Features) -> Tensor:
        """(B, P, K) logits; NaN behind the places of a sample that has fewer.

        Raises:
            OptionError: places without coordinates of the tokens to place them by.
        """
        views = features.views
        tokens_BNC = self.of_token(self.normalise(rearrange(features.tokens, "(b v) n d -> b (v n) d", v=views)))
        mask_BN = None if features.mask is None else rearrange(features.mask, "(b v) n -> b (v n)", v=views)
        if "places" not in features.side:
            return _without_padding(self.readout(tokens_BNC), mask_BN)
        if features.coords is None:
            raise OptionError(
                "places cannot be labelled where tokens have no coordinates", fix="return coords from the tokenizer"
            )
        places_BPA = features.side["places"]
        coords_BNA = rearrange(features.coords, "(b v) n a -> b (v n) a", v=views)
        # how many times would be part of a traced program
        split = (places_BPA,) if torch.compiler.is_compiling() else torch.split(places_BPA, PLACES_AT_A_TIME, dim=1)
        parts = [from_nearest(tokens_BNC, coords_BNA, mask_BN, part) for part in split]
        around_BPC, offset_BPA = (torch.cat(each, dim=1) for each in zip(*parts, strict=True))
        padding = _OFFSETS - offset_BPA.shape[-1]
        beside_BPC = self.of_offset(nn.functional.pad(offset_BPA, (0, padding)).to(around_BPC.dtype))
        return _without_padding(self.readout(around_BPC + beside_BPC), features.side.get("places_mask"))

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The likeliest class of each place, in the order of the places."""
        decoded = []
        for logits_PK in output.float().cpu():
            chosen = logits_PK[~logits_PK.isnan().any(-1)].argmax(-1).tolist()
            decoded.append({"prediction": [self.classes[index] for index in chosen]})
        return decoded

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """How many places have each class, the most frequent first."""
        counts = Counter(decoded["prediction"]).most_common()
        return ", ".join(f"{name} {count}" for name, count in counts)


_OFFSETS = 3
"""Axes of the coordinates, at most."""


def from_nearest(
    tokens_BNC: Tensor, coords_BNA: Tensor, mask_BN: Tensor | None, places_BPA: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, P, C) features of the nearest tokens, by inverse distance, and (B, P, A) offsets from the nearest one."""
    distance_BPN = torch.cdist(places_BPA.float(), coords_BNA.float(), compute_mode="donot_use_mm_for_euclid_dist")
    if mask_BN is not None:
        distance_BPN = distance_BPN.masked_fill(~mask_BN[:, None, :], torch.inf)
    near_BPk, index_BPk = distance_BPN.topk(min(_NEAREST, coords_BNA.shape[1]), dim=-1, largest=False)
    weight_BPk = 1 / (near_BPk + 1e-8)
    weight_BPk = weight_BPk / weight_BPk.sum(-1, keepdim=True)
    rows = torch.arange(tokens_BNC.shape[0], device=tokens_BNC.device)[:, None, None]
    around_BPC = (tokens_BNC[rows, index_BPk] * weight_BPk.unsqueeze(-1).to(tokens_BNC.dtype)).sum(-2)
    return around_BPC, places_BPA - coords_BNA[rows[..., 0], index_BPk[..., 0]]


def _without_padding(logits_BPK: Tensor, mask_BP: Tensor | None) -> Tensor:
    if mask_BP is None:
        return logits_BPK
    return logits_BPK.masked_fill(~mask_BP.unsqueeze(-1), torch.nan)
