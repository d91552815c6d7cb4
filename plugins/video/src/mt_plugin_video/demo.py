"""Videos that need no download: shapes whose class is how they move, and not their kind or colour; and an example of
every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mt_core.sdk import Listing, demo_files
from mt_plugin_video.reading import SUFFIXES
from mt_plugin_video.sampling import Pixels

_CLASSES = ("down", "grow", "left", "right", "shrink", "up")

_SIDE = 32

_STEP = 1.6
"""Pixels a frame."""

_SUFFIXES = (".mp4", ".avi", ".mkv")

_CODECS = {".avi": ("mjpeg", "yuvj420p"), ".mkv": ("ffv1", "yuv444p"), ".webm": ("libvpx", "yuv420p")}
"""Codec and pixel format of a container, where they are not MPEG-4's."""


def moving_shapes(split: str, size: int, seed: int) -> Listing:
    """Videos of 8 to 12 frames of 32 x 32 pixels, written as .mp4, .avi and .mkv files that vanish with the process."""
    return demo_files("video", split, size, seed, _CLASSES, _write)


def _write(stem: Path, label: str, turn: int, random: np.random.Generator) -> Path:
    path = stem.with_suffix(_SUFFIXES[turn % len(_SUFFIXES)])
    _write_video(path, _drawn(label, random))
    return path


def write_examples(folder: Path) -> list[Path]:
    """Twelve frames of 32 x 32 pixels a suffix, in which a square moves."""
    frames = np.full((12, 32, 32, 3), 40, np.uint8)
    for step, frame in enumerate(frames):
        frame[12:20, 2 * step : 2 * step + 8] = (220, 120, 20)
    written = [folder / f"square{suffix}" for suffix in SUFFIXES]
    for path in written:
        _write_video(path, frames)
    return written


def _write_video(path: Path, frames: Pixels) -> None:
    """(T, H, W, 3) at 25 frames a second, in the container that the suffix says."""
    import av
    from av.video.stream import VideoStream

    codec, pixel_format = _CODECS.get(path.suffix, ("mpeg4", "yuv420p"))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixel_format
        stream.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _drawn(label: str, random: np.random.Generator) -> Pixels:
    num_frames = int(random.integers(8, 13))
    ground, colour = random.integers(0, 256, (2, 3))
    while abs(ground - colour).sum() < 200:
        colour = random.integers(0, 256, 3)
    noise = random.normal(0, 6, (_SIDE, _SIDE, 3))
    still = np.clip(ground + noise, 0, 255).astype(np.uint8)
    across, down = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}.get(label, (0, 0))
    growth = {"grow": 1, "shrink": -1}.get(label, 0)
    middle = random.uniform(13, 19, 2)
    half = random.uniform(4, 7)
    is_round = bool(random.integers(2))
    frames = []
    for since_middle in np.arange(num_frames) - (num_frames - 1) / 2:
        x, y = middle + np.array([across, down]) * _STEP * since_middle
        reach = max(1.0, half + growth * _STEP / 2 * since_middle)
        picture = Image.fromarray(still)
        draw = ImageDraw.Draw(picture)
        (draw.ellipse if is_round else draw.rectangle)(
            (x - reach, y - reach, x + reach, y + reach), fill=(int(colour[0]), int(colour[1]), int(colour[2]))
        )
        frames.append(np.asarray(picture))
    return np.stack(frames)
