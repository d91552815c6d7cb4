"""A sample: one pixel, and where it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mt_plugin_hyperspectral.cube import Cube, Wavelengths
from mt_plugin_hyperspectral.reading import open_cube


@dataclass(frozen=True, eq=False)
class Pixel:
    """What the tokenizer reads.

    Attributes:
        values: (w, w, B) the pixel in its neighbourhood, w = 1 for none; NaN in all bands where there is no data.
        wavelengths: Nanometres, one a band; None where not known.
        filename: Where it comes from, for messages.
    """

    values: NDArray[np.float32]
    wavelengths: Wavelengths | None
    filename: str

    @property
    def spectrum(self) -> NDArray[np.float32]:
        """(B,) of the pixel itself."""
        middle = self.values.shape[0] // 2
        spectrum: NDArray[np.float32] = self.values[middle, middle]
        return spectrum


@dataclass(frozen=True)
class PixelAt:
    """A pixel of a file, which is read when it is needed.

    Attributes:
        path: Of the scene.
        row, column: From 0.
    """

    path: str
    row: int
    column: int

    @property
    def filename(self) -> str:
        return f"{self.path}, row {self.row}, column {self.column}"

    def look_up(self, window: int) -> Pixel:
        """The pixel in its neighbourhood.

        Raises:
            InputError: the scene cannot be read, or has no such pixel.
        """
        cube = _kept_open(self.path, _stamp(self.path))
        return Pixel(cube.neighbourhood(self.row, self.column, window), cube.wavelengths, self.filename)


class ScenePixels(Sequence[PixelAt]):
    """Pixels of a scene, a number each.

    Args:
        width: Pixels in a row.
        places: row * width + column of each pixel.
    """

    def __init__(self, path: Path, width: int, places: NDArray[np.int64]) -> None:
        self.path, self.width, self.places = str(path), width, places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> PixelAt: ...
    @overload
    def __getitem__(self, index: slice) -> ScenePixels: ...
    def __getitem__(self, index: int | slice) -> PixelAt | ScenePixels:
        if isinstance(index, slice):
            return ScenePixels(Path(self.path), self.width, self.places[index])
        row, column = divmod(int(self.places[index]), self.width)
        return PixelAt(self.path, row, column)


class PixelsOfScenes(Sequence[PixelAt]):
    """Some of the pixels of several scenes, which are counted one scene after the other.

    Args:
        scenes: Their pixels.
        places: Numbers of those that are meant.
    """

    def __init__(self, scenes: Sequence[ScenePixels], places: NDArray[np.int64]) -> None:
        self.scenes, self.places = scenes, places
        self.starts = np.cumsum([0, *(len(scene) for scene in scenes)])

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> PixelAt: ...
    @overload
    def __getitem__(self, index: slice) -> PixelsOfScenes: ...
    def __getitem__(self, index: int | slice) -> PixelAt | PixelsOfScenes:
        if isinstance(index, slice):
            return PixelsOfScenes(self.scenes, self.places[index])
        place = int(self.places[index])
        scene = int(np.searchsorted(self.starts, place, side="right")) - 1
        return self.scenes[scene][place - int(self.starts[scene])]


@lru_cache(maxsize=16)
def _kept_open(path: str, stamp: tuple[int, int]) -> Cube:
    """A scene whose pixels are looked up again and again, beside others of its folder; a file that changes is opened
    again."""
    return open_cube(path).resident()


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # `open_cube` says what is the matter
        return 0, 0
    return status.st_mtime_ns, status.st_size
