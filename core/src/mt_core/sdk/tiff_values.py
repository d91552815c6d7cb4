"""The numbers of a TIFF page as they are stored: by tifffile what it reads, by Pillow what it reads exactly.

H, W pixels, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import name_of
from mt_core.errors import InputError, MissingDependencyError
from mt_core.sdk.notices import left_out, reinterpreted
from mt_core.sdk.pictures import MAX_PIXELS, as_upright, open_picture, picture_to_array, too_large_error
from mt_core.sdk.quiet import quiet, silent_stderr
from mt_core.sdk.tiff import open_tiff
from mt_core.sdk.tiff_missing import missing_in
from mt_core.sdk.tiff_pages import PageOf, find_picture
from mt_core.sdk.tiff_scale import scale_in

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8

_BY_PILLOW = (_PALETTE, _CMYK, _YCBCR, _LAB)
"""What is to be converted into colours."""

_ORIENTATION = 274

_ASSOCIATED, _UNASSOCIATED = 1, 2  # ExtraSamples

_MOST_CHANNELS = 4


@dataclass(frozen=True)
class TiffPicture:
    """A picture as it is stored, upright.

    Attributes:
        values: (H, W, C): C = 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity; any integers or floats. Where
            `bands` is true, C bands of unknown meaning.
        bits: Of each number, those that are used: 12 for 12 bits in uint16.
        missing: (H, W), where GDAL's mark, a mask, or a usual number for it say that nothing was measured; None where
            they do so nowhere.
        bands: Whether there are several channels which the file does not call colours.
    """

    values: NDArray[Any]
    bits: int
    missing: NDArray[np.bool_] | None = None
    bands: bool = False


def read_tiff(
    source: str | Path | bytes,
    *,
    codecs: str,
    pages: int = 1,
    rounded: bool = False,
    largest: int = MAX_PIXELS,
    scaled: bool = False,
) -> TiffPicture:
    """The picture of a TIFF file, without the smaller copies and masks that may come before it.

    Call it within `mt_core.contract.reading` and `quiet`. Reported are further pages and channels beyond the
    colours, which are left out. Grey whose white is zero is turned over.

    Args:
        codecs: What to install for compressions that need imagecodecs: "mt-plugin-image[codecs]".
        pages: Where the file has so many pages of grey, they are the channels.
        largest: Pixels that the picture may have.
        rounded: Whether 16-bit colours may have 8 bits where they cannot be read otherwise.
        scaled: Whether the scale and the offset that GDAL_METADATA says are applied, with a warning; the numbers are
            float32 then.

    Raises:
        InputError: no picture, damaged, no pixel, more than `largest`, a camera's raw file, more than 4 channels.
        MissingDependencyError: a compression that needs imagecodecs.
    """
    name = name_of(source)
    with open_tiff(source, codecs=codecs) as file:
        found = find_picture(file, name)
        chosen = [found.page, *found.others] if len(found.others) + 1 == pages else [found.page]
        if max(each.area for each in chosen) > largest:
            raise too_large_error(name, largest)
        read = [_page(source, file, each, name, rounded) for each in chosen]
        if scaled:
            read = [_scaled(each, at.page, name) for each, at in zip(read, chosen, strict=True)]
        masked = _masked(file, found.mask, name)
    read = [replace(each, missing=_either([each.missing, masked])) for each in read]
    picture = read[0]
    if len(read) > 1 and _alike(read):
        return replace(
            picture,
            values=np.concatenate([each.values for each in read], axis=2),
            missing=_either([each.missing for each in read]),
        )
    if found.was_thumbnail:
        reinterpreted(name, "its first page is taken for a thumbnail of a later one, which is read")
    elif found.others:
        left_out(name, f"what follows its first page: {len(found.others)} more")
    return picture


def without_missing(picture: TiffPicture, name: str, fill: Callable[[NDArray[Any]], Any]) -> NDArray[Any]:
    """(H, W, C) values of a picture in which pixels that were not measured are filled, with a warning.

    Args:
        fill: From the measured pixels (P, C) to what stands for the others, (C,).

    Raises:
        InputError: no pixel was measured.
    """
    if picture.missing is None:
        return picture.values
    if picture.missing.all():
        raise InputError(f"{name} holds no data: all of its pixels are marked as missing", fix="leave it out")
    left_out(name, f"{picture.missing.mean():.1%} of its pixels, which are marked as without data")
    values = picture.values.copy()
    values[picture.missing] = np.asarray(fill(values[~picture.missing])).astype(values.dtype)
    return values


def _scaled(picture: TiffPicture, page: Any, name: str) -> TiffPicture:
    """With the scale and the offset of its channels applied."""
    found = scale_in(page, picture.values.shape[2], name)
    if found is None:
        return picture
    if page.photometric not in (_BLACK_IS_ZERO, _RGB):
        left_out(name, "the scale and offset of its GDAL_METADATA, which are not those of a picture of this kind")
        return picture
    scale, offset = found
    reinterpreted(name, "its numbers are scaled and shifted as its GDAL_METADATA says")
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, which plugins refuse
        values = (picture.values * scale + offset).astype(np.float32)
    return replace(picture, values=values, bits=32)


def _alike(read: list[TiffPicture]) -> bool:
    shapes = {(each.values.shape, each.values.dtype) for each in read}
    return len(shapes) == 1 and read[0].values.shape[2] == 1


def _either(masks: Sequence[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    given = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(given) if given else None


def _masked(file: Any, mask: PageOf | None, name: str) -> NDArray[np.bool_] | None:
    """(H, W), upright, where a mask page says that a pixel does not count; None where it says so nowhere."""
    if mask is None:
        return None
    _check(mask.page, file, name)
    values = as_upright(np.asarray(mask.page.asarray()), mask.page.tags.valueof(_ORIENTATION, 1))
    is_missing = values == 0
    return is_missing if values.ndim == 2 and is_missing.any() else None


def _page(source: str | Path | bytes, file: Any, at: PageOf, name: str, rounded: bool) -> TiffPicture:
    page = at.page
    _check(page, file, name)
    if page.photometric in _BY_PILLOW:
        values = _by_pillow(source, at, name)
        if page.photometric == _PALETTE and page.colormap is not None and 0 < page.colormap.max() < 256:
            reinterpreted(name, "its palette, which has 16 bits by the standard, has 8")
            values = as_upright(page.colormap.T.astype(np.uint8)[page.asarray()], page.tags.valueof(_ORIENTATION, 1))
        return TiffPicture(values, 8 * values.dtype.itemsize, missing_in(page, values, name))
    try:
        values = _unpacked(page, file) if _is_packed(page) else _by_tifffile(page)
        values = as_upright(values, page.tags.valueof(_ORIENTATION, 1))
    except MissingDependencyError:
        raise
    except Exception as error:
        needs_codecs = "imagecodecs" in str(error)
        if not (_pillow_is_exact(page) or (rounded and page.photometric == _RGB and page.bitspersample == 16)):
            raise
        try:
            values = _by_pillow(source, at, name)
        except Exception:
            if needs_codecs:
                raise error from None
            raise
        if page.bitspersample == 32 and page.dtype == np.uint32:  # Pillow's integers are signed
            values = values.astype(np.int32, copy=False).view(np.uint32)
        if page.photometric == _WHITE_IS_ZERO and page.bitspersample <= 8:  # turned over already
            return TiffPicture(values, 8, missing_in(page, 255 - values, name))
    return _meant(page, values, name)


def _check(page: Any, file: Any, name: str) -> None:
    """What the header promises."""
    if page.axes not in ("YX", "YXS", "SYX") or page.dtype is None or page.dtype.kind not in "buif":
        raise InputError(
            f"{name} is not a picture: its page is {page.shape} {page.dtype} ({page.axes})",
            fix="save it as 8 or 16 bits, or as floats, of 1 to 4 channels",
        )
    if page.samplesperpixel > _MOST_CHANNELS + (page.photometric in (_RGB, _CMYK)):
        raise InputError(
            f"{name} is not a picture: it has {page.samplesperpixel} channels",
            fix=f"give a picture of 1 to {_MOST_CHANNELS} channels; mt-plugin-hyperspectral reads cubes of many bands",
        )
    if not page.imagewidth * page.imagelength:
        raise InputError(
            f"{name} has no pixel: {page.imagewidth} x {page.imagelength}", fix="pass a picture of at least 1 x 1"
        )
    if max(page.imagewidth * page.imagelength, math.prod(page.chunks)) > MAX_PIXELS * (1 + (page.axes != "YX") * 3):
        raise too_large_error(name)
    if page.imagewidth * page.imagelength > MAX_PIXELS:
        raise too_large_error(name)
    ends = (start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True))
    if max(ends, default=0) > file.filehandle.size:
        raise InputError(f"{name} is truncated: its pixels do not end within it", fix="copy or export the file again")


def _by_tifffile(page: Any) -> NDArray[Any]:
    values = np.asarray(page.asarray())
    if page.axes == "SYX":
        values = np.moveaxis(values, 0, -1)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * np.uint8(255)
    elif values.dtype == np.uint8 and page.bitspersample < 8:
        values = (values * (255 // (2**page.bitspersample - 1))).astype(np.uint8)
    return values if values.ndim == 3 else values[..., None]


def _is_packed(page: Any) -> bool:
    """Whether its numbers have between 8 and 16 bits, without gaps and uncompressed."""
    plain = page.compression == 1 and page.samplesperpixel == 1 and not page.is_tiled and page.fillorder == 1
    return bool(plain and 8 < page.bitspersample < 16)


def _unpacked(page: Any, file: Any) -> NDArray[np.uint16]:
    """(H, W, 1): each row begins at a byte, and the most significant bit comes first.

    Source: TIFF revision 6.0, BitsPerSample, FillOrder and Compression 1.
    """
    width, bits = page.imagewidth, page.bitspersample
    row_bytes = -(-width * bits // 8)
    parts = []
    for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.filehandle.seek(start)
        rows = np.frombuffer(file.filehandle.read(count), np.uint8)
        each = np.unpackbits(rows.reshape(-1, row_bytes), axis=1)[:, : width * bits].reshape(-1, width, bits)
        padded = np.pad(each, ((0, 0), (0, 0), (16 - bits, 0)))
        parts.append(np.packbits(padded, axis=2).view(">u2")[..., 0].astype(np.uint16))
    values = np.concatenate(parts)
    if len(values) != page.imagelength:
        raise ValueError(f"{len(values)} rows, not {page.imagelength}")
    return values[..., None]


def _pillow_is_exact(page: Any) -> bool:
    """Whether Pillow changes no number of it, or only in the way that `_page` undoes."""
    bits, kind = page.bitspersample, page.dtype.kind
    if page.samplesperpixel > 1:
        return bool(bits == 8 and kind == "u" and page.photometric == _RGB)
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        return False
    return (kind == "f" and bits in (32, 64)) or (kind == "i" and bits in (16, 32)) or (kind in "bu" and bits <= 32)


def _by_pillow(source: str | Path | bytes, at: PageOf, name: str) -> NDArray[Any]:
    with quiet("PIL.TiffImagePlugin"), open_picture(source, ("TIFF",), (".tif", ".tiff")) as tiff:
        tiff.seek(at.number)
        picture: Any = tiff
        if at.child is not None:
            with silent_stderr():
                picture = picture.get_child_images()[at.child]
        if picture.mode == "LAB":
            raise InputError(f"{name} has colours of the kind L*a*b*", fix="save it in RGB")
        return picture_to_array(picture)


def _meant(page: Any, values: NDArray[Any], name: str) -> TiffPicture:
    """Stored numbers as what they stand for."""
    missing = missing_in(page, values, name)
    bits = 8 if values.dtype == np.uint8 else int(page.bitspersample)
    if page.photometric == _WHITE_IS_ZERO and values.dtype.kind == "u":
        values = values.dtype.type(2**bits - 1) - values
    channels, extras = values.shape[2], tuple(int(each) for each in page.extrasamples or ())
    num_colours = 3 if page.photometric == _RGB and channels >= 3 else 1
    if channels == num_colours:
        return TiffPicture(values, bits, missing)
    alpha = extras[0] if extras else _UNASSOCIATED if num_colours == 3 else 0  # a fourth channel is usually opacity
    if alpha not in (_ASSOCIATED, _UNASSOCIATED):
        if num_colours == 1:
            return TiffPicture(np.ascontiguousarray(values), bits, missing, bands=True)
        left_out(name, "a channel of no named meaning beside red, green and blue")
        return TiffPicture(np.ascontiguousarray(values[..., :3]), bits, missing)
    if channels > num_colours + 1:
        left_out(name, "channels beyond the colours and their opacity")
        values = values[..., : num_colours + 1]
    return TiffPicture(_unmultiplied(values) if alpha == _ASSOCIATED else values, bits, missing)


def _unmultiplied(values: NDArray[Any]) -> NDArray[Any]:
    """Colours that were multiplied by their opacity, divided by it; 0 where it is 0."""
    top = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    opacity = values[..., -1:].astype(np.float64)
    colours = np.divide(values[..., :-1] * top, opacity, out=np.zeros(values[..., :-1].shape), where=opacity > 0)
    colours = colours if values.dtype.kind == "f" else np.rint(np.minimum(colours, top))
    return np.concatenate([colours.astype(values.dtype), values[..., -1:]], axis=2)
