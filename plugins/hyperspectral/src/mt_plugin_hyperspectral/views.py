"""What is seen of the predictions of a scene: its map.  H rows, W columns, K classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mt_core.contract import AnyTask, Classification, Segmentation
from mt_core.errors import InputError, RunError
from mt_core.sdk import write_masks
from mt_plugin_hyperspectral.layouts.names import numbers_of_classes
from mt_plugin_hyperspectral.reading import open_cube

NO_DATA = -1
"""In a map, for a pixel without data."""

_COLOURS = tuple(
    bytes.fromhex(code)
    for code in "4363d8 f58231 3cb44b e6194b 911eb4 42d4f4 ffe119 f032e6 bfef45 fabed4 469990 dcbeff 9a6324 fffac8 "
    "800000 aaffc3 808000 ffd8b1 000075 a9a9a9".split()
)  # the twenty of Sasha Trubetskoy's "List of 20 Simple, Distinct Colors"; over and over for more classes
_WHITE, _BLACK, _GREY = (255, 255, 255), (0, 0, 0), (120, 120, 120)

_SMALLEST_MAP = 480  # pixels along its longer side
_LINE = 24  # pixels of the legend's picture, a class
_MARGIN = 12
_PERCENTILES = (2, 98)  # of a scene, that are shown as black and white


def write(source: Any, records: Sequence[Mapping[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """The map of a scene: `<name>_map.png`, the classes as colours with their legend; `<name>_map.npy`, their indices,
    (H, W) int16; `<name>_mask.png`, their numbers as ground truths have them, with a palette; `<name>_overlay.png`, the
    scene in grey under its classes; and of a GeoTIFF `<name>_mask.tif`, in its place on Earth.

    A pixel without data is white, `NO_DATA` in the array, and 0 in the mask (255 where a class has that number).
    Nothing for a task that is not classification.

    Args:
        source: The scene's file.
        records: One prediction a pixel, row by row.

    Raises:
        InputError: not one prediction a pixel, as of a scene that could be read in part only.
        RunError: a folder that cannot be written to.
    """
    if not isinstance(task, Classification):
        return []
    cube = open_cube(source)
    size = cube.height, cube.width
    if len(records) != cube.height * cube.width:
        raise InputError(
            f"{source} has {size[0]} x {size[1]} pixels and {len(records):,} predictions, so there is no map of it",
            fix="see the warnings about the scene, and predict it again",
        )
    index_of = {name: index for index, name in enumerate(task.classes)}
    each = (index_of[record["prediction"]] for record in records)
    indices = np.fromiter(each, np.int16, len(records)).reshape(size)
    brightness = cube.brightness()
    indices[np.isnan(brightness)] = NO_DATA
    stem = Path(source).stem
    picture, array = folder / f"{stem}_map.png", folder / f"{stem}_map.npy"
    try:
        drawn(indices, task.classes).save(picture)
        np.save(array, indices)
    except OSError as error:
        raise RunError(f"{picture} cannot be written ({error.strerror})", fix="choose another folder") from None
    mask = _as_mask(indices, len(task.classes))
    return [picture, array, *write_masks(source, [mask], _numbered(task), folder, read=lambda _: grey(brightness))]


def _as_mask(indices: NDArray[np.int16], num_classes: int) -> dict[str, Any]:
    """A map as a head for pixels gives it, runs of equal indices; pixels without data are of a class behind all."""
    flat = np.where(indices == NO_DATA, num_classes, indices).ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    lengths = np.diff(starts, append=flat.size)
    return {"prediction": {"size": list(indices.shape), "values": flat[starts], "lengths": lengths}}


def _numbered(task: Classification) -> Segmentation:
    """The classes, and behind them that of pixels without data, with numbers and colours."""
    numbers = numbers_of_classes(task.classes)
    empty = 0 if 0 not in numbers else 255 if max(numbers) < 255 else max(numbers) + 1
    colours = [_of(_COLOURS[index % len(_COLOURS)]) for index in range(len(numbers))]
    return Segmentation(
        classes=(*task.classes, "no data"), of="pixels", numbers=(*numbers, empty), colours=(*colours, _WHITE)
    )


def _of(colour: bytes) -> tuple[int, int, int]:
    red, green, blue = colour
    return red, green, blue


def grey(brightness_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 1) in 0..1: from the second to the last but second percentile, black where there are no data."""
    known = brightness_HW[~np.isnan(brightness_HW)]
    low, high = np.percentile(known, _PERCENTILES) if known.size else (0.0, 1.0)
    levels = ((brightness_HW - low) / max(high - low, 1e-12)).clip(0, 1)
    filled: NDArray[np.float32] = np.nan_to_num(levels)[..., None].astype(np.float32)
    return filled


def drawn(indices: NDArray[np.int16], classes: tuple[str, ...]) -> Image.Image:
    """A map, enlarged by a whole number where it is small, with the classes that occur and their share beside it.

    Args:
        indices: (H, W) class indices, `NO_DATA` where there are none.
    """
    palette = np.array([_WHITE, *(tuple(_COLOURS[index % len(_COLOURS)]) for index in range(len(classes)))], np.uint8)
    scale = max(1, _SMALLEST_MAP // max(indices.shape))
    seen = Image.fromarray(palette[indices.astype(np.int64) + 1])
    seen = seen.resize((seen.width * scale, seen.height * scale), Image.Resampling.NEAREST)
    font = ImageFont.load_default(size=_LINE * 0.6)
    lines = [
        (tuple(int(part) for part in palette[index + 1]), f"{name}  {share:.1%}")
        for index, name in ((NO_DATA, "no data"), *enumerate(classes))
        if (share := float((indices == index).mean())) > 0
    ]
    legend_width = _LINE + max(int(font.getlength(text)) for _, text in lines) + _MARGIN
    height = max(seen.height, _LINE * len(lines)) + 2 * _MARGIN
    sheet = Image.new("RGB", (seen.width + legend_width + 3 * _MARGIN, height), _WHITE)
    sheet.paste(seen, (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(sheet)
    left, side = seen.width + 2 * _MARGIN, _LINE - 8
    for number, (colour, text) in enumerate(lines):
        top = _MARGIN + number * _LINE
        draw.rectangle((left, top, left + side, top + side), fill=colour, outline=_GREY)
        draw.text((left + _LINE, top + side / 2), text, fill=_BLACK, font=font, anchor="lm")
    return sheet
