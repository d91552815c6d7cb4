"""What a recording is once it is read.  T samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import StepPart

RATE_HZ = 16_000
"""Of every waveform: what AST and most models of speech work on."""

Samples = NDArray[np.float32]
"""(T,), full scale is 1."""


@dataclass(frozen=True, eq=False)
class Waveform:
    """One channel at `RATE_HZ`.

    Attributes:
        samples: (T,) float32, at least one, full scale is 1.
        part: Of a window whose steps have classes: which they are, and where it lies.
    """

    samples: Samples
    part: StepPart | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.samples.shape


@dataclass(frozen=True)
class Excerpt:
    """A window of a recording that is read when it is needed.

    Attributes:
        path: Of the file.
        start_s, end_s: From where to where, in seconds.
        part: The steps to be labelled, and where the window lies.
    """

    path: str
    start_s: float
    end_s: float
    part: StepPart

    @property
    def filename(self) -> str:
        """What `mt_core.contract.name_of` calls it."""
        return f"{self.path}, from {self.start_s:g} s"
