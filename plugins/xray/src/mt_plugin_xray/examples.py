"""One small radiograph in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mt_plugin_xray.demo import write_dicom
from mt_plugin_xray.reading import SUFFIXES


def write_examples(folder: Path) -> list[Path]:
    """A bright disc of 24 x 32 pixels a suffix, of 12 bits in DICOM and 8 elsewhere."""
    down, across = np.indices((24, 32))
    film = np.exp(-((down - 12) ** 2 + (across - 16) ** 2) / 40)
    written = []
    for suffix in SUFFIXES:
        path = folder / f"disc{suffix}"
        if suffix in (".dcm", ".dicom"):
            write_dicom(film, path, photometric="MONOCHROME1")
        else:
            Image.fromarray(np.rint(film * 255).astype(np.uint8)).save(path)
        written.append(path)
    return written
