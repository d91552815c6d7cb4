"""Windows of a series: what the tokenizer looks at, and what is to be forecast.

T steps, C channels, L steps of a window with its padding, N patches, P steps of a patch, H steps of a forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import StepPart, StepWindow
from mt_plugin_timeseries.series import Series

_FLAT = 1e-5  # of the mean's size: a window whose values differ by less, in float32, is a constant one
_SMALLEST = 1e-8


class Windows(Sequence[Series]):
    """The windows of a series, cut out when they are asked for.

    Args:
        series: The whole.
        starts: The step at which each window begins.
        lookback: Steps of a window.
    """

    def __init__(self, series: Series, starts: NDArray[np.int64], lookback: int) -> None:
        self.series, self.starts, self.lookback = series, starts, lookback

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Series:  # type: ignore[override]
        start = int(self.starts[index])
        end = start + self.lookback
        whole = self.series
        times = None if whole.times is None else whole.times[start:end]
        return Series(whole.values[start:end], whole.channels, times, f"{whole.name}, steps {start} to {end - 1}")


class GroupWindows(Windows):
    """The windows of several series, none of which reaches from one into another.

    Args:
        parts: The series, of the same channels.
        starts: The step at which each window begins, counted through all of them (`joined`).
        lookback: Steps of a window.
    """

    def __init__(self, parts: Sequence[Series], starts: NDArray[np.int64], lookback: int) -> None:
        super().__init__(joined(parts), starts, lookback)
        self.names = [part.name for part in parts]
        self.offsets = np.cumsum([0, *(len(part) for part in parts)])

    def series_of(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """In which series each step lies."""
        return np.asarray(np.searchsorted(self.offsets, starts, side="right") - 1)

    def __getitem__(self, index: int) -> Series:  # type: ignore[override]
        window = super().__getitem__(index)
        at = int(self.series_of(self.starts[index]))
        first = int(self.starts[index] - self.offsets[at])
        return replace(window, name=f"{self.names[at]}, steps {first} to {first + self.lookback - 1}")


def joined(parts: Sequence[Series]) -> Series:
    """The series one after another, as one; times only where all have them."""
    first = parts[0]
    all_times = [part.times for part in parts if part.times is not None]
    times = np.concatenate(all_times) if len(all_times) == len(parts) else None
    return Series(np.concatenate([part.values for part in parts]), first.channels, times, first.name)


class Forecasts(Sequence[NDArray[np.float32]]):
    """The (H, C) values that follow each window, cut out when they are asked for."""

    def __init__(self, values: NDArray[np.float32], starts: NDArray[np.int64], horizon: int) -> None:
        self.values, self.starts, self.horizon = values, starts, horizon

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> NDArray[np.float32]:  # type: ignore[override]
        start = int(self.starts[index])
        return self.values[start : start + self.horizon]


def full_windows(values: NDArray[np.float32], starts: NDArray[np.int64], lookback: int) -> NDArray[np.int64]:
    """Those of the windows in which every channel has a value."""
    if not np.isnan(values).any():
        return starts
    known = np.concatenate([np.zeros((1, values.shape[1]), np.int64), (~np.isnan(values)).cumsum(0)])
    kept: NDArray[np.int64] = starts[(known[starts + lookback] > known[starts]).all(1)]
    return kept


def interpolate(window: Series) -> NDArray[np.float64]:
    """(T, C) the values with missing ones on the line between their neighbours in time; at the ends, the nearest.

    Raises:
        InputError: a channel without any value.
    """
    values = window.values.astype(np.float64)
    missing = np.isnan(values)
    steps = np.arange(len(values))
    for channel in np.flatnonzero(missing.any(0)):
        gaps = missing[:, channel]
        if gaps.all():
            raise InputError(
                f"{window.name}: channel {window.channels[channel]!r} has no value in the last {len(values)} steps",
                fix="leave the channel out, or give a series that ends where all channels have values",
            )
        values[gaps, channel] = np.interp(steps[gaps], steps[~gaps], values[~gaps, channel])
    return values


def filled(series: Series) -> Series:
    """The series with missing values on the line between their neighbours in time.

    Raises:
        InputError: a channel without any value.
    """
    if not np.isnan(series.values).any():
        return series
    return replace(series, values=interpolate(series).astype(np.float32))


def part_of(series: Series, start: int, end: int) -> Series:
    """Some steps of a series, all of which are to be labelled."""
    times = None if series.times is None else series.times[start:end]
    return replace(series, values=series.values[start:end], times=times, part=StepPart(0, end - start, start))


def window_of(series: Series, window: StepWindow) -> Series:
    """A window of a series, with the steps that are to be labelled."""
    part = (series.part or StepPart(0, len(series))).window(window)
    name = f"{series.name}, steps {part.at} to {part.at + window.end - window.start - 1}"
    return replace(part_of(series, window.start, window.end), name=name, part=part)


def normalise(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """(T, C) values on the window's own scale, and the mean and scale (C,) of each channel.

    The scale is the population's standard deviation. It is above zero for a constant channel too, and so small there
    that mean + scale * anything is that constant.

    Source: Kim et al. 2022 (RevIN), ICLR, equations 1 and 2, without their learned affine map.
    """
    mean = values.mean(0)
    scale = np.maximum(np.maximum(values.std(0), _FLAT * np.abs(mean)), _SMALLEST)
    return ((values - mean) / scale).astype(np.float32), mean.astype(np.float32), scale.astype(np.float32)


def num_patches(steps: int, patch: int, stride: int) -> int:
    """Patches over so many steps and `stride` more behind them; the first may reach before the window."""
    return -(-max(0, steps + stride - patch) // stride) + 1


def pad(values: NDArray[np.float32], patch: int, stride: int) -> NDArray[np.float32]:
    """(L, C) values that fill their patches: the newest `stride` times more, as in PatchTST, and the oldest as often as
    the first patch lacks, so that patches are counted from the end.

    Source: Nie et al. 2023 (PatchTST), arXiv:2211.14730, section 3.1.
    """
    length = patch + (num_patches(len(values), patch, stride) - 1) * stride
    return np.pad(values, ((length - len(values) - stride, stride), (0, 0)), mode="edge")


def patch_centres(patches: int, patch: int, stride: int) -> NDArray[np.float64]:
    """(N,) where the middle of each patch lies, in steps after the newest value: most are negative."""
    return stride - (patch - 1) / 2 - stride * np.arange(patches - 1, -1, -1, dtype=np.float64)
