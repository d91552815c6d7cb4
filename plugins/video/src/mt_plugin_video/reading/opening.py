"""Anything that is a video to the frames of it that are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_plugin_video.formats import FORMATS
from mt_plugin_video.reading.decoding import decode, reduced_size
from mt_plugin_video.reading.frames import RATE_HZ, read_folder
from mt_plugin_video.sampling import Pixels, Plan, Video


def read_video(source: Any, needed: int, plan: Plan) -> Video:
    """One video.

    Args:
        source: A path of a file or of a folder of pictures, the bytes of a file, a numpy array (T, H, W, C) or
            (T, H, W), a torch tensor (T, C, H, W), or a `Video`. Arrays are 8-bit, or floats within 0 to 1.
        needed: Pixels that the shorter side should keep at least, where it has them.
        plan: Which times are wanted, see `times_of_clips`.

    Raises:
        InputError: no video, damaged, without a frame, or too large.
    """
    name = name_of(source)
    if isinstance(source, Video):
        return source
    if isinstance(source, str | Path) and Path(source).is_dir():
        return read_folder(Path(source), needed, plan)
    with reading(source, formats=FORMATS):
        if isinstance(source, str | Path | bytes):
            return decode(source, name, needed, plan)
        if isinstance(source, torch.Tensor):
            source = source.detach().cpu()
            source = source.float() if source.dtype == torch.bfloat16 else source
            return _of_array((source.permute(0, 2, 3, 1) if source.ndim == 4 else source).numpy(), name, needed, plan)
        if isinstance(source, np.ndarray):
            return _of_array(source, name, needed, plan)
    raise InputError(
        f"{name} is no video", fix="pass a path, the bytes of a file, an array (T, H, W, C) or a tensor (T, C, H, W)"
    )


def _of_array(array: NDArray[Any], name: str, needed: int, plan: Plan) -> Video:
    frames = array[..., None] if array.ndim == 3 else array
    if frames.ndim != 4 or frames.shape[-1] not in (1, 3, 4):
        raise InputError(
            f"{name} is no video: its shape is {array.shape}",
            fix="pass (T, H, W) or (T, H, W, C) with 1, 3 or 4 channels; a torch tensor is read as (T, C, H, W)",
        )
    if frames.size == 0:
        raise InputError(f"{name} has no pixel: its shape is {array.shape}", fix="pass at least one frame")
    duration_s = len(frames) / RATE_HZ
    wanted = np.unique(np.clip((plan(duration_s) * RATE_HZ).astype(int), 0, len(frames) - 1))
    pixels = _to_8_bit(frames[wanted][..., :3], name)
    pixels = np.broadcast_to(pixels, (*pixels.shape[:3], 3))
    return Video(_reduced(pixels, needed), wanted / RATE_HZ, duration_s)


def _to_8_bit(values: NDArray[Any], name: str) -> Pixels:
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"{name} holds {values.dtype} values", fix="pass 8-bit integers, or floats within 0 to 1")
    if not (values.min() >= 0 and values.max() <= 1):  # NaN is neither
        raise InputError(
            f"{name} holds values from {values.min():g} to {values.max():g}",
            fix="scale them to 0..1, or pass 8-bit integers; NaN and infinite values are refused",
        )
    pixels: Pixels = np.rint(values * 255).astype(np.uint8)
    return pixels


def _reduced(frames: Pixels, needed: int) -> Pixels:
    size = reduced_size(frames.shape[2], frames.shape[1], needed)
    if size == (frames.shape[2], frames.shape[1]):
        return np.ascontiguousarray(frames)
    pictures = (Image.fromarray(np.ascontiguousarray(frame)) for frame in frames)
    return np.stack([np.asarray(picture.resize(size, Image.Resampling.BOX)) for picture in pictures])
