"""One short film in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_plugin_video.demo import write_video
from mt_plugin_video.formats import SUFFIXES

_CODECS = {".avi": ("mjpeg", "yuvj420p"), ".mkv": ("ffv1", "yuv444p"), ".webm": ("libvpx", "yuv420p")}


def write_examples(folder: Path) -> list[Path]:
    """Twelve frames of 32 x 32 pixels a suffix, in which a square moves."""
    frames = np.full((12, 32, 32, 3), 40, np.uint8)
    for step, frame in enumerate(frames):
        frame[12:20, 2 * step : 2 * step + 8] = (220, 120, 20)
    written = []
    for suffix in SUFFIXES:
        path = folder / f"square{suffix}"
        write_video(path, frames, *_CODECS.get(suffix, ("mpeg4", "yuv420p")))
        written.append(path)
    return written
