"""Bands to groups of neighbouring bands.  C bands, G groups, K bands a group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_plugin_hyperspectral.cube import Wavelengths

MOST_GROUPS = 20
"""Groups a pixel, at most, where the user names no size."""

OVERLAP = 4
"""Groups that a band is in, where the user names no stride."""


def band_groups(bands: int, group: int, stride: int) -> NDArray[np.int64]:
    """(G, K) indices of the bands of each group, first to last; together they hold every band.

    Args:
        group: K; 0: four times the stride.
        stride: Bands from one group to the next, at most K; 0: a quarter of K, so that each band is in four groups.
            With both 0 there are at most `MOST_GROUPS` groups. The last group ends with the last band, wherever the
            stride would have put it.

    Source: Hong et al. 2021 (SpectralFormer), arXiv:2107.02988, section III, group-wise spectral embedding: tokens of
    overlapping neighbouring bands. There is one token a band there; the stride makes it fewer.
    """
    if not bands:
        return np.zeros((0, 1), dtype=np.int64)
    step = stride or (max(1, group // OVERLAP) if group else -(-bands // MOST_GROUPS))
    size = min(group or OVERLAP * step, bands)
    step = min(step, size)
    starts = np.arange(0, bands - size + 1, step)
    if starts[-1] + size < bands:
        starts = np.append(starts, bands - size)
    return starts[:, None] + np.arange(size)


def band_positions(groups_GK: NDArray[np.int64], along_C: NDArray[Any]) -> NDArray[Any]:
    """(G,) where the middle of each group lies, 0 at the first and 1 at the last of `along_C`.

    Args:
        along_C: The wavelength of each band, or its number.
    """
    first, span = along_C.min(), np.ptp(along_C)
    position_G: NDArray[Any] = (along_C[groups_GK].mean(1) - first) / (span or 1.0)
    return position_G


def spread(wavelengths: Wavelengths, bands: int) -> Wavelengths | None:
    """One wavelength a band from those that the user names: as many as bands, or the first and the last; None where
    their number is another."""
    if len(wavelengths) == 2:
        return tuple(np.linspace(*wavelengths, bands).tolist())
    return wavelengths if len(wavelengths) == bands else None
