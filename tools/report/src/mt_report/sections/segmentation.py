"""A class for each place of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, Segmentation
from mt_core.data.reading import read_sample
from mt_core.embedding.sample_pictures import Seen
from mt_core.errors import MtError
from mt_core.sdk.masks.written import class_colours
from mt_core.training.intervals import percentile_interval, resampled_rows
from mt_core.training.segmented import example_pictures
from mt_report.charts.tables import bars, confusion_table
from mt_report.clouds import cloud_image, cloud_png
from mt_report.colours import class_legend
from mt_report.dense import DenseCounts, Places, class_ious
from mt_report.intervals import Draws, draws_of
from mt_report.page import Page
from mt_report.samples import Card, png_of
from mt_report.sections.steps import add_segments, add_stretches
from mt_report.statistics import Numbers
from mt_report.steps import has_times
from mt_report.subject import Subject
from mt_report.text import interval

_MOST_CLASSES = 20
_MOST_COLOURS = 254
_CARDS = 4
_RIGHT, _WRONG, _UNKNOWN = (150, 160, 175), (214, 39, 40), (150, 160, 175)


def add_segmentation(page: Page, subject: Subject) -> None:
    """IoU of each class, confusion matrix, and samples."""
    task, dense = subject.task, subject.predictions.dense
    assert isinstance(task, Segmentation) and isinstance(dense, DenseCounts)
    page.section("Classes")
    if not dense.cells.any():
        page.note(f"No class of the {task.of} of this part is known, so nothing can be compared.")
        return
    is_timed = task.of == "places" and has_times(
        subject.part.dataset, subject.model.tokenizer, max(0, dense.positions[0])
    )
    unit = "steps" if is_timed else "points" if task.of == "places" else task.of
    draws = draws_of(subject.head, subject.predictions, subject.part.dataset.groups())
    page.add(bars("Intersection over union of each class", ("class", "IoU"), _rows(task, dense, draws, unit)))
    if len(task.classes) <= _MOST_CLASSES:
        page.add(confusion_table("Confusion matrix", dense.cells, task.classes, unit))
    else:
        page.note(f"The confusion matrix of {len(task.classes)} classes is not drawn.")
    if is_timed:
        add_segments(page, subject, task, dense)
        add_stretches(page, subject, task, dense)
        return
    ious_N, sure_N = dense.sample_ious(), np.array(dense.confidences)
    page.section("The worst mistakes")
    page.add(class_legend(task.classes, [f"rgb({r},{g},{b})" for r, g, b in class_colours(task).tolist()]))
    page.note("The samples with the lowest mean IoU over the classes that occur in them or were predicted.")
    worst = _first(np.argsort(ious_N, kind="stable"), dense)
    page.add(_cards(subject, task, dense, worst, ious_N, sure_N))
    page.section("The least sure")
    least = _first([row for row in np.argsort(sure_N, kind="stable") if row not in worst], dense)
    if not least:
        page.note("All samples are shown above.")
        return
    page.note(f"The samples with the lowest mean probability of the classes that were predicted for their {unit}.")
    page.add(_cards(subject, task, dense, least, ious_N, sure_N))


def _first(order: Sequence[int] | NDArray[Any], dense: DenseCounts) -> list[int]:
    """The first rows whose samples are known."""
    return [int(row) for row in order if dense.positions[row] >= 0][:_CARDS]


def _rows(task: Segmentation, dense: DenseCounts, draws: Draws, unit: str) -> list[tuple[str, float, str]]:
    """Name, IoU and what else is known of each class."""
    ious = class_ious(dense.cells)
    right, true, predicted = (np.diag(dense.cells), dense.cells.sum(1), dense.cells.sum(0))
    ends = _intervals(dense, draws) if draws.primary is not None else {}
    rows = []
    for k, name in enumerate(task.classes):
        parts = [interval(ends[k])] if k in ends else []
        parts += [f"recall {right[k] / true[k]:.2f}"] if true[k] else []
        parts += [f"precision {right[k] / predicted[k]:.2f}"] if predicted[k] else []
        rows.append((name, float(ious[k]), "; ".join([*parts, f"{true[k]:,} {unit}"])))
    return rows


def _intervals(dense: DenseCounts, draws: Draws) -> dict[int, tuple[float, float]]:
    """95 % of the IoU of each class, where it is defined in all resamples."""
    values_RK = np.stack([dense.class_ious(rows) for rows in resampled_rows(draws.count, draws.groups)])
    found = {k: percentile_interval(values_RK[:, k]) for k in range(values_RK.shape[1])}
    return {k: ends for k, ends in found.items() if ends is not None}


def _cards(
    subject: Subject,
    task: Segmentation,
    dense: DenseCounts,
    rows: Sequence[int],
    ious: Numbers,
    sure: Numbers,
) -> str:
    cards = []
    for row in rows:
        said = f"mean IoU {ious[row]:.3f}, mean probability {sure[row]:.3f}"
        position, places = dense.positions[row], dense.places[row]
        panels = _masks(subject, position) if places is None else _clouds(subject, task, position, places)
        if not panels:
            cards.append(Card(position, (said,)))
            continue
        shown = "".join(f"<div>{picture}<p>{title}</p></div>" for title, picture in panels.items())
        cards.append(Card(position, (said,), f'<div class="panels">{shown}</div>', is_wide=True))
    return subject.gallery.cards(cards)


def _masks(subject: Subject, position: int) -> dict[str, str]:
    """A picture, its mask, what was predicted, and where that is wrong; {} where it cannot be drawn."""
    shown = example_pictures(subject.model, subject.part.dataset, position)
    if shown is None:
        return {}
    picture, truth, predicted = map(_pixels, shown)
    is_wrong = (truth != predicted).any(-1) & (truth != 255).any(-1)
    wrong = np.repeat(picture.mean(-1, keepdims=True).round().astype(np.uint8), 3, axis=-1) // 2 + 100
    wrong[is_wrong] = _WRONG
    every = {"picture": picture, "truth": truth, "prediction": predicted, "mistakes": wrong}
    return {
        title: png_of(Seen(picture=np.ascontiguousarray(each)), f"{title} of sample {position}", subject.gallery.side)
        for title, each in every.items()
    }


def _clouds(subject: Subject, task: Segmentation, position: int, places: Places) -> dict[str, str]:
    """The points by their true class, by the predicted one, and where that is wrong; {} where they have no place in
    space that is known."""
    points = _points_of(subject, position, places)
    if points is None or len(task.classes) > _MOST_COLOURS - 1:
        return {}
    colours = np.concatenate([class_colours(task), [_UNKNOWN]]).astype(np.uint8)
    upright = str(getattr(subject.model.tokenizer.options, "upright", "z"))
    side = 2 * subject.gallery.side
    name = subject.gallery.name(position)
    of = {"truth": places.truth, "prediction": places.predicted}
    last = len(colours) - 1
    panels = {}
    for title, classes in of.items():
        numbers = np.where(classes == MISSING_CLASS, last, classes).astype(np.int64)
        content = cloud_png(points, numbers, colours, upright, side)
        panels[title] = cloud_image(content, f"{title} of {name}, seen obliquely from above")
    two = np.array([_RIGHT, _WRONG], np.uint8)
    content = cloud_png(points, places.is_wrong.astype(np.int64), two, upright, side)
    panels["mistakes"] = cloud_image(content, f"points of {name} whose class is wrong, in red")
    return panels


def _points_of(subject: Subject, position: int, places: Places) -> NDArray[Any] | None:
    """(P, 3) where the places lie: of samples that have points."""
    try:
        sample: Any = read_sample(subject.model.tokenizer, subject.part.dataset[position].sample)
    except MtError:
        return None
    points, rows = getattr(sample, "points", None), getattr(sample, "rows", None)
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 3 or not len(points):
        return None
    index = places.index if rows is None else np.searchsorted(rows, places.index)  # those of the file that were kept
    return points[index] if int(index.max(initial=0)) < len(points) else None


def _pixels(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W, 3) 8-bit of pixels in 0..1 or already in 0..255."""
    return picture if picture.dtype == np.uint8 else (picture * 255).round().clip(0, 255).astype(np.uint8)
