"""The arrays of a file, listed before any is read; ground truths among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import reading
from mt_core.errors import DatasetError, InputError
from mt_core.sdk import quiet
from mt_plugin_hyperspectral.cube import check_size
from mt_plugin_hyperspectral.reading import SUFFIXES, open_cube
from mt_plugin_hyperspectral.reading.envi import map_envi
from mt_plugin_hyperspectral.reading.matlab import array_shapes, load_array
from mt_plugin_hyperspectral.reading.tiff import read_labels_tiff, tiff_shape

_MOST_LABELS = 2**15
"""Numbers of classes above it are no classes but measurements."""


def arrays_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of the arrays of a file; the name is "" where the format has none.

    Raises:
        InputError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    with reading(path, formats=" ".join(SUFFIXES)), quiet():
        if suffix == ".mat":
            return array_shapes(path, str(path))
        if suffix == ".npy":
            shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
            return {"": shape if len(shape) != 3 else _of_cube(path)}
        if suffix in (".tif", ".tiff"):
            shape = tiff_shape(path)
            return {"": shape if len(shape) != 3 else _of_cube(path)}
        if suffix == ".hdr":
            height, width, bands = map_envi(path)[0].shape
            return {"": (height, width) if bands == 1 else (height, width, bands)}
        return {"": _of_cube(path)}


def with_bands_last(shapes: dict[Path, dict[str, tuple[int, ...]]]) -> dict[Path, dict[str, tuple[int, ...]]]:
    """The shapes of `arrays_in` with those of MATLAB's cubes as they are read, which may have their bands first; only
    cubes that no array of labels fits are looked at, since they are read for it.

    Raises:
        InputError: a file cannot be read.
    """
    flat = {shape for arrays in shapes.values() for shape in arrays.values() if len(shape) == 2}
    found = {}
    for path, arrays in shapes.items():
        cubes = [key for key, shape in arrays.items() if len(shape) == 3 and shape[2] > 1]
        is_unfit = path.suffix.lower() == ".mat" and len(cubes) == 1 and arrays[cubes[0]][:2] not in flat
        found[path] = {**arrays, cubes[0]: _of_cube(path)} if is_unfit and flat else arrays
    return found


def _of_cube(path: Path) -> tuple[int, ...]:
    """Rows, columns and bands, wherever the file has its bands."""
    return open_cube(path).values.shape


def labels_in(path: Path, key: str, *, is_whole: bool = True) -> NDArray[Any]:
    """An array of labels, or of abundances.

    Args:
        is_whole: It has to be numbers of classes.

    Raises:
        DatasetError: other than whole numbers from 0.
        InputError: the file cannot be read.
    """
    with reading(path, formats=".mat .npy .tif .hdr"), quiet():
        labels = np.asarray(_loaded(path, key))
        if not labels.size:
            raise InputError(f"{path}: {key or 'the array'} is empty", fix="save it again")
        if not is_whole:
            if not np.isfinite(labels).all():
                raise InputError(f"{path}: {key} has values that are not finite", fix="save it again without them")
            return labels
        whole = labels.astype(np.int64) if labels.dtype.kind in "uib" or np.isfinite(labels).all() else None
    if whole is None or not np.array_equal(whole, labels) or whole.min() < 0 or whole.max() > _MOST_LABELS:
        raise DatasetError(
            f"{path}: {key or 'the array'} is not a ground truth: it holds other than whole numbers from 0",
            fix="number the classes from 1, with 0 for unlabelled pixels",
        )
    return whole


def _loaded(path: Path, key: str) -> Any:
    suffix = path.suffix.lower()
    if suffix == ".mat":
        values = load_array(path, key, str(path))
        check_size(values.shape, values.dtype, f"{path}: {key}")
        return values[slice(None), slice(None)]
    if suffix == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False)
    return map_envi(path)[0][..., 0] if suffix == ".hdr" else read_labels_tiff(path)
