"""Recordings whose steps have classes: when each window is, and what is to be seen of it.  P steps, C channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import ModalityDataset, PicturePanel, Tokenizer
from mt_core.data.reading import read_sample
from mt_core.errors import MtError
from mt_core.sdk import StepClock
from mt_report.dense import DenseCounts

Numbers = NDArray[np.float64]

_MICROSECONDS = 1e6


@dataclass(frozen=True)
class Spectrogram:
    """Levels of a stretch of sound.

    Attributes:
        levels: (H, W) in 0..1, high frequencies at the top.
        hz: (H + 1,) where its rows begin and end.
    """

    levels: Numbers
    hz: Numbers


@dataclass(frozen=True)
class Window:
    """A window of a recording, of which some steps are labelled.

    Attributes:
        row: Of the counts.
        times: (P, 2) when each of these steps begins and ends, as the clock counts: steps, seconds, or seconds since
            1970.
        clock: What the times count.
        truth, predicted: (P,) class indices, -1 where it is not known.
        probability: (P,) of the predicted class.
        curves: (P, C) values at these steps; None where the sample has none a step.
        channels: C names.
        spectrogram: Of these steps; None where there is none.
    """

    row: int
    times: Numbers
    clock: StepClock
    truth: NDArray[np.int16]
    predicted: NDArray[np.int16]
    probability: NDArray[np.float16]
    curves: Numbers | None = None
    channels: Sequence[str] = ()
    spectrogram: Spectrogram | None = None


def has_times(dataset: ModalityDataset, tokenizer: Tokenizer, position: int) -> bool:
    """Whether the places of a sample are steps in time."""
    try:
        return "when" in tokenizer.prepare(read_sample(tokenizer, dataset[position].sample))
    except MtError:
        return False


def read_windows(
    dataset: ModalityDataset, tokenizer: Tokenizer, dense: DenseCounts, rows: Sequence[int]
) -> list[Window]:
    """The windows of some rows that follow each other in one recording, in the order of their times; those that cannot
    be read are left out."""
    found = []
    for row in rows:
        window = _read(dataset, tokenizer, dense, row)
        if window is not None and len(window.times):
            found.append(window)
    return sorted(found, key=lambda window: float(window.times[0, 0]))


def _read(dataset: ModalityDataset, tokenizer: Tokenizer, dense: DenseCounts, row: int) -> Window | None:
    places = dense.places[row]
    if places is None or dense.positions[row] < 0:
        return None
    try:
        sample: Any = read_sample(tokenizer, dataset[dense.positions[row]].sample)
        item = tokenizer.prepare(sample)
    except MtError:
        return None
    if "when" not in item:
        return None
    clock = StepClock(int(item["recording"][1]))
    scale = 1.0 if clock is StepClock.STEPS else _MICROSECONDS
    times = item["when"].numpy().astype(np.float64) / scale
    part = getattr(sample, "part", None)
    first = part.first if part is not None else 0
    values = getattr(sample, "values", None)
    curves = spectrogram = None
    names: Sequence[str] = ()
    if isinstance(values, np.ndarray) and values.ndim == 2 and len(values) >= first + len(times):
        curves = values[first : first + len(times)][places.index].astype(np.float64)
        names = getattr(sample, "channels", ()) or tuple(f"axis {axis + 1}" for axis in range(values.shape[1]))
    else:
        spectrogram = _spectrogram(tokenizer, sample, item, first, times)
    return Window(
        row,
        times[places.index],
        clock,
        places.truth,
        places.predicted,
        places.probability,
        curves,
        names,
        spectrogram,
    )


def _spectrogram(tokenizer: Tokenizer, sample: Any, item: Any, first: int, times: Numbers) -> Spectrogram | None:
    """What the tokenizer's own panels show of these steps, where they are pictures with time along x."""
    try:
        batch = tokenizer.collate([item])
        with torch.inference_mode():
            device = next((parameter.device for parameter in tokenizer.parameters()), torch.device("cpu"))
            tokens = tokenizer({name: tensor.to(device) for name, tensor in batch.items()})
            panels = tokenizer.regions(sample, batch, tokens).panels
    except MtError:
        return None
    shown = [panel for panel in panels if isinstance(panel, PicturePanel) and panel.x == "time"]
    if not shown or len(shown) < len(panels):
        return None
    levels = np.concatenate([_grey(panel) for panel in shown], axis=1)
    starts = np.concatenate([panel.x_edges[:-1] for panel in shown])
    step = float(np.median(times[:, 1] - times[:, 0]))
    inside = (starts >= (first - 0.001) * step) & (starts < (first + len(times)) * step)
    if not inside.any():
        return None
    low, high = float(levels.min()), float(levels.max())
    return Spectrogram((levels[:, inside] - low) / ((high - low) or 1.0), np.asarray(shown[0].y_edges, np.float64))


def _grey(panel: PicturePanel) -> Numbers:
    pixels = np.asarray(panel.pixels, np.float64)
    return pixels.mean(-1) if pixels.ndim == 3 else pixels


def runs(indices: NDArray[Any]) -> list[tuple[int, int]]:
    """Where runs of equal numbers begin and end; an end is exclusive."""
    edges = [0, *(np.flatnonzero(np.diff(indices)) + 1).tolist(), len(indices)]
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]


def segment_counts(truth: NDArray[np.int16], predicted: NDArray[np.int16], num_classes: int) -> NDArray[np.int64]:
    """(3, K) of a recording the segments of each class that are found, that are there, and that are predicted. One is
    found by a predicted segment of its class where the steps of both together are at most twice those that they share.

    Source: Lea et al. 2017, Temporal Convolutional Networks for Action Segmentation, arXiv:1611.05267, section 4.
    """
    counts = np.zeros((3, num_classes), np.int64)
    there = [(begin, end) for begin, end in runs(truth) if truth[begin] >= 0]
    taken = np.zeros(len(there), bool)
    for begin, _ in there:
        counts[1, truth[begin]] += 1
    starts = np.array([begin for begin, _ in there])
    for begin, end in runs(predicted):
        number = int(predicted[begin])
        if number < 0 or not (truth[begin:end] >= 0).any():
            continue
        counts[2, number] += 1
        for at in range(max(0, int(np.searchsorted(starts, begin, side="right")) - 1), len(there)):
            low, high = there[at]
            if low >= end:
                break
            shared = min(end, high) - max(begin, low)
            if truth[low] == number and not taken[at] and 2 * shared >= max(end, high) - min(begin, low) and shared > 0:
                taken[at] = True
                counts[0, number] += 1
                break
    return counts
