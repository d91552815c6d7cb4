"""One small picture in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mt_plugin_image.formats import SUFFIXES

_MODES = {".gif": "P", ".pgm": "L", ".pbm": "1"}
_HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
_FORMATS = {".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM", ".jp2": "JPEG2000"}


def write_examples(folder: Path) -> list[Path]:
    """A gradient of 24 x 32 pixels a suffix; of HEIC the first bytes, where no pillow-heif writes it."""
    down, across = np.indices((24, 32))
    picture = Image.fromarray(np.stack([8 * across, 10 * down, 4 * (across + down)], axis=-1).astype(np.uint8))
    written = []
    for suffix in SUFFIXES:
        path = folder / f"gradient{suffix}"
        written.append(path)
        if suffix in (".heic", ".heif"):
            try:
                import pillow_heif  # type: ignore[import-not-found,unused-ignore]
            except ModuleNotFoundError:
                path.write_bytes(_HEIC)
                continue
            pillow_heif.register_heif_opener()
        picture.convert(_MODES.get(suffix, "RGB")).save(path, _FORMATS.get(suffix))
    return written
