"""A few pictures of a run that labels pixels: what was seen, the truth, and what was predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.contract import MISSING_CLASS, ModalityDataset, Segmentation
from mt_core.data.reading import prepare_example
from mt_core.errors import MtError, RunError
from mt_core.heads.joining import join_squares
from mt_core.io.atomic import atomic_write
from mt_core.io.html import Page, new_figure
from mt_core.model import MetaTransformer
from mt_core.sdk.masks.written import class_colours

EXAMPLES = "segmentation.png"
"""In a run folder: pictures of the part that is measured."""

_SHOWN = 4
_VOID = (255, 255, 255)


def write_examples(model: MetaTransformer, dataset: ModalityDataset, folder: Path) -> None:
    """Write `EXAMPLES` of evenly spaced samples; nothing where the model does not label pixels, or its tokenizer does
    not draw."""
    task = model.require_head().task
    if not isinstance(task, Segmentation) or task.of != "pixels":
        return
    step = max(1, len(dataset) // _SHOWN)
    every = (example_pictures(model, dataset, index) for index in range(0, len(dataset), step))
    rows = [row for row in every if row is not None][:_SHOWN]
    if not rows:
        return
    figure, _ = new_figure(9, 2.4 * len(rows) + 0.6)
    figure.clear()
    axes = figure.subplots(len(rows), 3, squeeze=False)
    for row, shown in zip(axes, rows, strict=True):
        for cell, picture in zip(row, shown, strict=True):
            cell.imshow(picture, interpolation="nearest")
            cell.set_axis_off()
    for cell, title in zip(axes[0], ("picture", "truth (white: no class)", "prediction"), strict=True):
        cell.set_title(title, fontsize=9)
    from matplotlib.patches import Patch

    handles = [
        Patch(color=colour / 255, label=name) for colour, name in zip(class_colours(task), task.classes, strict=True)
    ]
    figure.legend(handles=handles[:24], loc="outside lower center", ncols=6, fontsize=7, frameon=False)
    with atomic_write(folder / EXAMPLES, RunError) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110)


def example_pictures(model: MetaTransformer, dataset: ModalityDataset, index: int) -> tuple[Any, Any, Any] | None:
    """The picture (H, W, 3) in 0..1, its mask and its prediction in colours, (H, W, 3) 8-bit; None where it cannot be
    read or drawn."""
    try:
        item, target = prepare_example(model.tokenizer, dataset[index])
    except MtError:
        return None
    batch = model.tokenizer.collate([item])
    drawn = model.tokenizer.draw(batch)
    if drawn is None or target is None:
        return None
    task: Any = model.require_head().task
    with torch.inference_mode():
        features = model.eval().encode({name: tensor.to(model.device) for name, tensor in batch.items()})
        predicted_HW: Tensor = model.require_head()(features)[0].argmax(-1).cpu()
        picture_HW3 = join_squares(drawn[0], {name: tensor.cpu() for name, tensor in features.side.items()})[0]
    colours = np.concatenate([class_colours(task), [_VOID]]).astype(np.uint8)
    assert MISSING_CLASS == -1  # the last colour
    return picture_HW3.clamp(0, 1).numpy(), colours[np.asarray(target)], colours[predicted_HW.numpy()]


def add_to_page(page: Page, folder: Path) -> None:
    """Show the pictures on a run's report, where there are some."""
    if (path := folder / EXAMPLES).is_file():
        page.heading("Pictures that were not trained on")
        page.picture(path.read_bytes(), "pictures, their masks and their predictions")
