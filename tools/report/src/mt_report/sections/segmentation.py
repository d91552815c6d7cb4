"""A class for each place of a sample."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation
from mt_core.embedding.sample_pictures import Seen
from mt_core.sdk.masks.written import class_colours
from mt_core.training.segmented import example_pictures
from mt_report.charts.tables import bars, confusion_table
from mt_report.dense import class_ious
from mt_report.page import Page
from mt_report.samples import Card, png_of
from mt_report.subject import Subject
from mt_report.text import short

_MOST_CLASSES = 20
_CARDS = 4


def add_segmentation(page: Page, subject: Subject) -> None:
    """IoU of each class, confusion matrix, and samples."""
    task, dense = subject.task, subject.predictions.dense
    assert isinstance(task, Segmentation) and dense is not None
    unit = task.of
    page.section("Classes")
    if not dense.cells.any():
        page.note(f"No class of the {unit} of this part is known, so nothing can be compared.")
        return
    ious, counts = class_ious(dense.cells), dense.cells.sum(1)
    rows = [(name, float(ious[k]), f"{counts[k]:,} {unit}") for k, name in enumerate(task.classes)]
    page.add(bars("Intersection over union of each class", ("class", "IoU"), rows))
    if len(task.classes) <= _MOST_CLASSES:
        page.add(confusion_table("Confusion matrix", dense.cells, task.classes, unit))
    else:
        page.note(f"The confusion matrix of {len(task.classes)} classes is not drawn.")
    ious_N, sure_N = np.array(dense.ious), np.array(dense.confidences)
    positions = np.array(dense.positions)
    page.section("The worst mistakes")
    if task.of == "pixels":
        page.add(_colours(task))
    page.note("The samples with the lowest mean IoU over the classes that occur in them or were predicted.")
    page.add(_cards(subject, task, np.argsort(ious_N, kind="stable"), positions, ious_N, sure_N))
    page.section("The least sure")
    page.note(f"The samples with the lowest mean probability of the classes that were predicted for their {unit}.")
    page.add(_cards(subject, task, np.argsort(sure_N, kind="stable"), positions, ious_N, sure_N))


def _colours(task: Segmentation) -> str:
    """The colour of each class, as masks have it."""
    entries = []
    for name, (red, green, blue) in zip(task.classes, class_colours(task).tolist(), strict=True):
        swatch = f'<span class="swatch" style="background:rgb({red},{green},{blue})"></span>'
        entries.append(f"<li>{swatch}{html.escape(short(name, 28))}</li>")
    return f'<ul class="legend" aria-label="Colours of classes">{"".join(entries)}</ul>'


def _cards(
    subject: Subject,
    task: Segmentation,
    order: NDArray[Any],
    positions: NDArray[np.int64],
    ious: NDArray[np.float64],
    sure: NDArray[np.float64],
) -> str:
    cards = []
    for row in [int(row) for row in order if positions[row] >= 0][:_CARDS]:
        said = f"mean IoU {ious[row]:.3f}, mean probability {sure[row]:.3f}"
        position = int(positions[row])
        pictures = example_pictures(subject.model, subject.part.dataset, position) if task.of == "pixels" else None
        if pictures is None:
            cards.append(Card(position, (said,)))
            continue
        seen = [Seen(picture=np.ascontiguousarray(_pixels(picture))) for picture in pictures]
        titles = ("picture", "truth", "prediction")
        panels = "".join(
            f"<div>{png_of(each, f'{title} of sample {position}', subject.gallery.side)}<p>{title}</p></div>"
            for each, title in zip(seen, titles, strict=True)
        )
        cards.append(Card(position, (said,), f'<div class="panels">{panels}</div>', is_wide=True))
    return subject.gallery.cards(cards)


def _pixels(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W, 3) 8-bit of pixels in 0..1 or already in 0..255."""
    return picture if picture.dtype == np.uint8 else (picture * 255).round().clip(0, 255).astype(np.uint8)
