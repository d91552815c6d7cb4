"""What is seen of the predictions of a scene: its map.  H rows, W columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mt_core.contract import AnyTask, Classification
from mt_core.errors import InputError, RunError
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


def write(source: Any, records: list[dict[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """`<name>_map.png`, the classes as colours with their legend, and `<name>_map.npy`, their indices, (H, W) int16.

    A pixel without data is white, and `NO_DATA` in the array. Nothing for a task that is not classification.

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
    indices = np.array([index_of[record["prediction"]] for record in records], dtype=np.int16).reshape(size)
    indices[~cube.has_data()] = NO_DATA
    stem = Path(source).stem
    picture, array = folder / f"{stem}_map.png", folder / f"{stem}_map.npy"
    try:
        drawn(indices, task.classes).save(picture)
        np.save(array, indices)
    except OSError as error:
        raise RunError(f"{picture} cannot be written ({error.strerror})", fix="choose another folder") from None
    return [picture, array]


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
