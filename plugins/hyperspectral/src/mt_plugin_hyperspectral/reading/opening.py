"""Which reader a source is for: decided by its content, whatever its suffix says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import (
    as_array,
    declared_suffixes,
    first_bytes,
    is_tiff,
    left_out,
    names_in_npz,
    quiet,
    read_npy,
    read_npz,
    some_of,
)
from mt_plugin_hyperspectral.cube import LARGEST_BYTES, Cube, bands_last
from mt_plugin_hyperspectral.reading.envi import header_beside, open_envi
from mt_plugin_hyperspectral.reading.matlab import WAVELENGTH_NAMES, is_matlab, nanometres, open_matlab
from mt_plugin_hyperspectral.reading.tiff import cube_of_tiff

SUFFIXES = declared_suffixes("mt_plugin_hyperspectral")

_NPZ_NAMES = ("cube", "data", "values", "image")


def open_cube(source: str | Path | bytes) -> Cube:
    """The scene of a file.

    Args:
        source: A path, of an ENVI scene that of its header or of its data; or the bytes of a file (not ENVI, which is
            two files).

    Raises:
        InputError: no scene, damaged, or too large for its format.
        MissingDependencyError: a compressed TIFF that needs the package imagecodecs.
    """
    name = name_of(source)
    with reading(source, formats=" ".join(SUFFIXES)), quiet():
        head = first_bytes(source, 1024)
        if isinstance(source, bytes):
            return _opened(BytesIO(source), head, name)
        path = Path(source)
        if head.startswith(b"ENVI"):
            return open_envi(path)
        if (header := header_beside(path)) is not None:
            return open_envi(header, path)
        return _opened(path, head, name)


def _opened(file: Path | BinaryIO, head: bytes, name: str) -> Cube:
    if head.startswith(b"\x93NUMPY"):
        if isinstance(file, Path):
            return Cube(bands_last(np.load(file, mmap_mode="r"), name), name)
        return Cube(bands_last(read_npy(file, name, largest=LARGEST_BYTES), name), name)
    if head.startswith(b"PK\x03\x04"):
        return _of_npz(file, name)
    if is_tiff(head):
        return cube_of_tiff(file, name)
    if is_matlab(head):
        return open_matlab(file, name)
    raise InputError(
        f"{name} is not a hyperspectral scene in a known format",
        fix=f"check that the file is whole and one of {' '.join(SUFFIXES)}; raw data needs its ENVI header beside it",
    )


def _of_npz(file: Path | BinaryIO, name: str) -> Cube:
    """The array of the scene, and that of its wavelengths; others are left out, with a warning."""
    names = names_in_npz(file)
    told = next((key for key in names if key.lower() in WAVELENGTH_NAMES), None)
    others = tuple(key for key in names if key != told)
    taken = next((key for key in _NPZ_NAMES if key in others), others[0] if len(others) == 1 else None)
    wanted = _NPZ_NAMES if taken is None else (taken,)
    values = bands_last(read_npz(file, wanted, name=name, largest=LARGEST_BYTES), name)
    if unused := [key for key in others if key != taken]:
        left_out(name, f"the arrays {some_of(unused)}")
    cube = Cube(values, name)
    if told is None:
        return cube
    numbers = read_npz(file, (told,), name=name)
    if numbers.size != cube.bands:
        left_out(name, f"wavelengths: {numbers.size} for {cube.bands} bands")
        return cube
    return replace(cube, wavelengths=nanometres(numbers, name))


def open_array(source: Any) -> Cube | None:
    """The cube of an array (H, W, B), of a spectrum (B,), or of a mapping with the key "wavelengths" beside the key
    "values", "cube" or "spectrum"; None for anything else. Micrometres are known by their size, as in files.

    Raises:
        InputError: an array of other axes, or wavelengths that are not one a band.
    """
    wavelengths = None
    name = name_of(source)
    if isinstance(source, Mapping):
        array = next((source[key] for key in ("values", "cube", "spectrum") if key in source), None)
        if source.get("wavelengths") is not None:
            wavelengths = np.asarray(source["wavelengths"])
    else:
        array = source
    if not isinstance(array, np.ndarray | torch.Tensor):
        return None
    array = as_array(array)
    cube = Cube(array[None, None] if array.ndim == 1 else array, name)
    if wavelengths is None:
        return cube
    if wavelengths.size != cube.bands:
        raise InputError(
            f"{name} has {cube.bands} bands and {wavelengths.size} wavelengths", fix="give one wavelength a band"
        )
    return replace(cube, wavelengths=nanometres(wavelengths, name))
