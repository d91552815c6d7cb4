"""One short recording in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_plugin_audio.reading import SUFFIXES

_RATE_HZ = 16_000
_ENCODINGS = {
    ".oga": ("OGG", "VORBIS"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", None),
    ".aif": ("AIFF", None),
}


def write_examples(folder: Path) -> list[Path]:
    """Half a second of a rising tone a suffix, 16 kHz, one channel."""
    import soundfile  # type: ignore[import-untyped,unused-ignore]

    seconds = np.arange(_RATE_HZ // 2) / _RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * (400 + 600 * seconds) * seconds)
    written = []
    for suffix in SUFFIXES:
        path = folder / f"tone{suffix}"
        container, encoding = _ENCODINGS.get(suffix, (None, None))
        soundfile.write(path, tone, _RATE_HZ, format=container, subtype=encoding)
        written.append(path)
    return written
