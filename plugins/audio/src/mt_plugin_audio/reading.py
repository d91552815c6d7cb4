"""Files and arrays of sound to one channel at 16 kHz.  T samples, C channels."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import as_array, declared_suffixes, left_out, reinterpreted
from mt_plugin_audio.waveform import RATE_HZ, Excerpt, Samples, Waveform

SUFFIXES = declared_suffixes("mt_plugin_audio")

LONGEST_S = 24 * 3600.0
"""Of a recording that is read as a whole."""

_AROUND_S = 1  # of a window, so that resampling does not see its edges
_LOUDEST = 2.0**31  # floats that hold the numbers of 32-bit PCM, not scaled; the energies of much more are infinite
_CERTAINLY_INTEGERS = 128.0  # the loudest sample of floats, where 1 is full scale
_HOW = 'pass (array, rate) or {"array": array, "sampling_rate": rate}, in a list where there is one'
_FULL_SCALE = {"int8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}


def read_recording(source: Any, max_seconds: float) -> Waveform:
    """One recording: its channels averaged, at 16 kHz, its first `max_seconds`.

    Args:
        source: A path, the bytes of a file, an array with its rate in Hz as (array, rate) or as a mapping of `array`
            and `sampling_rate`, or a `Waveform`. Arrays are numpy's or torch's, (T,), (T, C) or (C, T): the shorter
            axis is that of the channels. Integers are PCM and scaled by what their type can hold; of floats 1 is full
            scale. An `Excerpt` is read as it is.

    Warns:
        DataWarning: a recording is longer than `max_seconds`; see also `decoding.decode`.

    Raises:
        InputError: no recording, damaged, empty, without a rate, NaN or infinite, or out of limits.
    """
    if isinstance(source, Excerpt):
        return _read_excerpt(source)
    name = name_of(source)
    if isinstance(source, Waveform):
        _check(source.samples, name)
        return source
    with reading(source, formats=" ".join(SUFFIXES)):
        samples, rate, seconds = _samples_of(source, name, max_seconds)
        _check(samples, name)
        resampled = _resampled(_at_full_scale(samples, name), rate)
    if seconds > max_seconds:
        left_out(name, f"what comes after the first {max_seconds:g} s (option max_seconds)")
    return Waveform(resampled)


def _read_excerpt(excerpt: Excerpt) -> Waveform:
    """The window of a recording, resampled with some of what lies around it."""
    from mt_plugin_audio.decoding import holds_floats

    with reading(excerpt.path, formats=" ".join(SUFFIXES)):
        before_s = max(0, int(excerpt.start_s) - _AROUND_S)
        # whether floats hold the numbers of integers is decided by all that is heard up to the window
        decoded_s = 0 if holds_floats(excerpt.path) else before_s
        samples, rate, _ = _samples_of(excerpt.path, excerpt.path, excerpt.end_s + _AROUND_S, decoded_s)
        if not len(samples):
            raise InputError(
                f"{excerpt.path} ends before {excerpt.start_s:g} s, where a window of it begins",
                fix="check that the recording is the one that the events are of",
            )
        _check(samples, excerpt.path)
        samples = _at_full_scale(samples, excerpt.path)[(before_s - decoded_s) * int(rate) :]
        resampled = _resampled(samples, rate)
    first, end = (round((second - before_s) * RATE_HZ) for second in (excerpt.start_s, excerpt.end_s))
    first = min(first, len(resampled) - 1)
    return Waveform(resampled[first : max(first + 1, end)], excerpt.part)


def _samples_of(source: Any, name: str, max_seconds: float, start_s: int = 0) -> tuple[Samples, float, float]:
    """Samples of the mean channel, their rate in Hz, and the seconds that the whole recording has.

    Args: start_s: Where the samples of a file begin.
    """
    if isinstance(source, str | Path | bytes):
        from mt_plugin_audio.decoding import decode

        with BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
            return decode(file, name, max_seconds, start_s)
    array, rate = _array_and_rate(source, name)
    from mt_plugin_audio.decoding import check_rate

    check_rate(rate, name)
    values_TC = _as_columns(array, name)
    seconds = len(values_TC) / rate
    return _scaled(values_TC[: int(np.ceil(max_seconds * rate))], name), rate, seconds


def _array_and_rate(source: Any, name: str) -> tuple[NDArray[Any], float]:
    if isinstance(source, Mapping) and {"array", "sampling_rate"} <= source.keys():
        array, rate = source["array"], source["sampling_rate"]
    elif isinstance(source, tuple) and len(source) == 2:
        array, rate = source
    elif isinstance(source, np.ndarray | torch.Tensor):
        raise InputError(f"{name} has no rate", fix=_HOW)
    else:
        raise InputError(f"{name} is no recording", fix=f"pass a path or the bytes of a file, or {_HOW}")
    if isinstance(array, torch.Tensor):
        array = as_array(array)
    if isinstance(rate, torch.Tensor | np.ndarray) and rate.ndim == 0:
        rate = rate.item()
    if not isinstance(array, np.ndarray) or not isinstance(rate, Real):
        raise InputError(
            f"{name} holds {type(array).__name__} and {type(rate).__name__}, not an array and a rate", fix=_HOW
        )
    return array, float(rate)


def _as_columns(array: NDArray[Any], name: str) -> NDArray[Any]:
    """(T, C) with more samples than channels."""
    from mt_plugin_audio.decoding import MAX_CHANNELS

    if array.ndim == 1:
        array = array[:, None]
    elif array.ndim == 2 and array.shape[0] < array.shape[1]:
        array = array.T
    if array.ndim != 2 or array.shape[1] > MAX_CHANNELS:
        raise InputError(
            f"{name} is no recording: the array is {array.shape}",
            fix=f"pass samples (T,), or (T, C) or (C, T) with at most {MAX_CHANNELS} channels",
        )
    return array


def _scaled(values_TC: NDArray[Any], name: str) -> Samples:
    """(T,) the mean channel; integers as parts of full scale."""
    kind = values_TC.dtype
    if values_TC.shape[1] == 0:
        return np.zeros(0, np.float32)
    if np.issubdtype(kind, np.floating):
        with np.errstate(over="ignore", invalid="ignore"):  # too large and infinite values are told of below
            return np.asarray(values_TC.mean(1, dtype=np.float64), np.float32)
    if kind == np.uint8:
        return np.asarray((values_TC.mean(1, dtype=np.float64) - 128) / 128, np.float32)
    if kind.name in _FULL_SCALE:
        return np.asarray(values_TC.mean(1, dtype=np.float64) / _FULL_SCALE[kind.name], np.float32)
    raise InputError(
        f"{name} holds {kind} values, whose full scale is not known",
        fix="convert to floats from -1 to 1, or to int16",
    )


def _check(samples: Samples, name: str) -> None:
    if not len(samples):
        raise InputError(f"{name} has no samples", fix="remove it, or record it again")
    loudest = float(np.abs(samples).max())
    if not np.isfinite(loudest):
        raise InputError(f"{name} has NaN or infinite samples", fix="replace them, for instance by numpy.nan_to_num")
    if loudest > _LOUDEST:
        raise InputError(f"{name} has samples of {loudest:.3g}, where 1 is full scale", fix="scale them to -1..1")


def _at_full_scale(samples: Samples, name: str) -> Samples:
    """Floats that hold the numbers of integers, as of a conversion without a division, as parts of full scale."""
    loudest = float(np.abs(samples).max())
    if loudest < _CERTAINLY_INTEGERS:
        return samples
    bits = next((bits for bits in (16, 24) if loudest <= 2.0 ** (bits - 1)), 32)
    reinterpreted(name, f"floats far beyond 1 taken for integers of {bits} bits")
    return np.asarray(samples / 2.0 ** (bits - 1), np.float32)


def _resampled(samples: Samples, rate_hz: float) -> Samples:
    """At 16 kHz, band-limited; at least one sample."""
    if rate_hz == RATE_HZ:
        return samples
    import soxr  # type: ignore[import-untyped,unused-ignore]

    resampled: Samples = soxr.resample(samples, rate_hz, RATE_HZ)
    return resampled if len(resampled) else samples[:1]
