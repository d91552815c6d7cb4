"""Pictures to tokens: `DensePictureTokenizer` over three colours."""

from __future__ import annotations

from typing import Any

from mt_core.sdk import MAX_PIXELS
from mt_core.sdk.blocks import DensePictureOptions, DensePictureTokenizer
from mt_plugin_image.colours import Pixels
from mt_plugin_image.reading import read_picture


class ImageOptions(DensePictureOptions):
    """How pictures become tokens."""


class ImageTokenizer(DensePictureTokenizer):
    """One token a patch of red, green and blue, with a learned position on the lattice of patches."""

    Options = ImageOptions
    options: ImageOptions
    sample_limits = f"1 to {MAX_PIXELS / 1e6:.0f} million pixels"

    def read(self, source: Any) -> Pixels:
        """(H, W, 3) 8-bit RGB, see `read_picture`; of whole pictures not much larger than `size` asks for."""
        return read_picture(source, needed=self.needed)
