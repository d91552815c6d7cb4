"""A series: what the readers give and the tokenizer takes.  T steps, C channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import StepPart

MAX_VALUES = 1 << 26
"""Steps times channels of one series: a quarter of a gigabyte."""


@dataclass(frozen=True, eq=False)
class Series:
    """Values of one or many channels at steps that follow each other.

    Attributes:
        values: (T, C) float32 in the channels' own units, NaN where one is missing.
        channels: C names.
        times: (T,) int64 microseconds since 1970, in order; None where they are not known.
        name: How the series is called in messages: its file.
        part: Of a window whose steps have classes: which they are, and where it lies.
    """

    values: NDArray[np.float32]
    channels: tuple[str, ...]
    times: NDArray[np.int64] | None = None
    name: str = "the series"
    part: StepPart | None = None

    @property
    def filename(self) -> str:
        """What `mt_core.contract.name_of` calls it."""
        return self.name

    def __len__(self) -> int:
        return len(self.values)

    def last(self, steps: int) -> Series:
        """The newest steps, or all where there are fewer; nothing is copied."""
        times = None if self.times is None else self.times[-steps:]
        return replace(self, values=self.values[-steps:], times=times)

    def of(self, channels: Sequence[str]) -> Series:
        """These channels, in this order; where nobody named the ones or the others (of arrays), by their places.

        Raises:
            InputError: one is not there.
        """
        channels = tuple(channels)
        if channels == self.channels:
            return self
        if len(channels) == len(self.channels) and default_names(len(channels)) in (channels, self.channels):
            return replace(self, channels=channels)
        lacking = [name for name in channels if name not in self.channels]
        if lacking:
            raise InputError(
                f"{self.name} has no channel {', '.join(map(repr, lacking[:5]))}; it has "
                + ", ".join(map(repr, self.channels[:20])),
                fix="give a series with these channels, or choose others by the option columns",
            )
        places = [self.channels.index(name) for name in channels]
        return replace(self, values=self.values[:, places], channels=channels)


def default_names(count: int) -> tuple[str, ...]:
    """Names of channels that came without."""
    return tuple(f"channel_{number}" for number in range(1, count + 1))


def check_size(steps: int, channels: int, name: str) -> None:
    """Refuse a series before memory for it is taken.

    Raises:
        InputError: no value at all, or too many.
    """
    if steps < 1 or channels < 1:
        raise InputError(
            f"{name} has no values ({steps} steps of {channels} channels)",
            fix="give a row of numbers for each step",
        )
    if steps * channels > MAX_VALUES:
        raise InputError(
            f"{name} has {steps:,} steps of {channels:,} channels, more than {MAX_VALUES:,} values",
            fix="cut it into shorter series, or choose channels",
        )


def check_finite(values: NDArray[np.float32], channels: Sequence[str], name: str) -> None:
    """Refuse infinite values; those that are missing are NaN.

    Raises:
        InputError: with the first of them.
    """
    infinite = np.isinf(values)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise InputError(
            f"{name}, row {row + 1}: channel {channels[column]!r} is infinite",
            fix="leave the cell empty where the value is not known; empty cells are interpolated",
        )


def make_series(
    values: NDArray[Any],
    name: str,
    channels: Sequence[str] | None = None,
    times: NDArray[np.int64] | None = None,
) -> Series:
    """A series of an array (T,) or (T, C), checked.

    Raises:
        InputError: another shape, no numbers, infinite values, or a channel without any value.
    """
    if values.ndim not in (1, 2):
        raise InputError(
            f"{name} has {values.ndim} axes {values.shape}, a series has (steps,) or (steps, channels)",
            fix="give each series by itself, steps first",
        )
    if values.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {values.dtype}, which are no numbers", fix="give real numbers")
    values = values[:, None] if values.ndim == 1 else values
    check_size(len(values), values.shape[1], name)
    channels = tuple(channels) if channels is not None else default_names(values.shape[1])
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and reported as such
        numbers = np.ascontiguousarray(values, dtype=np.float32)
    check_finite(numbers, channels, name)
    without = np.flatnonzero(np.isnan(numbers).all(0))
    if len(without):
        raise InputError(
            f"{name}: channel {channels[without[0]]!r} has no value in any of {len(numbers):,} steps",
            fix="leave it out by the option columns, which names those to keep",
        )
    return Series(numbers, channels, times, name)
