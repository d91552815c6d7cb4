"""What tokens of a pixel are of: groups of neighbouring bands.  C bands, G groups, K bands a group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import CurvePanel, Region, Span, TokenRegions
from mt_plugin_hyperspectral.cube import Wavelengths
from mt_plugin_hyperspectral.pixel import Pixel


def group_regions(pixel: Pixel, groups_GK: NDArray[np.int64], wavelengths: Wavelengths | None) -> TokenRegions:
    """Groups from their first band to their last, in nanometres; in bands from 0 where these are not known."""
    axis, unit = ("band", "") if wavelengths is None else ("wavelength", "nm")
    along_C = np.arange(len(pixel.spectrum), dtype=np.float64) if wavelengths is None else np.array(wavelengths)
    regions = []
    for bands_K in along_C[groups_GK]:
        regions.append(Region(spans=(Span(axis, float(bands_K.min()), float(bands_K.max()), unit),), panel=0))
    order = along_C.argsort(kind="stable")
    panel = CurvePanel(axis, along_C[order], pixel.spectrum[order, None])
    return TokenRegions(tuple(regions), (panel,), "group of bands")
