"""Sounds that need no download, written as files of several formats and rates.  T samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import Listing, demo_files
from mt_plugin_audio.reading import SUFFIXES
from mt_plugin_audio.waveform import RATE_HZ

Signal = NDArray[np.float64]

_RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100)

_FILES = ((".wav", "PCM_U8"), (".wav", "PCM_16"), (".wav", "PCM_24"), (".flac", "PCM_16"), (".ogg", "VORBIS"))
"""Of the demonstration: suffix and libsndfile's name of the encoding."""

_CONTAINERS = {
    ".oga": ("OGG", "VORBIS"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3",),
    ".aif": ("AIFF",),
}
"""Of the examples, where the suffix alone does not say it."""


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
    """`size` files a split, of 0.3 to 0.8 s, that vanish with the process."""
    return demo_files("audio", split, size, seed, tuple(SOUNDS), _write_sound)


def write_examples(folder: Path) -> list[Path]:
    """Half a second of a rising tone a suffix, 16 kHz, one channel."""
    seconds = np.arange(RATE_HZ // 2) / RATE_HZ
    tone = 0.3 * _sine((400 + 600 * seconds) * seconds)
    return [_write(folder / f"tone{suffix}", tone, RATE_HZ, *_CONTAINERS.get(suffix, ())) for suffix in SUFFIXES]


def _write_sound(stem: Path, label: str, turn: int, draw: np.random.Generator) -> Path:
    rate_hz = int(draw.choice(_RATES_HZ))
    suffix, encoding = _FILES[draw.integers(len(_FILES))]
    seconds = np.arange(int(rate_hz * draw.uniform(0.3, 0.8))) / rate_hz
    signal = SOUNDS[label](draw, seconds) * draw.uniform(0.1, 0.5)
    signal += draw.normal(scale=0.002, size=len(signal))
    channels = np.stack([signal] * int(draw.integers(1, 3)), axis=1)
    return _write(stem.with_suffix(suffix), np.clip(channels, -1, 1), rate_hz, None, encoding)


def _write(path: Path, signal: Signal, rate_hz: int, container: str | None = None, encoding: str | None = None) -> Path:
    import soundfile  # type: ignore[import-untyped,unused-ignore]

    soundfile.write(path, signal, rate_hz, format=container, subtype=encoding)
    return path


def _pitch(draw: np.random.Generator) -> float:
    """300 to 900 Hz, evenly in octaves, so that four times of it is within the lowest rate."""
    return float(300 * 3 ** draw.random())


def _sine(turns: Signal) -> Signal:
    return np.asarray(np.sin(2 * np.pi * turns))
