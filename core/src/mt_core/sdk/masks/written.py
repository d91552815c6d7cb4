"""Masks that were predicted, as files.  H, W pixels, K classes."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Segmentation
from mt_core.errors import InputError, MtError, RunError
from mt_core.sdk.content import first_bytes, is_tiff
from mt_core.sdk.quiet import quiet
from mt_core.sdk.tiff import open_tiff

_TABLEAU = (
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189),
    (140, 86, 75), (227, 119, 194), (127, 127, 127), (188, 189, 34), (23, 190, 207),
)  # fmt: skip
"""Source: Tableau 10, as matplotlib's default cycle has it."""

_GOLDEN = 0.618034  # of a turn between the hues of further classes
_OPACITY = 0.55
_LARGEST_OVERLAY = 1600  # pixels of its longer side
_GEOGRAPHIC = (33550, 33922, 34264, 34735, 34736, 34737)
"""Tags of a TIFF file that say where on Earth it is. Source: OGC 19-008r4 (GeoTIFF 1.1), section 7."""


def class_colours(task: Segmentation) -> NDArray[np.uint8]:
    """(K, 3) a colour a class: the task's own, else ten well-known ones and further hues."""
    return np.array(task.colours, np.uint8) if task.colours else different_colours(len(task.classes))


def different_colours(count: int) -> NDArray[np.uint8]:
    """(count, 3) colours that can be told apart: ten well-known ones and further hues."""
    further = [
        [round(255 * part) for part in colorsys.hsv_to_rgb(index * _GOLDEN % 1, 0.55 + 0.4 * (index % 2), 0.85)]
        for index in range(max(0, count - len(_TABLEAU)))
    ]
    return np.array([*_TABLEAU, *further], np.uint8)[:count]


def mask_from(prediction: Mapping[str, Any]) -> NDArray[np.int64]:
    """(H, W) class indices of the `prediction` that a head for pixels gives: runs of equal ones."""
    values = np.asarray(prediction["values"], np.int64)
    mask: NDArray[np.int64] = np.repeat(values, prediction["lengths"]).reshape(prediction["size"])
    return mask


def write_masks(
    source: Any,
    records: Sequence[Mapping[str, Any]],
    task: AnyTask,
    folder: Path,
    *,
    read: Callable[[Any], NDArray[Any]],
) -> list[Path]:
    """`<name>_mask.png`, the data's own number of the class of each pixel, with a palette that shows it in colours;
    `<name>_overlay.png`, the picture under those colours; and of a GeoTIFF `<name>_mask.tif` in its place on Earth.

    Nothing for a task that does not label pixels.

    Args:
        source: The picture's file.
        records: The one prediction of it.
        read: Gives the (H, W, C) picture of a source, 8-bit or floats in 0..1.

    Raises:
        InputError: the file's picture is no longer as large as the one that was predicted.
        RunError: a folder that cannot be written to.
    """
    if not isinstance(task, Segmentation) or task.of != "pixels":
        return []
    mask_HW = mask_from(records[0]["prediction"])
    picture = read(source)
    if picture.shape[:2] != mask_HW.shape:
        raise InputError(
            f"{source} is {picture.shape[1]} x {picture.shape[0]} pixels, and its prediction "
            f"{mask_HW.shape[1]} x {mask_HW.shape[0]}",
            fix="predict it again",
        )
    stem = Path(source).stem if isinstance(source, str | Path) else "picture"
    written = [folder / f"{stem}_mask.png", folder / f"{stem}_overlay.png"]
    try:
        index_picture(mask_HW, task).save(written[0])
        overlay(picture, mask_HW, task).save(written[1])
        if isinstance(source, str | Path) and (tags := _place_on_earth(source)):
            written.append(folder / f"{stem}_mask.tif")
            _write_tiff(written[-1], numbers_of(mask_HW, task), tags)
    except OSError as error:
        raise RunError(f"{folder} cannot be written to ({error.strerror})", fix="choose another folder") from None
    return written


def numbers_of(mask_HW: NDArray[np.int64], task: Segmentation) -> NDArray[Any]:
    """(H, W) the number that stands for each class in the data's own masks, in 8 or 16 bits."""
    numbers = np.array(task.numbers or range(len(task.classes)))
    return numbers[mask_HW].astype(np.uint8 if numbers.max() < 256 else np.uint16)


def index_picture(mask_HW: NDArray[np.int64], task: Segmentation) -> Any:
    """A picture of the data's own numbers, with a palette where they are of 8 bits; of coloured masks, of colours."""
    from PIL import Image

    colours = class_colours(task)
    if task.is_coloured:
        return Image.fromarray(colours[mask_HW])
    numbers = numbers_of(mask_HW, task)
    picture = Image.fromarray(numbers)
    if numbers.dtype == np.uint8:
        palette = np.zeros((256, 3), np.uint8)
        palette[list(task.numbers or range(len(task.classes)))] = colours
        picture.putpalette(palette.tobytes())
    return picture


def overlay(picture: NDArray[Any], mask_HW: NDArray[np.int64], task: Segmentation) -> Any:
    """The picture in grey under the colours of its classes, at most 1,600 pixels wide or high."""
    from PIL import Image

    full = 255.0 if picture.dtype == np.uint8 else 1.0
    grey_HW1 = (picture[..., :3].astype(np.float32) / full).clip(0, 1).mean(-1, keepdims=True) * 255
    mixed = (1 - _OPACITY) * grey_HW1 + _OPACITY * class_colours(task)[mask_HW]
    drawn = Image.fromarray(np.rint(mixed).astype(np.uint8))
    drawn.thumbnail((_LARGEST_OVERLAY, _LARGEST_OVERLAY))
    return drawn


def _place_on_earth(source: str | Path) -> list[tuple[int, str, int, Any, bool]]:
    """The tags that say where a GeoTIFF is, for tifffile; [] of any other file."""
    if not is_tiff(first_bytes(source, 12)):
        return []
    try:
        with open_tiff(source, codecs="imagecodecs") as file:
            tags = file.pages.first.tags
            found = [tags[code] for code in _GEOGRAPHIC if code in tags]
            return [(tag.code, tag.dtype.name[0].lower(), tag.count, tag.value, True) for tag in found]
    except (MtError, ImportError):
        return []


def _write_tiff(path: Path, numbers_HW: NDArray[Any], tags: list[tuple[int, str, int, Any, bool]]) -> None:
    import tifffile

    with quiet("tifffile"):
        tifffile.imwrite(path, numbers_HW, photometric="minisblack", compression="zlib", extratags=tags)
