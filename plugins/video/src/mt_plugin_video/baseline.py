"""What a linear model makes of a mean frame and of the mean change between frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mt_core.contract import Baseline

_SIDE = 32


class VideoBaseline(Baseline):
    """The mean of the frames that the tokenizer looks at and the mean of their differences, 32 x 32 each, in colour."""

    description = "mean frame and mean motion, linear model"

    def features(self, sample: Any) -> NDArray[np.float32]:
        """(2 * 3 * 32 * 32)."""
        pixels_VTCSS = self.tokenizer.prepare(sample)["pixels"].float() / 255
        frames = pixels_VTCSS.flatten(0, 1)
        small = nn.functional.interpolate(frames, size=(_SIDE, _SIDE), mode="bilinear", antialias=True)
        small = small.reshape(*pixels_VTCSS.shape[:3], _SIDE, _SIDE)
        motion = (small[:, 1:] - small[:, :-1]).abs() if small.shape[1] > 1 else torch.zeros_like(small)
        vector: NDArray[np.float32] = torch.cat([each.mean((0, 1)).flatten() for each in (small, motion)]).numpy()
        return vector
