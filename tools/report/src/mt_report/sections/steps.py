"""A class for each step of recordings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation
from mt_report.charts.strips import span_of, strips
from mt_report.charts.tables import bars
from mt_report.colours import class_legend, class_styles
from mt_report.dense import DenseCounts
from mt_report.page import Page
from mt_report.samples import Card
from mt_report.steps import read_windows, segment_counts
from mt_report.subject import Subject
from mt_report.text import number

_CARDS = 4
_AROUND = 2
"""Windows that are shown before and after the one that is meant."""

_MOST_RECORDINGS = 20


def recordings_of(subject: Subject, dense: DenseCounts) -> dict[str, list[int]]:
    """The rows of each recording, in the order of the data."""
    groups = subject.part.dataset.groups()
    found: dict[str, list[int]] = {}
    for row in np.argsort(dense.positions, kind="stable").tolist():
        position = dense.positions[row]
        name = groups[position] if groups is not None and position >= 0 else None
        found.setdefault(name if name is not None else "", []).append(row)
    return found


def add_segments(page: Page, subject: Subject, task: Segmentation, dense: DenseCounts) -> None:
    """Of each class how many of its segments are found, and of several recordings the errors of each."""
    recordings = recordings_of(subject, dense)
    counts = np.zeros((3, len(task.classes)), np.int64)
    for rows in recordings.values():
        shown = [places for row in rows if (places := dense.places[row]) is not None]
        truth, predicted = (np.concatenate([getattr(each, name) for each in shown]) for name in ("truth", "predicted"))
        counts += segment_counts(truth, predicted, len(task.classes))
    found, there, said = counts
    of_class = [
        (name, float(2 * found[k] / (there[k] + said[k])), f"{found[k]:,} of {there[k]:,} found, {said[k]:,} predicted")
        for k, name in enumerate(task.classes)
        if k != task.background and there[k] + said[k]
    ]
    if of_class:
        page.add(bars("Segments of each class", ("class", "F1"), of_class))
        page.note(
            "A segment is a run of steps of one class. It is found by a predicted one of its class that shares with it "
            "half or more of the steps of both together. They are not smoothed, so that a single wrong step cuts one."
        )
    if len(recordings) > 1:
        errors = {name: _error(dense, rows) for name, rows in recordings.items()}
        worst = sorted(errors, key=lambda name: -errors[name][0])[:_MOST_RECORDINGS]
        more = f", the {_MOST_RECORDINGS} worst of {len(errors)}" if len(errors) > _MOST_RECORDINGS else ""
        listed = [(name or "other samples", errors[name][0], f"{errors[name][1]:,} steps") for name in worst]
        page.add(bars(f"Steps that are wrong, by recording{more}", ("recording", "share"), listed))


def _error(dense: DenseCounts, rows: Sequence[int]) -> tuple[float, int]:
    right, true, _ = dense.sums[list(rows)].sum(axis=(0, 2))
    return float(1 - right / true), int(true)


def add_stretches(page: Page, subject: Subject, task: Segmentation, dense: DenseCounts) -> None:
    """The windows with the most wrong steps, and those that are least sure, each within its recording."""
    errors, sure = dense.sample_errors(), np.array(dense.confidences)
    legend = class_legend(task.classes, class_styles(task.classes, task.background))
    page.section("The worst mistakes")
    page.add(legend)
    worst = [int(row) for row in np.argsort(-errors, kind="stable") if errors[row] > 0]
    shown: set[int] = set()
    if worst:
        page.note(
            "The windows with the largest share of wrong steps, between dotted lines, with what lies around them."
        )
        page.add(_cards(subject, task, dense, worst, errors, sure, shown))
    else:
        page.note("There are none: the class of every step is right.")
    page.section("The least sure")
    least = [row for row in np.argsort(sure, kind="stable").tolist() if row not in shown]
    if least:
        page.note("The windows with the lowest mean probability of the classes that were predicted for their steps.")
        page.add(_cards(subject, task, dense, least, errors, sure, shown))
    else:
        page.note("All windows are shown above.")


def _cards(
    subject: Subject,
    task: Segmentation,
    dense: DenseCounts,
    order: Sequence[int],
    errors: NDArray[np.float64],
    sure: NDArray[np.float64],
    shown: set[int],
) -> str:
    """No two of the same stretch, and none that is shown already."""
    recordings = recordings_of(subject, dense)
    place = {row: (name, at) for name, rows in recordings.items() for at, row in enumerate(rows)}
    cards: list[Card] = []
    for row in order:
        if len(cards) == _CARDS:
            break
        if row in shown or dense.positions[row] < 0:
            continue
        name, at = place[row]
        rows = recordings[name]
        around = rows[max(0, at - _AROUND) : at + _AROUND + 1]
        windows = read_windows(subject.part.dataset, subject.model.tokenizer, dense, around)
        shown |= set(around)
        line = f"{errors[row]:.1%} of the steps are wrong, mean probability {number(float(sure[row]), 3)}"
        if not windows:
            cards.append(Card(dense.positions[row], (line,)))
            continue
        where = f"{name or subject.gallery.name(dense.positions[row])}, {span_of(windows)}"
        described = f"Truth and prediction of {where}: {line}"
        meant = next((window for window in windows if window.row == row), None)
        cards.append(Card(dense.positions[row], (line, where), strips(windows, task, described, meant), is_wide=True))
    return subject.gallery.cards(cards)
