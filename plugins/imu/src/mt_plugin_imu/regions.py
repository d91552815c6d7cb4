"""What tokens of a recording are of: stretches of time, over all axes.  T steps, C axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import CurvePanel, Region, Span, TokenRegions


def patch_regions(
    values_TC: NDArray[np.float32],
    starts: Sequence[int],
    *,
    num_tokens: int,
    patch: int,
    stride: int,
    rate_hz: float | None,
) -> TokenRegions:
    """The patches of each window, without what is repeated beyond the end.

    Args:
        values_TC: At the rate at which they are looked at.
        starts: The first step of each window.
        num_tokens: Of a window.
        rate_hz: None: it is not known, and time is counted in steps.
    """
    scale, unit = (1.0, "step") if rate_hz is None else (1.0 / rate_hz, "s")
    last = len(values_TC)
    regions = [
        Region(
            spans=(Span("time", (start + at) * scale, min(start + at + patch, last) * scale, unit),),
            panel=0,
        )
        for start in starts
        for at in range(0, num_tokens * stride, stride)
    ]
    names = tuple(f"axis {number}" for number in range(1, values_TC.shape[1] + 1))
    panel = CurvePanel("time", np.arange(last) * scale, values_TC, names)
    return TokenRegions(tuple(regions), (panel,), "patch")
