"""Which reader a source is for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_plugin_video.reading.decoding import SUFFIXES, decode
from mt_plugin_video.reading.frames import read_array, read_folder
from mt_plugin_video.sampling import Plan, Video


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
    if isinstance(source, str | Path) and os.path.isdir(source):
        return read_folder(Path(source), needed, plan)
    with reading(source, formats=" ".join(SUFFIXES)):
        if isinstance(source, str | Path | bytes):
            return decode(source, name, needed, plan)
        if isinstance(source, torch.Tensor):
            source = source.detach().cpu()
            source = source.float() if source.dtype == torch.bfloat16 else source
            source = (source.permute(0, 2, 3, 1) if source.ndim == 4 else source).numpy()
        if isinstance(source, np.ndarray):
            return read_array(source, name, needed, plan)
    raise InputError(
        f"{name} is not a video", fix="pass a path, the bytes of a file, an array (T, H, W, C) or a tensor (T, C, H, W)"
    )
