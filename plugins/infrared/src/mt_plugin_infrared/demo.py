"""Thermal frames that need no download: a warm surface under another sky each time, with or without a fault.

Written as the files that cameras give: counts of 16 bits (hundredths of a kelvin) in PNG and TIFF, degrees Celsius in
floating-point TIFF, and 8-bit JPEG over one fixed range; and an example of every format.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mt_core.sdk import Listing, demo_files
from mt_plugin_infrared.reading import SUFFIXES

HEIGHT, WIDTH = 32, 40

_RANGE = (0.0, 80.0)  # degrees Celsius, of the 8-bit files

Degrees = NDArray[np.floating[Any]]
"""(HEIGHT, WIDTH) degrees Celsius."""


def thermal_frames(split: str, size: int, seed: int) -> Listing:
    """`size` frames a split, in files that vanish with the process."""
    return demo_files("infrared", split, size, seed, tuple(_FAULTS), _write)


def _surface(random: np.random.Generator) -> Degrees:
    """Between 20 and 32 degrees, a little warmer towards one side, with a camera's noise."""
    slope = random.normal(0, 1.5, 2)
    noise = random.normal(random.uniform(20, 32), 0.3, (HEIGHT, WIDTH))
    degrees: Degrees = noise + slope[0] * (_DOWN / HEIGHT - 0.5) + slope[1] * (_ACROSS / WIDTH - 0.5)
    return degrees


_DOWN, _ACROSS = np.indices((HEIGHT, WIDTH), dtype=np.float64)


def _none(random: np.random.Generator) -> Degrees:
    return np.zeros((HEIGHT, WIDTH))


def _hot_spot(random: np.random.Generator) -> Degrees:
    y, x, radius = random.uniform(6, HEIGHT - 6), random.uniform(6, WIDTH - 6), random.uniform(1.5, 3)
    warmth: Degrees = random.uniform(12, 20) * np.exp(-((_DOWN - y) ** 2 + (_ACROSS - x) ** 2) / (2 * radius**2))
    return warmth


def _stripe(random: np.random.Generator) -> Degrees:
    left, width = random.integers(2, WIDTH - 10), random.integers(5, 9)
    return np.where((left <= _ACROSS) & (_ACROSS < left + width), random.uniform(6, 12), 0.0)


def _gradient(random: np.random.Generator) -> Degrees:
    turn = random.uniform(0, 2 * np.pi)
    along = np.cos(turn) * (_ACROSS / WIDTH - 0.5) + np.sin(turn) * (_DOWN / HEIGHT - 0.5)
    degrees: Degrees = along * random.uniform(16, 24)
    return degrees


def _crack(random: np.random.Generator) -> Degrees:
    """A thin cold line that wanders from one side to the other."""
    wander = np.cumsum(random.normal(0, 0.8, WIDTH)) + random.uniform(8, HEIGHT - 8)
    return np.where(np.abs(_DOWN - wander[None, :]) < 1.5, -random.uniform(8, 14), 0.0)


_FAULTS: dict[str, Callable[[np.random.Generator], Degrees]] = {
    "crack": _crack,
    "gradient": _gradient,
    "hot spot": _hot_spot,
    "none": _none,
    "stripe": _stripe,
}


def _write(stem: Path, fault: str, turn: int, random: np.random.Generator) -> Path:
    """A frame as one of four kinds of file, in turn."""
    frame = _surface(random) + _FAULTS[fault](random)
    counts = np.rint((frame + 273.15) * 100).astype(np.uint16)
    low, high = _RANGE
    grey = np.clip(np.rint((frame - low) / (high - low) * 255), 0, 255).astype(np.uint8)
    kinds: tuple[tuple[str, NDArray[Any], dict[str, Any]], ...] = (
        (".png", counts, {}),
        (".tif", frame.astype(np.float32), {}),
        (".jpg", grey, {"quality": 95}),
        (".tiff", counts, {}),
    )
    suffix, pixels, options = kinds[turn % len(kinds)]
    path = stem.with_suffix(suffix)
    Image.fromarray(pixels).save(path, **options)
    return path


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
