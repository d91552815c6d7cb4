"""What a recording is once it is read.  T samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
"""Of every waveform: what AST and most models of speech work on."""

Samples = NDArray[np.float32]
"""(T,), full scale is 1."""


@dataclass(frozen=True, eq=False)
class Waveform:
    """One channel at `RATE_HZ`.

    Attributes:
        samples: (T,) float32, at least one, full scale is 1.
    """

    samples: Samples

    @property
    def shape(self) -> tuple[int, ...]:
        return self.samples.shape
