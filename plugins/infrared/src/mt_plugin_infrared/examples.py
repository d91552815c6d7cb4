"""One small thermogram in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mt_plugin_infrared.reading import SUFFIXES


def write_examples(folder: Path) -> list[Path]:
    """A warm spot of 24 x 32 pixels a suffix: centikelvins of 16 bits in PNG and TIFF, grey of 8 bits elsewhere."""
    down, across = np.indices((24, 32))
    warmth = np.exp(-((down - 12) ** 2 + (across - 16) ** 2) / 40)
    counts = Image.fromarray((29_315 + 2_000 * warmth).astype(np.uint16))
    grey = Image.fromarray((60 + 180 * warmth).astype(np.uint8))
    written = []
    for suffix in SUFFIXES:
        path = folder / f"spot{suffix}"
        (counts if suffix in (".png", ".tif", ".tiff") else grey).save(path)
        written.append(path)
    return written
