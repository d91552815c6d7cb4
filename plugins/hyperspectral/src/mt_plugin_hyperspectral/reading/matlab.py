"""MATLAB's files: version 5 by SciPy, version 7.3 (HDF5) by h5py.

What a version 5 file promises is read from its tags before SciPy allocates anything for it.
Source: The MathWorks, "MAT-File Format", R2019b, chapter 1, for the tags.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import left_out
from mt_plugin_hyperspectral.cube import Cube, Values, Wavelengths, bands_last, check_size

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES = (0, 512)  # MATLAB writes 512 bytes of its own first

_COMPRESSED, _MATRIX = 15, 14
_NUMERIC_CLASSES = range(6, 16)
_COMPLEX = 0x0800
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}

_HEAD_BYTES = 4096  # of an array: more than its flags, its shape and its name take

_LARGEST_RATIO = 1100  # of deflate, the best compression in HDF5; beyond it a file promises what it does not hold

WAVELENGTH_NAMES = ("wavelength", "wavelengths", "wl", "lambda", "wvl", "bands_nm", "centers", "wavelength_nm")

_CUBE_NAMES = ("cube", "data", "image", "img", "hsi", "x")

File = Path | BinaryIO


def is_matlab(head: bytes) -> bool:
    """Whether a file that begins so is MATLAB's, version 5 or 7.3."""
    return _is_hdf5(head) or head[126:128] in (b"IM", b"MI") or head.startswith(b"MATLAB ")


def open_matlab(file: File, name: str) -> Cube:
    """The scene of a file: its array of three axes, (H, W, B), or that of an unmixing scene.

    Raises:
        InputError: no such array, or several and none called cube, data, image, img, hsi or X.
    """
    shapes = array_shapes(file, name)
    if (size := unmixing_size(shapes)) is not None:
        check_size(shapes["Y"], np.dtype("f8"), name)
        spectra_BP = np.asarray(load_array(file, "Y", name)[slice(None), slice(None)])
        # MATLAB counts down the columns first
        return Cube(spectra_BP.T.reshape(*size, len(spectra_BP), order="F"), name)
    cubes = [key for key, shape in shapes.items() if len(shape) == 3 and shape[2] > 1]
    named = [key for key in cubes if key.lower() in _CUBE_NAMES]
    if len(cubes) != 1 and len(named) != 1:
        held = ", ".join(f"{key} {shape}" for key, shape in shapes.items()) or "no numeric array"
        raise InputError(
            f"{name} holds {held[:300]}: {'several cubes' if cubes else 'no cube of (rows, columns, bands)'}",
            fix="save the scene's cube alone in a file" if cubes else "pass a file with an array of three axes",
        )
    values = bands_last(load_array(file, cubes[0] if len(cubes) == 1 else named[0], name), name)
    return Cube(values, name, _wavelengths(file, shapes, values.shape[2], name))


def _wavelengths(file: File, shapes: Mapping[str, tuple[int, ...]], bands: int, name: str) -> Wavelengths | None:
    """Nanometres, where an array of this name has one number a band; micrometres are told by their size."""
    key = next((key for key, shape in shapes.items() if key.lower() in WAVELENGTH_NAMES), None)
    if key is None:
        return None
    if math.prod(shapes[key]) != bands:
        left_out(name, f"wavelengths: {math.prod(shapes[key])} for {bands} bands")
        return None
    return nanometres(np.asarray(load_array(file, key, name)[slice(None), slice(None)]), name)


def nanometres(numbers: NDArray[Any], name: str) -> Wavelengths | None:
    """Wavelengths of any shape as nanometres, micrometres known by their size; None, with a warning, where they are no
    positive numbers."""
    if numbers.dtype.kind not in "uif" or not (np.isfinite(numbers).all() and (numbers > 0).all()):
        left_out(name, "wavelengths, which are not all positive numbers")
        return None
    numbers = np.ravel(numbers.astype(np.float64))
    return tuple((numbers * (1e3 if numbers.max() < 100 else 1.0)).tolist())


def unmixing_size(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, int] | None:
    """Rows and columns of an unmixing scene: `Y` (bands, pixels) and `A` (materials, pixels) of a square, as Samson and
    Jasper Ridge are; None for other files."""
    spectra, abundances = shapes.get("Y", ()), shapes.get("A", ())
    if not (len(spectra) == len(abundances) == 2 and spectra[1] == abundances[1] and abundances[0] > 1):
        return None
    side = math.isqrt(spectra[1])
    return (side, side) if side * side == spectra[1] else None


def array_shapes(file: File, name: str) -> dict[str, tuple[int, ...]]:
    """The arrays of real numbers in a file, without reading one: name and shape as MATLAB shows it."""
    if _is_hdf5(_read(file, 0, 520)):
        import h5py

        with h5py.File(file, "r") as opened:
            datasets = _numeric_datasets(opened)
            return {key: dataset.shape[:: _step(opened, dataset)] for key, dataset in datasets.items()}
    return {key: shape for key, (shape, _) in _tags(file, name).items()}


def load_array(file: File, key: str, name: str) -> Values:
    """One of the arrays in `array_shapes`; of version 7.3 it stays in the file until it is indexed."""
    if _is_hdf5(_read(file, 0, 520)):
        import h5py

        dataset = _numeric_datasets(h5py.File(file, "r"))[key]
        stored, promised = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
        if promised > stored * _LARGEST_RATIO:
            raise InputError(
                f"{name}: {key} should be {dataset.shape[::-1]} {dataset.dtype} and holds {stored:,} bytes",
                fix="save the array again; most of it was never written",
            )
        return _Reversed(dataset) if _step(dataset.file, dataset) < 0 else _Stored(dataset)
    from scipy.io import loadmat

    shape, dtype = _tags(file, name)[key]
    check_size(shape, dtype, f"{name}: {key}")
    if not isinstance(file, Path):
        file.seek(0)
    values: NDArray[Any] = loadmat(file, variable_names=[key], appendmat=False)[key]
    return values  # of two arrays of one name the last, as in MATLAB


class _Reversed:
    """A data set with its axes in MATLAB's order: HDF5 stores them the other way round."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.shape: tuple[int, ...] = dataset.shape[::-1]
        self.dtype: np.dtype[Any] = dataset.dtype

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[Any]:
        rows, columns = key
        part: NDArray[Any] = self.dataset[..., columns, rows]
        return part.T


class _Stored:
    """A data set with its axes as they are stored: what another program than MATLAB wrote."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[Any]:
        part: NDArray[Any] = self.dataset[key]
        return part


def _step(opened: Any, dataset: Any) -> int:
    """-1 where the axes are in MATLAB's order, the other way round, and 1 where they are as Python wrote them: MATLAB
    begins its files with a text of 512 bytes, and writes the class of each array."""
    return -1 if opened.userblock_size or "MATLAB_class" in dataset.attrs else 1


def _is_hdf5(head: bytes) -> bool:
    return any(head[place : place + 8] == _HDF5_MAGIC for place in _HDF5_PLACES)


def _numeric_datasets(opened: Any) -> dict[str, Any]:
    import h5py

    arrays = {key: item for key, item in opened.items() if isinstance(item, h5py.Dataset) and item.shape}
    return {key: item for key, item in arrays.items() if item.dtype.kind in "uif" and "MATLAB_empty" not in item.attrs}


def _read(file: File, place: int, count: int) -> bytes:
    if isinstance(file, Path):
        with file.open("rb") as opened:
            opened.seek(place)
            return opened.read(count)
    file.seek(place)
    return file.read(count)


def _tags(file: File, name: str) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and stored type of each array of real numbers in a version 5 file.

    Raises:
        InputError: an array that promises more or less than its shape, tags that cannot be followed.
    """
    order = {b"IM": "<", b"MI": ">"}.get(_read(file, 126, 2))
    if order is None:
        raise InputError(f"{name} is a MATLAB file of an unknown version", fix="save it with -v7 or -v7.3")
    arrays: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    place = 128
    while len(tag := _read(file, place, 8)) == 8:
        kind, length = struct.unpack(f"{order}2I", tag)
        if kind == _COMPRESSED:
            head = zlib.decompressobj().decompress(_read(file, place + 8, min(length, _HEAD_BYTES)), _HEAD_BYTES)
        elif kind == _MATRIX:
            head = tag + _read(file, place + 8, min(length, _HEAD_BYTES))
        else:
            raise InputError(f"{name} is damaged at byte {place}", fix="copy or save the file again")
        if (found := _described(head, order, name)) is not None:
            key, shape, dtype = found
            arrays[key] = shape, dtype
        place += 8 + length
    return arrays


def _described(head: bytes, order: str, name: str) -> tuple[str, tuple[int, ...], np.dtype[Any]] | None:
    """Name, shape and stored type of an array from its first bytes; None for what is no array of real numbers."""
    flags = struct.unpack_from(f"{order}I", head, 16)[0]
    if flags & 0xFF not in _NUMERIC_CLASSES or flags & _COMPLEX:
        return None
    _, shape_bytes, start, place = _element(head, order, 24)
    shape = struct.unpack_from(f"{order}{shape_bytes // 4}i", head, start)
    _, name_bytes, start, place = _element(head, order, place)
    key = head[start : start + name_bytes].decode("latin-1")
    kind, data_bytes, _, _ = _element(head, order, place)
    if kind not in _TYPES or any(size < 0 for size in shape):
        raise InputError(f"{name}: the array {key!r} is damaged", fix="copy or save the file again")
    dtype = np.dtype(_TYPES[kind])
    if data_bytes != int(np.prod(shape, dtype=object)) * dtype.itemsize:
        raise InputError(
            f"{name}: the array {key!r} is {shape} {dtype} and has {data_bytes:,} bytes",
            fix="copy or save the file again",
        )
    return key, shape, dtype


def _element(head: bytes, order: str, place: int) -> tuple[int, int, int, int]:
    """Type and length in bytes of the element at a place, where its data begins, and where the next element does."""
    kind, length = struct.unpack_from(f"{order}2I", head, place)
    if kind >> 16:  # up to four bytes are kept within the tag
        return kind & 0xFFFF, kind >> 16, place + 4, place + 8
    return kind, length, place + 8, place + 8 + -(-length // 8) * 8
