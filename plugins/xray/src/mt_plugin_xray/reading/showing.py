"""Stored values of DICOM to what a reader of films sees.  H and W pixels.

The way from stored value to shown grey: modality table or rescale, then the first VOI table or window, then MONOCHROME1
and the presentation INVERSE turned over, in that order. Sources: DICOM PS3.4, annex N.2; PS3.3, C.11.1, C.11.2 and
C.11.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import luminance, reinterpreted
from mt_plugin_xray.grey import Grey, by_table, by_window, clipped, stretched
from mt_plugin_xray.reading.bits import padding_in

_GROUPS_OF_FRAMES = {
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
}
"""Where files of several frames may say for each of them how it is shown. Source: PS3.3, C.7.6.16.2.9 and 10."""


_SHAPES = {"INVERSE": "MONOCHROME1", "IDENTITY": "MONOCHROME2"}
"""Which presentation goes with which interpretation. Source: PS3.3, C.11.6."""

_HARDLY = 0.01  # of a pixel's side; what is not square by less cannot be seen


@dataclass(frozen=True)
class Stored:
    """What a header says of the stored values, checked.

    Attributes:
        frames: How many there are; the middle one is read.
        is_grey, is_inverted: One channel; in which a large value is dark.
        bits, shift: How many bits are used, and how far they lie above the lowest one.
        padding: The smallest and the largest value that stand for no pixel.
    """

    frames: int
    is_grey: bool
    is_inverted: bool
    bits: int
    shift: int
    padding: tuple[int, int] | None


def shown_as_film(values: NDArray[Any], header: Any, stored: Stored, name: str) -> Grey:
    """(H, W, 1) within 0..1, bright where little passed through; padding is black."""
    _tell_of_pixels(header, name)
    if not stored.is_grey:
        top = 255 if values.dtype == np.uint8 else 2**stored.bits - 1
        colours = values if values.dtype.itemsize <= 2 else values.astype(np.float32)  # which wider ones would overflow
        return clipped(luminance(colours).astype(np.float32) / np.float32(top))
    values = values[..., None]
    is_padding = padding_in(values, stored.padding)
    if is_padding is not None and is_padding.all():
        raise InputError(f"{name} holds nothing but padding", fix="leave it out")
    told = _told(header, stored.frames // 2)
    if header.get("ModalityLUTSequence"):
        values, _ = by_table(values, header.ModalityLUTSequence[0])
    else:
        slope, intercept = (_first(told.get(keyword)) for keyword in ("RescaleSlope", "RescaleIntercept"))
        if slope == 0:
            reinterpreted(name, "its rescale slope of 0 is not applied")
            slope = intercept = None
        values = values * np.float64(1 if slope is None else slope) + np.float64(0 if intercept is None else intercept)
    picture = values if is_padding is None else values[~is_padding][:, None, None]
    shown = _by_voi(values, header, told)
    of_picture = shown if shown is None or is_padding is None else shown[~is_padding]
    if shown is None and (told.get("WindowCenter") is not None or told.get("WindowWidth") is not None):
        reinterpreted(name, "its window is none (no number, or no width), and is not used")
    elif of_picture is not None and (of_picture.max() == 0 or of_picture.min() == 1):
        reinterpreted(name, "its window or table shows nothing of the picture, and is not used")
        shown = None
    if shown is None:
        shown = stretched(values, picture)
    if stored.is_inverted:
        _tell_of_presentation(header, name)
        shown = 1 - shown
    return shown if is_padding is None else np.where(is_padding, np.float32(0), shown)


def _tell_of_presentation(header: Any, name: str) -> None:
    """Where the two do not go together, as the standard has them."""
    photometric, shape = str(header.PhotometricInterpretation), str(header.get("PresentationLUTShape", ""))
    if shape in _SHAPES and _SHAPES[shape] != photometric:
        reinterpreted(name, f"{photometric} with the presentation {shape} is turned over: what is 0 is shown bright")


def _tell_of_pixels(header: Any, name: str) -> None:
    """Where they are not square, by the first of the elements that is there.

    Source: DICOM PS3.3, C.7.6.3.1.7 and 10.7.1.3: the first number is that from row to row.
    """
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        try:
            down, across = (float(number) for number in header.get(keyword))
        except (TypeError, ValueError):  # there is none, or it is no pair of numbers
            continue
        if 0 < down < math.inf and 0 < across < math.inf:
            if abs(down / across - 1) > _HARDLY:
                reinterpreted(name, f"its pixels, {down / across:.3g} times as high as wide, are taken for squares")
            return


def _told(header: Any, frame: int) -> dict[str, Any]:
    """How a frame is to be shown: by the header itself, else by what it says of all frames, else of this one."""
    told = {keyword: header.get(keyword) for names in _GROUPS_OF_FRAMES.values() for keyword in names}
    shared, each = (header.get(f"{kind}FunctionalGroupsSequence") or [] for kind in ("Shared", "PerFrame"))
    for group in (*shared[:1], *each[frame : frame + 1]):
        for sequence, keywords in _GROUPS_OF_FRAMES.items():
            for item in (group.get(sequence) or [])[:1]:
                told |= {keyword: item.get(keyword) for keyword in keywords if told[keyword] is None}
    return told


def _by_voi(values: NDArray[Any], header: Any, told: dict[str, Any]) -> Grey | None:
    """Through the first of the file's tables or windows; None where it has none that is usable."""
    if header.get("VOILUTSequence"):
        entries, bits = by_table(values, header.VOILUTSequence[0])
        return clipped(entries / (2**bits - 1))
    centre, width = (_first(told.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    return by_window(values, centre, width, str(told.get("VOILUTFunction") or "LINEAR"))


def _first(number: Any) -> float | None:
    """Of several numbers, the first."""
    if number is None or isinstance(number, str):
        return None
    several = number if hasattr(number, "__len__") else [number]
    return float(several[0]) if len(several) and not isinstance(several[0], str) else None
