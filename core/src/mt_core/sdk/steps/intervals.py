"""From when to when something was the case, and which steps those are.  T steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError


@dataclass(frozen=True)
class Interval:
    """An event.

    Attributes:
        start, end: In seconds, or in microseconds since 1970.
        label: What was the case.
        where: Which file and line says so, for messages.
    """

    start: float
    end: float
    label: str
    where: str


def check_intervals(
    intervals: Sequence[Interval], begin: float, end: float, name: str, show: Callable[[float], str]
) -> list[Interval]:
    """The intervals of one recording in the order of their starts.

    Args:
        begin, end: Of the recording; an event may last to its end.
        name: How the recording is called in messages.
        show: A time for messages.

    Raises:
        DatasetError: an event that ends before it starts or has no length, or is not within the recording; or events
            of different classes at one time.
    """
    ordered = sorted(intervals, key=lambda each: (each.start, each.end))
    for each in ordered:
        said = f"{each.label} from {show(each.start)} to {show(each.end)}"
        if each.start == each.end:
            raise DatasetError(
                f"{each.where}: {each.label} at {show(each.start)} has no length: it starts and ends there",
                fix="give it an end after its start, or leave it out; in Audacity a label of a selection has both",
            )
        if not each.start < each.end:
            raise DatasetError(f"{each.where}: {said} ends before it starts", fix="correct the times")
        if each.start < begin or each.end > end:
            raise DatasetError(
                f"{each.where}: {said} is not within {name}, which lasts from {show(begin)} to {show(end)}",
                fix="correct the times, or check that the recording is complete",
            )
    latest: Interval | None = None
    for each in ordered:
        if latest is not None and each.start < latest.end and each.label != latest.label:
            raise DatasetError(
                f"{name}: {latest.label} ({show(latest.start)} to {show(latest.end)}, {latest.where}) and {each.label} "
                f"({show(each.start)} to {show(each.end)}, {each.where}) overlap, and a step has one class",
                fix="keep one of them, cut them apart, or give such times a class of their own (for instance "
                f"{latest.label}+{each.label}); or train a run for some of the classes, on a list with these alone",
            )
        latest = each if latest is None or each.end > latest.end else latest
    return ordered


def classes_at(
    times_T: NDArray[np.float64], intervals: Sequence[Interval], classes: Sequence[str]
) -> NDArray[np.int64]:
    """(T,) the index of the class at each time, 0 where there is no event; an event holds from its start until before
    its end.

    Args:
        classes: The first is that of no event.
    """
    index_of = {name: index for index, name in enumerate(classes)}
    labels_T = np.zeros(len(times_T), np.int64)
    for each in intervals:
        labels_T[(times_T >= each.start) & (times_T < each.end)] = index_of[each.label]
    return labels_T
