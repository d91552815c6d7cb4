"""A class for each point of a scene.  B scenes, V blocks of each, N tokens, T points of the blocks of a scene one after
another, P points of the scene, A axes, F values, D width, K classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features
from mt_core.errors import OptionError
from mt_core.heads.dense import DenseHead, DenseOptions, as_runs, shares_in_words
from mt_core.heads.segmentation import PLACES_AT_A_TIME, from_nearest, from_tokens, nearest

AXES = 3
MOST_VALUES = 10
"""Values of a point that the head can take beside where it lies: heights, intensity, normals, colour."""


class SceneSegmentationOptions(DenseOptions):
    """How the points of scenes are labelled."""

    hidden: int = Field(default=128, ge=1, description="Width of the hidden layers.")
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the hidden layer that is dropped in training."
    )
    dice: float = Field(
        default=0.5,
        ge=0,
        description="Weight of the Dice loss, which counts classes alike however rare they are, beside cross-entropy.",
    )


class SceneSegmentationHead(DenseHead):
    """Classes of the points of scenes, which are looked at in overlapping blocks: a view of a sample is a block.

    A point gets the features of the three nearest tokens of its block, weighted by inverse distance, and beside them
    where it lies from the nearest one and in its block, and what is known of itself. Where blocks overlap, its
    probabilities are averaged, with the weights that the tokenizer gives.

    `side` has `places` (B, T, A), the points of the blocks one block after another, in the frame of their block's
    tokens; `counts` (B, V), how many each block has; and where the scene is covered `index` (B, T), which point of the
    scene each is, `weights` (B, T), above 0, and `size` (B, 1), P. It may have `place_values` (B, T, F), F at most 10;
    and `places_mask` (B, T) where scenes have different numbers of them.

    Source: Qi et al. 2017 (PointNet++), arXiv:1706.02413, section 3.4, equation 2.
    """

    Options = SceneSegmentationOptions
    options: SceneSegmentationOptions
    of = "points"
    samples_at_once = 1
    sized_by = ("size",)

    def __init__(self, width: int, task: AnyTask, options: SceneSegmentationOptions | None = None) -> None:
        super().__init__(width, task, options)
        hidden, dropout = self.options.hidden, self.options.dropout
        self.normalise = nn.LayerNorm(width)
        self.of_token = nn.Linear(width, hidden)
        self.of_place = nn.Sequential(nn.Linear(2 * AXES + MOST_VALUES, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.readout = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, task.num_outputs))

    def forward(self, features: Features) -> Tensor:
        """Logits of the points of the blocks, (B, T, K), as training draws them; where the scene is covered logarithms
        of the probabilities of its points, (B, P, K), in their order, minus infinity for a point that no block has. NaN
        behind the points of a scene that has fewer.

        Raises:
            OptionError: features of a tokenizer that does not label the points of scenes.
        """
        side, views = features.side, features.views
        tokens_BVNC, coords_BVNA = (rearrange(each, "(b v) n c -> b v n c", v=views) for each in self._placed(features))
        mask = features.mask
        mask_BVN = None if mask is None else rearrange(mask, "(b v) n -> b v n", v=views)
        scenes = [
            self._scene(tokens_BVNC[b], coords_BVNA[b], None if mask_BVN is None else mask_BVN[b], side, b)
            for b in range(len(tokens_BVNC))
        ]
        if len({len(scene) for scene in scenes}) == 1:
            return torch.stack(scenes)
        return nn.utils.rnn.pad_sequence(scenes, batch_first=True, padding_value=torch.nan)

    def forward_alike(self, features: Features) -> Tensor:
        """See `Head.forward_alike`; of one scene that is covered, all blocks at once."""
        side = features.side
        tokens_VNC, coords_VNA = self._placed(features)
        places_TA, counts_V, index_T, weights_T = (side[name][0] for name in ("places", "counts", "index", "weights"))
        values_TF = side["place_values"][0] if "place_values" in side else places_TA[:, :0]
        block_T = blocks_of_places(counts_V, places_TA.shape[0])
        around_TC, offset_TA = from_nearest_of_block(tokens_VNC, coords_VNA, features.mask, places_TA, block_T)
        logits_TK = self._logits(around_TC, offset_TA, places_TA, values_TF)
        num_points: Any = side["size"][0, 0].item()  # a symbol where this is traced
        return joined([logits_TK], index_T, weights_T, num_points, len(self.classes))[None]

    def _placed(self, features: Features) -> tuple[Tensor, Tensor]:
        """(R, N, C) tokens, hidden wide, and (R, N, A) where they lie in their blocks."""
        if "counts" not in features.side or features.coords is None:
            raise OptionError(
                "points of scenes cannot be labelled with these tokens, which do not say where blocks of a scene lie",
                fix="make the tokenizer with labels=scenes",
            )
        return self.of_token(self.normalise(features.tokens)), features.coords

    def _scene(
        self, tokens_VNC: Tensor, coords_VNA: Tensor, mask_VN: Tensor | None, side: Mapping[str, Tensor], row: int
    ) -> Tensor:
        """(T, K) or (P, K) of one scene."""
        counts = [count for count in side["counts"][row].tolist() if count]  # blocks that pad others have none
        num_places = sum(counts)
        parts = torch.split(side["places"][row][:num_places], counts)
        values = side.get("place_values")
        of_each = [None] * len(counts) if values is None else list(torch.split(values[row][:num_places], counts))
        blocks = (
            self._block(tokens_VNC[v], coords_VNA[v], None if mask_VN is None else mask_VN[v], parts[v], of_each[v])
            for v in range(len(counts))
        )
        if "index" not in side:
            return torch.cat(list(blocks))
        return joined(blocks, side["index"][row], side["weights"][row], int(side["size"][row]), len(self.classes))

    def _block(
        self, tokens_NC: Tensor, coords_NA: Tensor, mask_N: Tensor | None, places_TA: Tensor, values_TF: Tensor | None
    ) -> Tensor:
        """(T, K) logits of the points of one block."""
        values_TF = places_TA.new_zeros(len(places_TA), 0) if values_TF is None else values_TF
        mask_1N = None if mask_N is None else mask_N[None]
        logits = []
        for part_TA, own_TF in zip(
            torch.split(places_TA, PLACES_AT_A_TIME), torch.split(values_TF, PLACES_AT_A_TIME), strict=True
        ):
            around_1TC, offset_1TA = from_nearest(tokens_NC[None], coords_NA[None], mask_1N, part_TA[None])
            logits.append(self._logits(around_1TC[0], offset_1TA[0], part_TA, own_TF))
        return torch.cat(logits)

    def _logits(self, around_TC: Tensor, offset_TA: Tensor, places_TA: Tensor, values_TF: Tensor) -> Tensor:
        """(T, K) of points, from what is around them, where they lie, and what is known of themselves."""
        beside = torch.cat([offset_TA, places_TA, values_TF], dim=-1)
        beside = nn.functional.pad(beside, (0, 2 * AXES + MOST_VALUES - beside.shape[-1]))
        logits_TK: Tensor = self.readout(around_TC + self.of_place(beside.to(around_TC.dtype)))
        return logits_TK

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The likeliest class of each point, as runs of equal ones in the order of the points, -1 for a point that no
        block has; and the share of the others that each class has.

        `numpy.repeat(values, lengths)` of `prediction` are the class indices.
        """
        decoded = []
        for logits_PK in output:
            logits_PK = logits_PK[~logits_PK[..., 0].isnan()]
            is_seen_P = ~logits_PK.isneginf().all(-1)
            indices = torch.where(is_seen_P, logits_PK.argmax(-1), -1).cpu().numpy()
            decoded.append(as_runs(indices, [len(indices)], self.classes))
        return decoded

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """The share of the points that each class has, the largest first."""
        return shares_in_words(decoded)


def blocks_of_places(counts_V: Tensor, num_places: int) -> Tensor:
    """(T,) the block of each place, by how many places each block has."""
    ends_T1 = counts_V.new_zeros(num_places + 1).index_add(0, counts_V.cumsum(0), torch.ones_like(counts_V))
    return ends_T1.cumsum(0)[:num_places]


def from_nearest_of_block(
    tokens_VNC: Tensor, coords_VNA: Tensor, mask_VN: Tensor | None, places_TA: Tensor, block_T: Tensor
) -> tuple[Tensor, Tensor]:
    """What `from_nearest` gives for places that are each in a block of their own, (T, C) and (T, A), in operations that
    can be traced: the same ones however many blocks, tokens and places there are."""
    known_VNA = coords_VNA.float()
    if mask_VN is not None:
        known_VNA = known_VNA.masked_fill(~mask_VN.unsqueeze(-1), torch.inf)
    axes = range(places_TA.shape[-1])
    near = nearest(places_TA[:, axis, None] - known_VNA[..., axis][block_T] for axis in axes)
    return from_tokens(tokens_VNC, coords_VNA, block_T[:, None], *near, places_TA)


def joined(blocks: Any, index_T: Tensor, weights_T: Tensor, num_points: int, num_classes: int) -> Tensor:
    """(P, K) logarithms of the probabilities of a scene's points, averaged over the blocks that each lies in.

    Args:
        blocks: Of each block (T_v, K) logits, computed as they are asked for, so that one is in memory at a time.
        index_T: The point of the scene that each is, block after block.
        weights_T: Of each in the average, above 0.
    """
    total_PK = weights_T.new_zeros(num_points, num_classes)
    total_P1 = weights_T.new_zeros(num_points, 1)
    start = 0
    for logits_TK in blocks:
        end = start + logits_TK.shape[0]
        index, weight_T1 = index_T[start:end].long(), weights_T[start:end, None]
        total_PK.index_add_(0, index, logits_TK.float().softmax(-1) * weight_T1)
        total_P1.index_add_(0, index, weight_T1)
        start = end
    mean_PK = (total_PK / total_P1.clamp(min=1e-12)).clamp(min=torch.finfo(total_PK.dtype).tiny)
    return mean_PK.log().masked_fill(total_P1 == 0, -torch.inf)
