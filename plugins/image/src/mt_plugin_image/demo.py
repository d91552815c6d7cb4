"""Pictures that need no download: real digits where scikit-learn is installed, otherwise drawn shapes in PNG files; and
an example of every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mt_core.sdk import Listing, demo_files, select_splits
from mt_plugin_image.reading import SUFFIXES

_PARTS = {"train": 0.6, "val": 0.2, "test": 0.2}

_SHAPES = ("circle", "cross", "square", "triangle")

_SIDE = 32

# of the examples, where they are not Pillow's own choice
_MODES = {".gif": "P", ".pgm": "L", ".pbm": "1"}
_FORMATS = {".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM", ".jp2": "JPEG2000"}
_HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def digits(split: str, size: int, seed: int) -> Listing | None:
    """Handwritten digits of 8 x 8 pixels, in memory, as scikit-learn has them; None where it is not installed.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return None
    bunch = load_digits()
    pictures = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # they are counts, 0 to 16
    order = np.random.default_rng(seed).permutation(len(pictures))
    ends = np.cumsum([round(part * len(order)) for part in _PARTS.values()])[:-1]
    parts = dict(zip(_PARTS, np.split(order, ends), strict=True))
    rows = np.concatenate([parts[name][:size] for name in select_splits(split, _PARTS, Path("digits"))])
    return Listing(pictures[rows], [str(bunch.target[row]) for row in rows], tuple("0123456789"), "demo")


def shapes(split: str, size: int, seed: int) -> Listing:
    """Shapes of any colour, size and place on a noisy ground, written as PNG files that vanish with the process."""
    return demo_files("image", split, size, seed, _SHAPES, _write_shape)


def _write_shape(stem: Path, shape: str, turn: int, random: np.random.Generator) -> Path:
    path = stem.with_suffix(".png")
    _drawn(shape, random).save(path)
    return path


def _drawn(shape: str, random: np.random.Generator) -> Image.Image:
    ground, colour = random.integers(0, 256, (2, 3))
    while abs(ground - colour).sum() < 150:
        colour = random.integers(0, 256, 3)
    noise = random.normal(0, 12, (_SIDE, _SIDE, 3))
    picture = Image.fromarray(np.clip(ground + noise, 0, 255).astype(np.uint8))
    half = int(random.integers(6, 11))
    x, y = (int(at) for at in random.integers(half + 1, _SIDE - half - 1, 2))
    fill = (int(colour[0]), int(colour[1]), int(colour[2]))
    draw = ImageDraw.Draw(picture)
    if shape == "circle":
        draw.ellipse((x - half, y - half, x + half, y + half), fill)
    elif shape == "square":
        draw.rectangle((x - half, y - half, x + half, y + half), fill)
    elif shape == "triangle":
        draw.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], fill)
    else:
        draw.line((x - half, y, x + half, y), fill, width=4)
        draw.line((x, y - half, x, y + half), fill, width=4)
    return picture


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
