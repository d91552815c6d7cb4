"""One mask file.  H, W pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, Segmentation, reading
from mt_core.errors import InputError
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.pictures import open_picture
from mt_core.sdk.quiet import quiet

MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif", ".jpg", ".jpeg", ".pgm", ".ppm", ".webp", ".npy")

_FORMATS = ("PNG", "TIFF", "BMP", "GIF", "JPEG", "PPM", "WEBP")
_HALF = 128  # of a mask in JPEG, whose 0 and 255 were blurred


@dataclass(frozen=True)
class Mask:
    """The classes of a picture's pixels, read when they are needed: `numpy.asarray(mask)` is the target of the picture.

    Attributes:
        path: Of the file, for messages too.
        task: What its numbers or colours mean.
    """

    path: str
    task: Segmentation

    def numbers(self) -> NDArray[Any]:
        """(H, W) numbers, or (H, W, 3) colours, as they lie in the file."""
        return read_numbers(self.path)

    def read(self) -> NDArray[np.int64]:
        """(H, W) class indices, `MISSING_CLASS` where the mask is void.

        Raises:
            InputError: a file that cannot be read, or numbers and colours that are of no class.
        """
        values = self.numbers()
        task = self.task
        if task.is_coloured:
            meanings = {_code(colour): index for index, colour in enumerate(task.colours)}
            values = _codes(values if values.ndim == 3 else np.stack([values] * 3, axis=-1))
        else:
            values = _grey(values, self.path)
            meanings = {number: index for index, number in enumerate(task.numbers or range(len(task.classes)))}
        meanings |= dict.fromkeys(task.void, MISSING_CLASS)
        different, places = np.unique(values, return_inverse=True)
        if strange := [number for number in different.tolist() if number not in meanings]:
            shown = [f"#{number:06x}" if task.is_coloured else str(number) for number in strange[:5]]
            raise InputError(
                f"{self.path} has pixels of {', '.join(shown)}{' …' if len(strange) > 5 else ''}, and the "
                f"{len(task.classes)} classes do not have {'that' if len(strange) == 1 else 'those'}",
                fix="name every class in the order of their numbers (-D classes=road,sky,…), or say which numbers are "
                "of no class (-D void=255)",
            )
        indices = np.array([meanings[number] for number in different.tolist()], np.int64)
        found: NDArray[np.int64] = indices[places.reshape(values.shape)]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.read(), dtype)


def read_numbers(path: str) -> NDArray[Any]:
    """(H, W) numbers of an index mask, of a palette its indices; or (H, W, 3) colours.

    Raises:
        InputError: a file that cannot be read as a mask.
    """
    with reading(path, formats=" ".join(MASK_SUFFIXES)), quiet():
        if path.lower().endswith(".npy"):
            return _whole(np.load(path, allow_pickle=False), path)
        with open_picture(path, _FORMATS, MASK_SUFFIXES) as picture:
            mode, is_jpeg = picture.mode, picture.format == "JPEG"
            values = np.asarray(picture)
    if mode in ("LA", "RGBA"):
        values = _opaque(values[..., :-1], values[..., -1], path)
    if values.ndim == 3 and (values.shape[2] == 1 or (values[..., :1] == values).all()):
        values = values[..., 0]  # grey numbers that were saved as colours
    if is_jpeg:
        values = _sharp(values, path)
    return _whole(values, path)


def palette_of(path: str) -> tuple[tuple[int, int, int], ...]:
    """The colours of a PNG or GIF file with a palette, by number; () of any other file."""
    with reading(path, formats=" ".join(MASK_SUFFIXES)), quiet():
        if path.lower().endswith(".npy"):
            return ()
        with open_picture(path, _FORMATS, MASK_SUFFIXES) as picture:
            flat = picture.getpalette("RGB") if picture.mode == "P" else None
    return tuple(tuple(flat[at : at + 3]) for at in range(0, len(flat), 3)) if flat else ()  # type: ignore[misc]


def hex_of(colour: tuple[int, int, int]) -> str:
    """How a class is called that is known by its colour alone."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _whole(values: NDArray[Any], path: str) -> NDArray[Any]:
    if values.ndim not in (2, 3) or not values.size:
        raise InputError(f"{path} is no mask: its shape is {values.shape}", fix="give (H, W) whole numbers")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or (values != np.rint(values)).any():
            raise InputError(
                f"{path} is no mask: it holds numbers with fractions", fix="save the index of a class in each pixel"
            )
        values = values.astype(np.int64)
    return values.astype(np.uint8) if values.dtype == np.bool_ else values


def _opaque(values_HWC: NDArray[Any], alpha_HW: NDArray[Any], path: str) -> NDArray[Any]:
    """Zeros where a mask is transparent and elsewhere is not, as editors save what was drawn on an empty layer."""
    is_seen_HW = alpha_HW >= _HALF
    has_one_colour = bool((values_HWC == values_HWC[:1, :1]).all())
    if is_seen_HW.all() or not (is_seen_HW.any() or has_one_colour):
        return values_HWC
    reinterpreted(path, "transparent pixels taken for 0")
    return np.where(is_seen_HW[..., None], values_HWC, np.zeros((), values_HWC.dtype))


def _sharp(values: NDArray[Any], path: str) -> NDArray[Any]:
    """A mask of two classes that was saved as JPEG, which blurs it."""
    levels = np.unique(values)
    if values.ndim == 3 or ((levels > 32) & (levels < 223)).mean() > 0.9:
        raise InputError(
            f"{path} is a JPEG file, whose compression mixes the numbers of classes", fix="save masks as PNG"
        )
    return np.where(values >= _HALF, np.uint8(255), np.uint8(0))


def _grey(values: NDArray[Any], path: str) -> NDArray[Any]:
    if values.ndim == 3:
        raise InputError(
            f"{path} is a mask in colours, and the others hold numbers",
            fix="save all masks of a data set alike, as numbers or in colours",
        )
    return values


def _code(colour: tuple[int, int, int]) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _codes(values_HW3: NDArray[Any]) -> NDArray[Any]:
    wide = values_HW3.astype(np.int64)
    codes: NDArray[Any] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return codes


def colours_in(values_HW3: NDArray[Any]) -> list[tuple[int, int, int]]:
    """The different colours of a mask."""
    codes = np.unique(_codes(values_HW3)).tolist()
    return [(code >> 16, code >> 8 & 255, code & 255) for code in codes]
