"""Thermal picture files and arrays to the numbers they hold.  H and W pixels, C channels.

Pillow reads what it reads exactly; tifffile reads the other TIFF files: floats of 16 and 64 bits, signed and wide
integers, colours of 16 bits, planes one after another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import (
    MAX_PIXELS,
    as_standard_pixels,
    declared_suffixes,
    first_bytes,
    is_tiff,
    luminance,
    open_picture,
    open_tiff,
    picture_to_array,
    quiet,
    shrink,
    too_large_error,
)

SUFFIXES = declared_suffixes("mt_plugin_infrared")

MAX_CHANNELS = 4

Frame = npt.NDArray[Any]
"""(H, W, C) numbers as they were measured: uint8, uint16, or float32."""

_FORMATS = ("PNG", "JPEG", "BMP")

_EXACT_MODES = ("1", "L", "LA", "P", "F", "I;16", "I;16B", "RGB", "RGBA")
"""Modes in which Pillow changes no value of a TIFF file; of several channels only where these have 8 bits."""

_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 258, 284  # TIFF tags


def read_frame(source: Any, channels: int, needed: int) -> Frame:
    """One thermal picture.

    Args:
        source: A path, the bytes of a file, a PIL image, a numpy array (H, W) or (H, W, C), or a torch tensor (H, W) or
            (C, H, W). Of a TIFF file with as many grey pages as `channels`, the pages are the channels; of any other
            file of several pages, the first is read.
        channels: C, 1 to 4; see `with_channels`.
        needed: Pixels that the shorter side should keep at least, where it has them.

    Returns:
        (H, W, C), averaged until the shorter side is less than twice `needed`. What it returns it takes as it is.

    Raises:
        InputError: no picture, damaged, empty, NaN or infinite, or more than `MAX_PIXELS`.
        MissingDependencyError: a TIFF file whose compression needs imagecodecs.
    """
    name = name_of(source)
    with reading(source, formats=" ".join(SUFFIXES)), quiet():
        found = _from_file(source, name, channels) if isinstance(source, str | Path | bytes) else source
        return shrink(with_channels(as_standard_pixels(found, name), channels, name), needed)


def with_channels(values: Frame, channels: int, name: str) -> Frame:
    """As many channels as are asked for.

    One from colours is their luminance, several from one repeat it; of more than are asked for, the first are taken.

    Raises:
        InputError: two or three channels where more are asked for.
    """
    has = values.shape[2]
    if has == channels:
        return values
    if channels == 1 and has >= 3:
        return luminance(values)
    if has == 1:
        return np.repeat(values, channels, axis=2)
    if has > channels:
        return np.ascontiguousarray(values[..., :channels])
    raise InputError(f"{name} has {has} channels, not {channels}", fix=f"use the option num_channels={has}, or 1")


def _from_file(source: str | Path | bytes, name: str, channels: int) -> Any:
    if not is_tiff(first_bytes(source, 4)):
        with open_picture(source, _FORMATS, SUFFIXES) as picture:
            return picture_to_array(picture)
    try:
        tiff = open_picture(source, ("TIFF",), SUFFIXES)
    except Exception:  # a kind of TIFF that Pillow does not know: tifffile does, or says what is wrong
        return _by_tifffile(source, name, channels)
    with tiff:
        return _pages(tiff, name, channels) if _is_exact(tiff) else _by_tifffile(source, name, channels)


def _is_exact(tiff: Any) -> bool:
    bits = tiff.tag_v2.get(_BITS_PER_SAMPLE, (1,))  # one a channel
    is_plain = max(bits) <= 8 and tiff.tag_v2.get(_PLANAR_CONFIGURATION, 1) == 1
    return tiff.mode in _EXACT_MODES and (len(bits) == 1 or is_plain)


def _pages(tiff: Any, name: str, channels: int) -> Frame:
    """The first page, or the pages as channels where there are as many."""
    if channels == 1 or tiff.n_frames != channels:
        return picture_to_array(tiff)
    pages = []
    for number in range(channels):
        tiff.seek(number)
        if math.prod(tiff.size) > MAX_PIXELS:
            raise too_large_error(name)
        pages.append(picture_to_array(tiff))
    return _stacked(pages)


def _stacked(pages: Sequence[Frame]) -> Frame:
    """Grey pages of one size as channels; otherwise the first."""
    is_alike = all(page.shape == pages[0].shape and page.dtype == pages[0].dtype for page in pages)
    return np.concatenate(pages, axis=2) if is_alike and pages[0].shape[2] == 1 else pages[0]


def _by_tifffile(source: str | Path | bytes, name: str, channels: int) -> Frame:
    with open_tiff(source, codecs="mt-plugin-infrared[codecs]") as file:
        first = _values_of_page(file.pages.first, file, name)
        if channels == 1 or first.shape[2] > 1 or len(file.pages) != channels:
            return first
        return _stacked([first, *(_values_of_page(file.pages[at], file, name) for at in range(1, channels))])


def _values_of_page(page: Any, file: Any, name: str) -> Frame:
    """(H, W, C), after what the header promises has been checked."""
    page = page.aspage()
    if page.axes not in ("YX", "YXS", "SYX") or page.samplesperpixel > MAX_CHANNELS or page.dtype is None:
        raise InputError(
            f"{name} is not a thermal picture: its first page is {page.shape} {page.dtype} ({page.axes})",
            fix=f"give a picture of 1 to {MAX_CHANNELS} channels; mt-plugin-hyperspectral reads cubes of many bands",
        )
    if max(page.imagewidth * page.imagelength, math.prod(page.chunks)) > MAX_PIXELS * (1 + (page.axes != "YX") * 3):
        raise too_large_error(name)
    ends = (start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True))
    if max(ends, default=0) > file.filehandle.size:
        raise InputError(f"{name} is truncated: its pixels do not end within it", fix="copy or export the file again")
    values = np.asarray(page.asarray())
    if page.axes == "SYX":
        values = np.moveaxis(values, 0, -1)
    return values if values.ndim == 3 else values[..., None]
