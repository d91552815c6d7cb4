"""What training sees of a pixel: brighter or darker, noisier, its neighbourhood turned.

Nothing is mixed between pixels. Everything is drawn from the generator that is given.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

_GAIN = 0.1  # standard deviation of the logarithm of the brightness, at strength 1
_NOISE = 0.05  # of each band, in standard deviations of the band in the training pixels, at strength 1


def augmented(
    values: NDArray[np.float32], std: NDArray[np.float32], strength: float, generator: torch.Generator
) -> NDArray[np.float32]:
    """(w, w, B) as it could have been measured at another moment.

    Args:
        std: (B,) of each band in the training pixels.
        strength: Of brightness and noise, 0 to 1. A neighbourhood is turned and mirrored in any case.
    """
    if len(values) > 1:
        turns, mirror = torch.randint(0, 4, (2,), generator=generator).tolist()
        values = np.rot90(values, turns)
        values = values[:, ::-1] if mirror % 2 else values
    if strength:
        gain = math.exp(float(torch.randn((), generator=generator)) * _GAIN * strength)
        noise = torch.randn(values.shape, generator=generator).numpy() * (_NOISE * strength * std)
        values = values * np.float32(gain) + noise
    return np.ascontiguousarray(values, dtype=np.float32)
