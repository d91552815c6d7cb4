"""Radiographs to tokens: `PictureTokenizer` over one channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mt_core.sdk import MAX_PIXELS
from mt_core.sdk.blocks import DensePictureOptions, DensePictureTokenizer
from mt_plugin_xray.grey import stretched
from mt_plugin_xray.reading import Film, dicom_facts, read_film


class XrayOptions(DensePictureOptions):
    """How radiographs become tokens."""

    stretch: bool = Field(
        default=False,
        description="Show each film from its own 1st percentile (black) to its 99th (white), whatever its exposure.",
    )
    fit: Literal["crop", "squash"] = Field(
        default="squash", description="Squash a film that is not a square into one, or take the middle of it."
    )
    flip: bool = Field(
        default=False,
        description="Mirror half of the films in training; a mirrored chest has its heart on the wrong side.",
    )
    augment: float = Field(
        default=0.3, ge=0, le=1, description="How strongly films are cropped or shifted in training; 0: not."
    )


class XrayTokenizer(DensePictureTokenizer):
    """One token a patch of a single channel, with a learned position on the lattice of patches."""

    Options = XrayOptions
    options: XrayOptions
    num_channels = 1
    sample_limits = f"1 to {MAX_PIXELS / 1e6:.0f} million pixels"

    def read(self, source: Any) -> Film:
        """(H, W, 1) pixels and nothing else of the file, see `read_film`; of whole films not much
        larger than `size` asks for."""
        return read_film(source, needed=self.needed)

    def file_facts(self, source: Any) -> dict[str, Any]:
        """Size and kind of pixels; of a DICOM file nothing that may be a patient's."""
        if not isinstance(source, str | Path):
            return {}
        return dicom_facts(source) or super().file_facts(source)

    def as_seen(self, sample: Film) -> Film:
        """Floats of 0..1, so that 8-bit and deeper films may share a batch."""
        full = 255 if sample.dtype == np.uint8 else 1
        return stretched(sample) if self.options.stretch else sample / np.float32(full)
