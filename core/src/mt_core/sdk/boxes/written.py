"""Objects that were predicted, as files.  K classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Detection
from mt_core.errors import InputError, RunError
from mt_core.io.atomic import atomic_write
from mt_core.sdk.masks.written import different_colours

LEAST_SHOWN = 0.3
"""The score from which an object is drawn."""

_LARGEST = 1600  # pixels of the longer side of what is drawn
_SMALLEST = 480  # pixels of the longer side, so that names can be read
_DARK = 140  # of 255, the brightness of a colour under white letters


def write_boxes(
    source: Any,
    records: Sequence[Mapping[str, Any]],
    task: AnyTask,
    folder: Path,
    *,
    read: Callable[[Any], NDArray[Any]],
) -> list[Path]:
    """`<name>_boxes.png`, the picture with the boxes of its objects, their classes and scores; nothing for a task that
    does not find objects.

    Args:
        source: The picture's file.
        records: The one prediction of it.
        read: Gives the (H, W, C) picture of a source, 8-bit or floats in 0..1.

    Raises:
        InputError: the file's picture is no longer as large as the one that was predicted.
        RunError: a folder that cannot be written to.
    """
    if not isinstance(task, Detection):
        return []
    picture = read(source)
    height, width = records[0]["size"]
    if picture.shape[:2] != (height, width):
        raise InputError(
            f"{source} is {picture.shape[1]} x {picture.shape[0]} pixels, and its prediction is of {width} x {height}",
            fix="predict it again",
        )
    likely = [each for each in records[0]["prediction"] if each["score"] >= LEAST_SHOWN]
    path = folder / f"{Path(source).stem if isinstance(source, str | Path) else 'picture'}_boxes.png"
    with atomic_write(path, RunError, fix="choose another folder") as unfinished:
        with_boxes(picture, likely, task).save(unfinished, format="PNG")
    return [path]


def with_boxes(picture: NDArray[Any], objects: Sequence[Mapping[str, Any]], task: Detection) -> Any:
    """A Pillow picture with a frame around each object, and its class and score above it.

    Args:
        picture: (H, W, C), 8-bit or floats in 0..1; of more than three channels the first three, one or two in grey.
        objects: `class`, `box` and, where there is one, `score` of each.
    """
    from PIL import Image, ImageDraw, ImageFont

    full = 255.0 if picture.dtype == np.uint8 else 1.0
    colours_HWC = (picture[..., :3] if picture.shape[-1] >= 3 else np.repeat(picture[..., :1], 3, axis=-1)) / full
    drawn = Image.fromarray(np.rint(255 * colours_HWC.clip(0, 1)).astype(np.uint8))
    longer = max(drawn.size)
    scale = min(max(1.0, _SMALLEST / longer), _LARGEST / longer)
    drawn = drawn.resize((max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))))
    line = max(2, max(drawn.size) // 300)
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(max(11.0, max(drawn.size) / 60))
    colour_of = dict(zip(task.classes, map(tuple, different_colours(len(task.classes)).tolist()), strict=True))
    for each in reversed(objects):  # the likeliest one last, over the others
        left, top, right, bottom = (scale * side for side in each["box"])
        colour = colour_of[each["class"]]
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour, width=line)
        text = each["class"] + (f" {each['score']:.2f}" if "score" in each else "")
        _, _, wide, high = draw.textbbox((0, 0), text, font=font)
        left, top = min(max(0, left), max(0, drawn.width - wide - 4)), max(0, top - high - 3)
        draw.rectangle((left, top, left + wide + 4, top + high + 3), fill=colour)
        draw.text((left + 2, top), text, font=font, fill="white" if np.mean(colour) < _DARK else "black")
    return drawn


def coco_results(records: Sequence[Mapping[str, Any]], task: Detection) -> list[dict[str, Any]]:
    """Predictions in COCO's result format, an entry an object, the likeliest of a picture first.

    Args:
        records: As `mt_core.predict` gives them, with `source`.

    Returns:
        `image_id`, the number that the file is called after (397133 of 000000397133.jpg), else the name of the file;
        `category_id`, the data's own number of the class; `bbox`, left, top, width and height; `score`.

    Source: cocodataset.org, "Results format".
    """
    number_of = dict(zip(task.classes, task.numbers or range(len(task.classes)), strict=True))
    results = []
    for record in records:
        name = Path(str(record["source"]))
        image = int(name.stem) if name.stem.isascii() and name.stem.isdigit() else name.name
        for each in record["prediction"]:
            left, top, right, bottom = each["box"]
            bbox = [left, top, round(right - left, 3), round(bottom - top, 3)]
            results.append(
                {"image_id": image, "category_id": number_of[each["class"]], "bbox": bbox, "score": each["score"]}
            )
    return results
