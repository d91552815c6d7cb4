"""Windows of a recording whose steps have classes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class StepWindow:
    """A part of a recording, and those of its steps whose class it says. Ends are exclusive.

    Attributes:
        start, end: The steps that are looked at.
        first, last: The steps that are labelled, within them.
    """

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class StepPart:
    """Which part of a recording a sample is.

    Attributes:
        first, last: The steps of the sample that are to be labelled; the last is exclusive.
        at: The step of the recording at which it begins.
        recording: The number of the recording within its source.
    """

    first: int
    last: int
    at: int = 0
    recording: int = 0

    def window(self, window: StepWindow) -> StepPart:
        """A window of this part."""
        first, last = window.first - window.start, window.last - window.start
        return StepPart(first, last, self.at + window.start, self.recording)


def step_windows(num_steps: int, length: int) -> list[StepWindow]:
    """Windows that overlap by half, in order. Each step is labelled by one of them: the one in whose middle it lies.

    Args:
        num_steps: Of the recording.
        length: Of a window; a shorter recording is one window.
    """
    if num_steps <= length:
        return [StepWindow(0, num_steps, 0, num_steps)]
    starts = [*range(0, num_steps - length, max(1, length // 2)), num_steps - length]
    borders = [0, *((left + length + right) // 2 for left, right in pairwise(starts)), num_steps]
    return [
        StepWindow(start, start + length, first, last)
        for start, (first, last) in zip(starts, pairwise(borders), strict=True)
    ]
