"""Frames one by one: those of a folder of numbered pictures, as many public data sets ship theirs, or of an array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_core.sdk import first_bytes, is_tiff, open_picture, picture_to_array, quiet, read_tiff
from mt_plugin_video.reading.counting import MAX_FRAMES
from mt_plugin_video.reading.decoding import MAX_PIXELS, reduced_size
from mt_plugin_video.reading.numbering import frames_in_order
from mt_plugin_video.sampling import Pixels, Plan, Video

RATE_HZ = 25.0
"""Frames per second of a folder or an array, which do not tell it."""

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Lower-case endings of the pictures in a folder of frames."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")


def read_folder(folder: Path, needed: int, plan: Plan) -> Video:
    """The pictures of a folder that a plan asks for, in the order of the numbers in their names.

    Raises:
        InputError: no picture in it, several series of pictures, one that cannot be read, sizes that differ.
    """
    try:
        names = [path for path in folder.iterdir() if path.suffix.lower() in FRAME_SUFFIXES and path.name[0] != "."]
    except OSError as error:
        raise InputError(
            f"the folder {folder} cannot be read ({error.strerror})", fix="check who may read it"
        ) from None
    if not names or len(names) > MAX_FRAMES:
        raise InputError(
            f"the folder {folder} holds {len(names) or 'no'} pictures, and is not a video",
            fix=f"name a folder whose pictures ({' '.join(FRAME_SUFFIXES)}) are the frames of one video",
        )
    names = frames_in_order(names, folder)
    first: tuple[int, ...] = ()

    def frame(at: int) -> Pixels:
        nonlocal first
        pixels = _read_frame(names[at], needed)
        first = first or pixels.shape
        if pixels.shape != first:
            raise InputError(
                f"{names[at]} is not as large as the frames before it, of the same video",
                fix="keep the frames of one video in a folder, all of one size",
            )
        return pixels

    return _video(len(names), frame, plan)


def _read_frame(path: Path, needed: int) -> Pixels:
    with reading(path, formats=" ".join(FRAME_SUFFIXES)), quiet():
        if is_tiff(first_bytes(path, 4)):
            values = read_tiff(path, codecs="imagecodecs", rounded=True, largest=MAX_PIXELS).values
        else:
            with open_picture(path, _FORMATS, FRAME_SUFFIXES, largest=MAX_PIXELS) as picture:
                picture.draft("RGB", reduced_size(*picture.size, needed))
                values = picture_to_array(picture)
        return _frame(values, str(path), needed)


def read_array(array: NDArray[Any], name: str, needed: int, plan: Plan) -> Video:
    """(T, H, W) or (T, H, W, C) in memory.

    Raises:
        InputError: another shape, no pixel, or numbers of an unknown range.
    """
    frames = array[..., None] if array.ndim == 3 else array
    if frames.ndim != 4 or frames.shape[-1] not in (1, 3, 4):
        raise InputError(
            f"{name} is not a video: its shape is {array.shape}",
            fix="pass (T, H, W) or (T, H, W, C) with 1, 3 or 4 channels; a torch tensor is read as (T, C, H, W)",
        )
    if frames.size == 0:
        raise InputError(f"{name} has no pixel: its shape is {array.shape}", fix="pass at least one frame")
    return _video(len(frames), lambda at: _frame(frames[at], name, needed), plan)


def _video(num_frames: int, frame: Callable[[int], Pixels], plan: Plan) -> Video:
    """Those that a plan asks for of so many frames, by their number."""
    duration_s = num_frames / RATE_HZ
    wanted = np.unique(np.clip((plan(duration_s) * RATE_HZ).astype(int), 0, num_frames - 1))
    return Video(np.stack([frame(at) for at in wanted]), wanted / RATE_HZ, duration_s)


def _frame(values_HWC: NDArray[Any], name: str, needed: int) -> Pixels:
    """(H, W, 3), reduced to about what is needed; opacity is left out."""
    colours = _to_8_bit(values_HWC[..., : 3 if values_HWC.shape[2] >= 3 else 1], name)
    pixels = np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))
    size = reduced_size(pixels.shape[1], pixels.shape[0], needed)
    if size == pixels.shape[1::-1]:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _to_8_bit(values: NDArray[Any], name: str) -> Pixels:
    """8 bits as they are, of 16 bits the higher 8, floats from 0 (0) to 1 (255): alike in all frames of a video."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return (values >> 8).astype(np.uint8)
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"{name} holds {values.dtype} values", fix="pass 8-bit integers, or floats within 0 to 1")
    if not (values.min() >= 0 and values.max() <= 1):  # NaN is neither
        raise InputError(
            f"{name} holds values from {values.min():g} to {values.max():g}",
            fix="scale them to 0..1, or pass 8-bit integers; NaN and infinite values are refused",
        )
    pixels: Pixels = np.rint(values * 255).astype(np.uint8)
    return pixels
