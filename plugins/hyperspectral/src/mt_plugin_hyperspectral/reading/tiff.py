"""TIFF and GeoTIFF scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import left_out, open_tiff, reinterpreted, scale_in
from mt_plugin_hyperspectral.cube import Cube, bands_axis, check_size

_CODECS = "mt-plugin-hyperspectral[codecs]"

_GDAL_NODATA = 42113
"""The tag in which GDAL writes, as text, what stands for no value."""


def cube_of_tiff(file: Path | BinaryIO, name: str) -> Cube:
    """(H, W, B) of a file whose bands are samples of a pixel, or pages; mapped where it is not compressed."""
    with open_tiff(file, codecs=_CODECS, name=name) as tiff:
        series = _largest(tiff)
        values = _values(file, tiff, series, name)
        axes = series.axes
        tag = series.keyframe.tags.get(_GDAL_NODATA)
        ignored = _number(tag.value) if tag is not None else None
        if scale_in(series.keyframe, series.keyframe.samplesperpixel, name) is not None:
            left_out(name, "scales and offsets of the bands: the numbers are taken as they are stored")
    if values.ndim == 3 and axes.endswith("YX"):
        # tifffile's imwrite makes pages of the rows of an array whose bands are last
        is_last = axes[0] in "QI" and bands_axis(values) == 2
        if is_last:
            reinterpreted(name, "pages taken for rows, and their columns for bands")
        values = values if is_last else np.moveaxis(values, 0, -1)
    elif values.ndim == 3 and axes[:2] != "YX":
        raise InputError(f"{name} has the axes {axes}", fix="save the bands as samples of a pixel, or as pages")
    return Cube(values, name, ignored=ignored)


def tiff_shape(path: Path) -> tuple[int, ...]:
    """The axes of the first series of a file; its bands last."""
    with open_tiff(path, codecs=_CODECS) as tiff:
        series = _largest(tiff)
        shape, axes = tuple(series.shape), series.axes
    return (*shape[1:], shape[0]) if len(shape) == 3 and axes.endswith("YX") else shape


def _largest(tiff: Any) -> Any:
    """The scene, and not the thumbnail or the masks that may stand before it."""
    return max(tiff.series, key=lambda series: series.size)  # of equal ones the first


def read_labels_tiff(path: Path) -> NDArray[Any]:
    """The first picture of a file, as it is."""
    with open_tiff(path, codecs=_CODECS) as tiff:
        check_size(tiff.series[0].shape, tiff.series[0].dtype, str(path))
        labels: NDArray[Any] = tiff.series[0].asarray()
    return labels


def _values(file: Path | BinaryIO, tiff: Any, series: Any, name: str) -> NDArray[Any]:
    """The samples, in the order of the file's axes."""
    dtype = np.dtype(series.dtype).newbyteorder(tiff.byteorder)
    if isinstance(file, Path) and series.dataoffset is not None:
        mapped: NDArray[Any] = np.memmap(file, dtype, "r", series.dataoffset, series.shape)
        return mapped
    check_size(series.shape, dtype, name)
    loaded: NDArray[Any] = series.asarray()
    return loaded


def _number(text: Any) -> float | None:
    try:
        return float(str(text).strip(" \0"))
    except ValueError:
        return None
