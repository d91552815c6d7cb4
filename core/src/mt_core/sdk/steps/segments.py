"""Predictions of steps as segments: from when to when, which class, how probable.  P steps of a window, K classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import Segmentation

_MICROSECONDS = 1e6


class StepClock(IntEnum):
    """What the times of steps count."""

    STEPS = 0
    SECONDS = 1  # since the beginning of the recording, in microseconds
    DATES = 2  # microseconds since 1970


def when(
    starts_P: NDArray[np.int64], ends_P: NDArray[np.int64], clock: StepClock, recording: int = 0
) -> dict[str, Tensor]:
    """What a tokenizer's `prepare` adds for the steps of a window, so that predictions tell when.

    Args:
        starts_P, ends_P: When each step begins and ends, as the clock counts.
        recording: Its number within the source.

    Returns:
        when (P, 2) and recording (2,), int64.
    """
    times_P2 = np.stack([starts_P, ends_P], axis=1).astype(np.int64)
    return {"when": torch.from_numpy(times_P2), "recording": torch.tensor([recording, int(clock)])}


@dataclass(frozen=True)
class StepAnswer:
    """What a head says of the steps of one window.

    Attributes:
        classes: (P,) the likeliest.
        probabilities: (P,) of that class.
        times: (P, 2) when each step begins and ends.
        clock: What they count.
        recording: The number of the recording within its source.
    """

    classes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    times: NDArray[np.int64]
    clock: StepClock
    recording: int


def step_answers(output: Tensor, items: Sequence[Mapping[str, Tensor]]) -> list[StepAnswer]:
    """Of (B, P, K) logits, NaN behind the steps of a window that has fewer, and the windows' prepared tensors."""
    answers = []
    for logits_PK, item in zip(output.float().cpu(), items, strict=True):
        scores_P, classes_P = logits_PK[: len(item["when"])].softmax(-1).max(-1)
        recording, clock = item["recording"].tolist()
        times_P2 = item["when"].cpu().numpy()
        answers.append(StepAnswer(classes_P.numpy(), scores_P.numpy(), times_P2, StepClock(clock), recording))
    return answers


def segments_of(windows: Sequence[StepAnswer], task: Segmentation) -> list[dict[str, Any]]:
    """Runs of steps of one class in a recording: `start` and `end`, `class`, `probability` (the mean over its steps).

    Times are dates as ISO 8601, seconds since the beginning, or numbers of steps, of which the first is 0; an end is
    where the next step begins. The task's `background` is left out.
    """
    classes_T = np.concatenate([window.classes for window in windows])
    probabilities_T = np.concatenate([window.probabilities for window in windows])
    times_T2 = np.concatenate([window.times for window in windows])
    clock = windows[0].clock
    begins = np.concatenate([[0], np.flatnonzero(np.diff(classes_T)) + 1])
    segments = []
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(classes_T)], strict=True):
        if classes_T[begin] == task.background:
            continue
        segments.append(
            {
                "start": _shown(int(times_T2[begin, 0]), clock),
                "end": _shown(int(times_T2[end - 1, 1]), clock),
                "class": task.classes[classes_T[begin]],
                "probability": round(float(probabilities_T[begin:end].mean()), 4),
            }
        )
    return segments


def joined_segments(records: Iterable[dict[str, Any]], task: Segmentation) -> Iterator[dict[str, Any]]:
    """One record a recording, of those of its windows, which follow each other; others stay as they are.

    Args:
        records: With a `StepAnswer` as "steps" where they are of windows, and the number of their source as "of".

    Yields:
        `source`; `row`, the number of the recording within it; and what `said_of` gives.
    """
    for (_, number), group in groupby(records, key=lambda record: (record["of"], record["steps"].recording)):
        windows = list(group)
        answers = [window["steps"] for window in windows]
        yield {"source": windows[0]["source"], "row": number, **said_of(answers, task)}


def said_of(windows: Sequence[StepAnswer], task: Segmentation) -> dict[str, Any]:
    """`prediction` (see `segments_of`) and `time`, the unit of its times: "date", "s" or "step"."""
    time = {StepClock.STEPS: "step", StepClock.SECONDS: "s", StepClock.DATES: "date"}[windows[0].clock]
    return {"prediction": segments_of(windows, task), "time": time}


def format_segments(segments: Sequence[Mapping[str, Any]], task: Segmentation, most: int = 6) -> str:
    """The first segments in a line, for people."""
    if not segments:
        return "nothing" if task.background is None else task.classes[task.background]
    told = [f"{each['class']} {each['start']} to {each['end']} ({each['probability']:.2f})" for each in segments[:most]]
    return ", ".join(told) + (f" and {len(segments) - most} more" if len(segments) > most else "")


def _shown(time: int, clock: StepClock) -> Any:
    if clock is StepClock.STEPS:
        return time
    if clock is StepClock.SECONDS:
        return time / _MICROSECONDS
    unit = "s" if time % 1_000_000 == 0 else "us"
    return str(np.datetime64(time, "us").astype(f"M8[{unit}]")).replace("T", " ")
