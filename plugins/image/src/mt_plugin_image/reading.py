"""Picture files and pictures in memory to 8-bit RGB arrays.

What costs time is decoding, so a JPEG is decoded at a half, a quarter or an eighth of its size where that still is more
than what is needed, and every picture is averaged down to less than twice of what is needed.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mt_core.contract import name_of, reading
from mt_core.errors import InputError, MissingDependencyError
from mt_core.sdk import MAX_PIXELS, open_picture, too_large, upright
from mt_plugin_image.colours import Pixels, rgb_of_array, rgb_of_picture
from mt_plugin_image.formats import SUFFIXES, is_heif, pillow_ids


def read_picture(source: Any, needed: int) -> Pixels:
    """One picture.

    Args:
        source: A path, the bytes of a file, a PIL image, a numpy array (H, W) or (H, W, C), or a torch tensor (H, W) or
            (C, H, W). Of an animation or a file of several pages, the first is read.
        needed: Pixels that the shorter side should keep at least, where it has them.

    Returns:
        (H, W, 3) 8-bit RGB, upright as EXIF says; the shorter side is less than twice `needed`. What it returns it
        takes as it is.

    Raises:
        InputError: no picture, damaged, empty, or more than `MAX_PIXELS`.
        MissingDependencyError: a HEIC file without pillow-heif.
    """
    name = name_of(source)
    # sizes are checked here, at one limit, wherever Pillow would begin to warn
    unwarned = warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning)
    with reading(source, formats=" ".join(SUFFIXES)), unwarned:
        if isinstance(source, str | Path | bytes):
            with _opened(source, name) as picture:
                return _decoded(picture, name, needed)
        if isinstance(source, Image.Image):
            _check_size(source, name)
            return _finished(source, name, needed)
        if isinstance(source, torch.Tensor):
            return _reduced(rgb_of_array(_array_of(source), name), needed)
        if isinstance(source, np.ndarray):
            return _reduced(rgb_of_array(source, name), needed)
    raise InputError(
        f"{name} is no picture", fix="pass a path, the bytes of a file, a PIL image, a numpy array or a torch tensor"
    )


def _opened(source: str | Path | bytes, name: str) -> Image.Image:
    """The header of a picture file, checked; nothing is decoded yet."""
    formats = pillow_ids()
    if is_heif(_first_bytes(source)):
        try:
            import pillow_heif  # type: ignore[import-not-found,unused-ignore]
        except ModuleNotFoundError:
            raise MissingDependencyError(
                f"{name} is a HEIC picture, which needs the package 'pillow_heif'",
                fix="pip install 'mt-plugin-image[heif]', or save the picture as JPEG",
            ) from None
        pillow_heif.register_heif_opener()
        formats = (*formats, "HEIF")
    return open_picture(source, formats, SUFFIXES)


def _first_bytes(source: str | Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:12]
    with Path(source).open("rb") as file:
        return file.read(12)


def _check_size(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise too_large(name)
    if width * height == 0:
        raise InputError(f"{name} has no pixel ({width} x {height})", fix="pass a picture of at least 1 x 1")


def _decoded(picture: Image.Image, name: str, needed: int) -> Pixels:
    picture.draft(None, (needed, needed))
    picture.load()
    return _finished(picture, name, needed)


def _finished(picture: Image.Image, name: str, needed: int) -> Pixels:
    picture = rgb_of_picture(upright(picture), name)
    factor = min(picture.size) // needed
    return np.asarray(picture.reduce(factor) if factor > 1 else picture)


def _array_of(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return (tensor.permute(1, 2, 0) if tensor.ndim == 3 else tensor).numpy()


def _reduced(pixels: Pixels, needed: int) -> Pixels:
    factor = min(pixels.shape[:2]) // needed
    return np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels
