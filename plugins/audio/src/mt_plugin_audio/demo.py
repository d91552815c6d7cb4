"""Sounds made for a demonstration, written as files of several formats and rates.  T samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import SPLITS
from mt_core.sdk import Listing, chosen_splits, temporary_folder

Signal = NDArray[np.float64]

_RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100)

_FILES = ((".wav", "PCM_U8"), (".wav", "PCM_16"), (".wav", "PCM_24"), (".flac", "PCM_16"), (".ogg", "VORBIS"))
"""Suffix and libsndfile's name of the encoding."""


def _tone(draw: np.random.Generator, seconds: Signal) -> Signal:
    """One pitch, with an overtone."""
    pitch = _pitch(draw)
    return _sine(pitch * seconds) + 0.3 * _sine(2 * pitch * seconds)


def _chirp(draw: np.random.Generator, seconds: Signal) -> Signal:
    """A pitch that rises or falls by an octave or two."""
    first, octaves = _pitch(draw), draw.uniform(1, 2) * draw.choice([-1, 1])
    rise = octaves * np.log(2) / seconds[-1]
    return _sine(first * np.expm1(rise * seconds) / rise)


def _trill(draw: np.random.Generator, seconds: Signal) -> Signal:
    """Two pitches in turn, 8 to 14 times a second."""
    low, ratio, turns = _pitch(draw), draw.uniform(1.3, 1.7), draw.uniform(8, 14)
    pitch = np.where(turns * seconds % 1 < 0.5, low, low * ratio)
    return _sine(np.cumsum(pitch) * seconds[1])


def _bursts(draw: np.random.Generator, seconds: Signal) -> Signal:
    """Noise that comes and goes, 4 to 8 times a second."""
    gate = draw.uniform(4, 8) * seconds % 1 < 0.4
    return draw.normal(scale=0.4, size=len(seconds)) * gate


SOUNDS: dict[str, Callable[[np.random.Generator, Signal], Signal]] = {
    "bursts": _bursts,
    "chirp": _chirp,
    "tone": _tone,
    "trill": _trill,
}


def sounds(split: str, size: int, seed: int) -> Listing:
    """Files of 0.3 to 0.8 s, in a folder that lives as long as this process."""
    parts = chosen_splits(split, SPLITS[:3], Path("demo"))
    folder, classes = temporary_folder("audio"), tuple(SOUNDS)
    samples, labels = [], []
    for position in range(size):
        part, number = parts[position % len(parts)], position // len(parts)
        label = classes[number % len(classes)]
        draw = np.random.default_rng([seed, SPLITS.index(part), number])
        samples.append(str(_written(folder / f"{label}_{part}_{number:04d}", label, draw)))
        labels.append(label)
    return Listing(samples, labels, classes, "demo")


def _written(stem: Path, label: str, draw: np.random.Generator) -> Path:
    import soundfile  # type: ignore[import-untyped,unused-ignore]

    rate_hz = int(draw.choice(_RATES_HZ))
    suffix, encoding = _FILES[draw.integers(len(_FILES))]
    seconds = np.arange(int(rate_hz * draw.uniform(0.3, 0.8))) / rate_hz
    signal = SOUNDS[label](draw, seconds) * draw.uniform(0.1, 0.5)
    signal += draw.normal(scale=0.002, size=len(signal))
    channels = np.stack([signal] * int(draw.integers(1, 3)), axis=1)
    path = stem.with_name(stem.name + suffix)
    soundfile.write(path, np.clip(channels, -1, 1), rate_hz, subtype=encoding)
    return path


def _pitch(draw: np.random.Generator) -> float:
    """300 to 900 Hz, evenly in octaves, so that four times of it is within the lowest rate."""
    return float(300 * 3 ** draw.random())


def _sine(turns: Signal) -> Signal:
    return np.asarray(np.sin(2 * np.pi * turns))
