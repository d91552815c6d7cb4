"""A folder of numbered pictures as one video, as many public data sets ship theirs."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_plugin_video.formats import FRAME_FORMATS, FRAME_SUFFIXES
from mt_plugin_video.reading.decoding import MAX_FRAMES, MAX_PIXELS, reduced_size
from mt_plugin_video.sampling import Pixels, Plan, Video

RATE_HZ = 25.0
"""Frames per second of a folder or an array, which do not tell it."""

_NUMBERS = re.compile(r"(\d+)")


def read_folder(folder: Path, needed: int, plan: Plan) -> Video:
    """The pictures of a folder that a plan asks for, in the order of the numbers in their names.

    Raises:
        InputError: no picture in it, one that cannot be read, sizes that differ.
    """
    names = [path for path in folder.iterdir() if path.suffix.lower() in FRAME_SUFFIXES and path.name[0] != "."]
    if not names or len(names) > MAX_FRAMES:
        raise InputError(
            f"the folder {folder} holds {len(names) or 'no'} pictures, and is no video",
            fix=f"name a folder whose pictures ({' '.join(FRAME_SUFFIXES)}) are the frames of one video",
        )
    names.sort(key=lambda path: [int(part) if part.isdigit() else part for part in _NUMBERS.split(path.name)])
    duration_s = len(names) / RATE_HZ
    wanted = np.unique(np.clip((plan(duration_s) * RATE_HZ).astype(int), 0, len(names) - 1))
    frames = [_read_frame(names[at], needed) for at in wanted]
    for frame, at in zip(frames, wanted, strict=True):
        if frame.shape != frames[0].shape:
            raise InputError(
                f"{names[at]} is not as large as {names[wanted[0]]}, a frame of the same video",
                fix="keep the frames of one video in a folder, all of one size",
            )
    return Video(np.stack(frames), wanted / RATE_HZ, duration_s)


def _read_frame(path: Path, needed: int) -> Pixels:
    # sizes are checked here, at one limit, wherever Pillow would begin to warn
    unwarned = warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning)
    too_large = InputError(f"{path} has more than {MAX_PIXELS / 1e6:.0f} million pixels", fix="save the frames smaller")
    with reading(path, formats=" ".join(FRAME_SUFFIXES)), unwarned:
        try:
            picture = Image.open(path, formats=FRAME_FORMATS)
        except Image.DecompressionBombError:
            raise too_large from None
    with reading(path, formats=" ".join(FRAME_SUFFIXES)), picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise too_large
        size = reduced_size(*picture.size, needed)
        picture.draft("RGB", size)
        colours = picture.convert("RGB")
        if picture.mode.startswith("I;16"):  # which Pillow cuts off at 255
            colours = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
        return np.asarray(colours.resize(size, Image.Resampling.BOX))
