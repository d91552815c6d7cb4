"""A class for each place of a sample.  B samples, N tokens, P places, A axes, D width, K classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features, Segmentation
from mt_core.errors import OptionError
from mt_core.heads.dense import DenseHead, DenseOptions
from mt_core.sdk.steps.segments import format_segments

if TYPE_CHECKING:
    import torchmetrics

_NEAREST = 3
PLACES_AT_A_TIME = 2048
"""Places whose distances to all tokens are in memory together: a CPU's cache holds those to some hundred tokens."""


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
    distance, and beside them where it lies from the nearest one. Of several views (the channels of a series) it gets
    the mean; and so it does of a lattice of tokens with more axes than the places have, over its last axis (time and
    frequency, where places are times). Otherwise each token is a place.

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
        tokens_RNC = self.of_token(self.normalise(features.tokens))
        if "places" not in features.side:
            tokens_BNC = rearrange(tokens_RNC, "(b v) n c -> b (v n) c", v=views)
            mask_BN = None if features.mask is None else rearrange(features.mask, "(b v) n -> b (v n)", v=views)
            return _without_padding(self.readout(tokens_BNC), mask_BN)
        if features.coords is None:
            raise OptionError(
                "places cannot be labelled where tokens have no coordinates", fix="return coords from the tokenizer"
            )
        places_BPA = features.side["places"]
        tokens_RNC, coords_RNA, mask_RN = _along(tokens_RNC, features, places_BPA.shape[-1])
        places_RPA = places_BPA.repeat_interleave(views, dim=0) if views > 1 else places_BPA
        # how many times would be part of a traced program
        split = (places_RPA,) if torch.compiler.is_compiling() else torch.split(places_RPA, PLACES_AT_A_TIME, dim=1)
        parts = [from_nearest(tokens_RNC, coords_RNA, mask_RN, part) for part in split]
        around_RPC, offset_RPA = (torch.cat(each, dim=1) for each in zip(*parts, strict=True))
        around_BPC, offset_BPA = (_mean_of_views(each, mask_RN, views) for each in (around_RPC, offset_RPA))
        padding = _OFFSETS - offset_BPA.shape[-1]
        beside_BPC = self.of_offset(nn.functional.pad(offset_BPA, (0, padding)).to(around_BPC.dtype))
        return _without_padding(self.readout(around_BPC + beside_BPC), features.side.get("places_mask"))

    def metrics(self) -> torchmetrics.MetricCollection:
        """miou (mean over the classes that occur of intersection over union), accuracy, both over all places of all
        samples, and of up to forty classes iou_… of each; of two classes also auroc, of the second one against the
        first."""
        metrics = super().metrics()
        if len(self.classes) == 2:
            from mt_core.heads.class_metrics import PositiveAUROC

            metrics.add_metrics({"auroc": PositiveAUROC(1)})
        return metrics

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        if len(self.classes) != 2:
            return super().metric_inputs(output, target)
        known = self._known(output, target)
        if not known.any():
            return output.new_zeros(0, 2), target.new_zeros(0)
        return output[known].float().softmax(-1), target[known]

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The likeliest class of each place, in the order of the places."""
        decoded = []
        for logits_PK in output.float().cpu():
            chosen = logits_PK[~logits_PK.isnan().any(-1)].argmax(-1).tolist()
            decoded.append({"prediction": [self.classes[index] for index in chosen]})
        return decoded

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """How many places have each class, the most frequent first; of steps in time, when each class begins and
        ends."""
        if "time" in decoded:
            assert isinstance(self.task, Segmentation)
            return format_segments(decoded["prediction"], self.task)
        counts = Counter(decoded["prediction"]).most_common()
        return ", ".join(f"{name} {count}" for name, count in counts)


_OFFSETS = 3
"""Axes of the coordinates, at most."""


def _along(tokens_RNC: Tensor, features: Features, axes: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Tokens, their coordinates on so many axes, and their mask; of a lattice with more axes, means over its last."""
    assert features.coords is not None
    coords_RNA, grid = features.coords, features.grid
    if grid is None or len(grid) < 2 or coords_RNA.shape[-1] <= axes:
        return tokens_RNC, coords_RNA[..., :axes], features.mask
    last = grid[-1]
    mask_RN = None if features.mask is None else features.mask[:, ::last]
    return rearrange(tokens_RNC, "r (n q) c -> r n q c", q=last).mean(2), coords_RNA[:, ::last, :axes], mask_RN


def _mean_of_views(values_RPC: Tensor, mask_RN: Tensor | None, views: int) -> Tensor:
    """(B, P, C) means over the views in which a token is real."""
    if views == 1:
        return values_RPC
    values_BVPC = rearrange(values_RPC, "(b v) p c -> b v p c", v=views)
    if mask_RN is None:
        return values_BVPC.mean(1)
    weight_BV = rearrange(mask_RN.any(-1), "(b v) -> b v", v=views).to(values_BVPC.dtype)
    weight_BV = weight_BV / weight_BV.sum(1, keepdim=True).clamp(min=1)
    return (values_BVPC * weight_BV[..., None, None]).sum(1)


def from_nearest(
    tokens_BNC: Tensor, coords_BNA: Tensor, mask_BN: Tensor | None, places_BPA: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, P, C) features of the nearest tokens, by inverse distance, and (B, P, A) offsets from the nearest one."""
    known_BNA = coords_BNA.float()
    if mask_BN is not None:
        is_padding_BN = ~mask_BN & mask_BN.any(-1, keepdim=True)  # a view without any token is left out afterwards
        known_BNA = known_BNA.masked_fill(is_padding_BN.unsqueeze(-1), torch.inf)
    axes = range(places_BPA.shape[-1])
    near = nearest(places_BPA[..., axis, None].float() - known_BNA[:, None, :, axis] for axis in axes)
    row_B11 = torch.arange(tokens_BNC.shape[0], device=tokens_BNC.device)[:, None, None]
    return from_tokens(tokens_BNC, coords_BNA, row_B11, *near, places_BPA)


def nearest(offsets: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """(..., P, k) distances of the three nearest of N tokens, and (..., P, k) which they are; infinite where there are
    fewer.

    Of equally near ones, which are many where points lie on a lattice, the first: `topk` takes any of them.

    Args:
        offsets: (..., P, N) from places to tokens along one axis after another; infinite for tokens that are none.
    """
    squared = reduce(torch.add, (offset.square() for offset in offsets))
    found = []
    for _ in range(_NEAREST):
        index = squared.argmin(-1, keepdim=True)
        found.append((squared.gather(-1, index), index))
        squared.scatter_(-1, index, torch.inf)
    near, indices = (torch.cat(each, dim=-1) for each in zip(*found, strict=True))
    return near.sqrt(), indices


def from_tokens(
    tokens_RNC: Tensor, coords_RNA: Tensor, row: Tensor, distance_Pk: Tensor, index_Pk: Tensor, places_PA: Tensor
) -> tuple[Tensor, Tensor]:
    """(..., P, C) features of tokens by inverse distance, and (..., P, A) offsets from the first one.

    Args:
        row: (..., P or 1, 1) the row whose tokens they are.
        distance_Pk, index_Pk: (..., P, k) of the tokens, as `nearest` gives them.
    """
    weight_Pk = 1 / (1 + distance_Pk / 1e-8)  # of 1 / (distance + 1e-8) torch.onnx leaves the sum out
    weight_Pk = weight_Pk / weight_Pk.sum(-1, keepdim=True)
    around_PC = (tokens_RNC[row, index_Pk] * weight_Pk.unsqueeze(-1).to(tokens_RNC.dtype)).sum(-2)
    return around_PC, places_PA - coords_RNA[row[..., 0], index_Pk[..., 0]]


def _without_padding(logits_BPK: Tensor, mask_BP: Tensor | None) -> Tensor:
    if mask_BP is None:
        return logits_BPK
    return logits_BPK.masked_fill(~mask_BP.unsqueeze(-1), torch.nan)
