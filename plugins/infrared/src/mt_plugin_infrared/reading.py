"""Thermal picture files and arrays to the numbers they hold.  H and W pixels, C channels.

TIFF files are read as `mt_core.sdk.read_tiff` says. What a file marks as not measured is given the
median of what was.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import (
    TiffPicture,
    as_standard_pixels,
    declared_suffixes,
    first_bytes,
    is_tiff,
    luminance,
    open_picture,
    picture_to_array,
    quiet,
    read_tiff,
    reinterpreted,
    shrink,
    without_missing,
)
from mt_plugin_infrared.cameras import camera_of

SUFFIXES = declared_suffixes("mt_plugin_infrared")

MAX_CHANNELS = 4

Frame = npt.NDArray[Any]
"""(H, W, C) numbers as they were measured: uint8, uint16, or float32."""

_FORMATS = ("PNG", "JPEG", "BMP")

_LOOKED_AT = 1 << 18
"""Bytes at a file's start in which a camera leaves its mark."""


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
        values = as_standard_pixels(found, name)
        if channels == 1 and values.shape[2] >= 3 and np.ptp(values[..., :3], axis=2).any():
            reinterpreted(name, "its colours are taken for their brightness, which is no temperature")
        return shrink(with_channels(values, channels, name), needed)


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
    start = first_bytes(source, _LOOKED_AT)
    if is_tiff(start):
        frame = read_tiff(source, codecs="mt-plugin-infrared[codecs]", pages=channels, scaled=True)
        frame = frame if frame.bands else _without_opacity(frame, channels)
        return without_missing(frame, name, _median)
    with open_picture(source, _FORMATS, SUFFIXES) as picture:
        if radiometric := camera_of(start):
            reinterpreted(name, f"a radiometric JPEG of {radiometric} is read as the picture it shows, no temperatures")
        values = picture_to_array(picture)
    return without_missing(_without_opacity(TiffPicture(values, 8 * values.dtype.itemsize), channels), name, _median)


def _without_opacity(frame: TiffPicture, channels: int) -> TiffPicture:
    """Grey or colours without the opacity beside them, which says where nothing was measured; but not where it is one
    of the channels that are asked for."""
    has = frame.values.shape[2]
    if has not in (2, 4) or channels >= has:
        return frame
    opacity = frame.values[..., -1]
    missing = opacity == 0 if (opacity == 0).any() else frame.missing
    return replace(frame, values=frame.values[..., :-1], missing=missing)


def _median(measured_PC: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(np.median(measured_PC, axis=0))
