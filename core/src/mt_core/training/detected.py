"""A few pictures of a run that finds objects: the objects that are there, and those that were found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mt_core.contract import Detection, ModalityDataset
from mt_core.data.reading import prepare_example
from mt_core.errors import MtError, RunError
from mt_core.heads.joining import join_squares
from mt_core.io.atomic import atomic_write
from mt_core.io.html import Page, new_figure
from mt_core.model import MetaTransformer
from mt_core.sdk.boxes.written import LEAST_SHOWN, with_boxes

EXAMPLES = "detection.png"
"""In a run folder: pictures of the part that is measured."""

_SHOWN = 4


def write_detected(model: MetaTransformer, dataset: ModalityDataset, folder: Path) -> None:
    """Write `EXAMPLES` of evenly spaced samples; nothing where the model does not find objects, or its tokenizer does
    not draw."""
    if not isinstance(model.require_head().task, Detection):
        return
    step = max(1, len(dataset) // _SHOWN)
    rows = [row for index in range(0, len(dataset), step) if (row := _row(model, dataset, index)) is not None][:_SHOWN]
    if not rows:
        return
    figure, _ = new_figure(9, 3.4 * len(rows) + 0.4)
    figure.clear()
    axes = figure.subplots(len(rows), 2, squeeze=False)
    for row, shown in zip(axes, rows, strict=True):
        for cell, picture in zip(row, shown, strict=True):
            cell.imshow(picture)
            cell.set_axis_off()
    for cell, title in zip(axes[0], ("truth", f"found, with a score of {LEAST_SHOWN} or more"), strict=True):
        cell.set_title(title, fontsize=9)
    with atomic_write(folder / EXAMPLES, RunError) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110)


def _row(model: MetaTransformer, dataset: ModalityDataset, index: int) -> tuple[Any, Any] | None:
    """The picture with the objects that are there, and with those that are found; None where it cannot be read or
    drawn."""
    try:
        item, target = prepare_example(model.tokenizer, dataset[index])
    except MtError:
        return None
    batch = model.tokenizer.collate([item])
    drawn, head = model.tokenizer.draw(batch), model.require_head()
    if drawn is None or target is None:
        return None
    task: Any = head.task
    with torch.inference_mode():
        features = model.eval().encode({name: tensor.to(model.device) for name, tensor in batch.items()})
        (found,) = head.decode(head(features))
        (picture_HW3,) = join_squares(drawn[0], {name: tensor.cpu() for name, tensor in features.side.items()})
    picture = picture_HW3.clamp(0, 1).numpy()
    there = [
        {"class": task.classes[int(number)], "box": [float(side) for side in box]}
        for box, number in zip(target.xyxy, target.classes, strict=True)
    ]
    likely = [each for each in found["prediction"] if each["score"] >= LEAST_SHOWN]
    return with_boxes(picture, there, task), with_boxes(picture, likely, task)


def add_to_page(page: Page, folder: Path) -> None:
    """Show the pictures on a run's report, where there are some."""
    if (path := folder / EXAMPLES).is_file():
        page.heading("Pictures that were not trained on")
        page.picture(path.read_bytes(), "pictures, their objects and those that were found")
