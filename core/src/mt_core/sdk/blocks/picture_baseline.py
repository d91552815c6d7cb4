"""Classical features of pictures, for the baselines of modalities that are pictures.  C channels, S side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt_core.contract import Baseline

_SIDE, _CELL, _DIRECTIONS = 64, 8, 9
_LEVELS = 16
_COARSE = 4


class PictureBaseline(Baseline):
    """Directions of edges, levels of each channel and a coarse copy of the picture, for the pixels that a
    `PictureTokenizer` prepares.

    Source: Dalal and Triggs 2005, Histograms of oriented gradients for human detection, CVPR; here each cell is
    normalised by the mean energy of its neighbours.
    """

    description = "edge directions (HOG), colour histograms, coarse pixels; support vector machine"
    model = "svm"

    def features(self, sample: Any) -> NDArray[np.float32]:
        """(8 * 8 * 9 + 16 * C + 4 * 4 * C)."""
        pixels_CSS = self.tokenizer.prepare(sample)["pixels"]
        pixels_CSS = pixels_CSS.float() / 255 if pixels_CSS.dtype == torch.uint8 else pixels_CSS.float()
        small_CSS = _resized(pixels_CSS, _SIDE)
        levels = (small_CSS.clamp(0, 1) * (_LEVELS - 1)).round().long().flatten(1)
        histogram_CL = torch.stack([row.bincount(minlength=_LEVELS) for row in levels]) / levels.shape[1]
        parts = (oriented_gradients(small_CSS.mean(0)), histogram_CL, _resized(small_CSS, _COARSE))
        vector: NDArray[np.float32] = torch.cat([part.flatten() for part in parts]).numpy()
        return vector


def oriented_gradients(grey_SS: Tensor) -> Tensor:
    """(S/8, S/8, 9) edge energy of each cell of 8 x 8 pixels by direction, in units of that of the cells around it."""
    down_SS, across_SS = torch.gradient(grey_SS)
    strength_SS = torch.hypot(down_SS, across_SS)
    place_SS = torch.atan2(down_SS, across_SS).remainder(torch.pi) / torch.pi * _DIRECTIONS
    below_SS = place_SS.floor()
    share_SS = place_SS - below_SS
    energy_DSS = torch.zeros(_DIRECTIONS, *grey_SS.shape)
    for index, weight in ((below_SS, 1 - share_SS), (below_SS + 1, share_SS)):
        energy_DSS.scatter_add_(0, (index.long() % _DIRECTIONS)[None], (strength_SS * weight)[None])
    cells_DNN = nn.functional.avg_pool2d(energy_DSS[None], _CELL)[0]
    around_NN = nn.functional.avg_pool2d(cells_DNN.square().sum(0)[None, None], 3, 1, 1, count_include_pad=False)[0, 0]
    return (cells_DNN / (around_NN.sqrt() + 1e-3)).permute(1, 2, 0)


def _resized(pixels_CSS: Tensor, side: int) -> Tensor:
    how = {"size": (side, side), "mode": "bilinear", "antialias": True}
    return nn.functional.interpolate(pixels_CSS[None], **how)[0]  # type: ignore[arg-type]
