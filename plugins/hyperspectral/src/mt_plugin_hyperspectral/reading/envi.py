"""ENVI scenes: a header in text and a file of bare numbers beside it.

Source: the format as NV5 Geospatial documents it, "ENVI Header Files"; headers are read by Spectral Python.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import first_bytes, left_out, reinterpreted, text_chunks
from mt_plugin_hyperspectral.cube import MAX_BANDS, MAX_PIXELS, Cube, Wavelengths

_DTYPES = {
    "1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8",
}  # fmt: skip

_SUFFIXES = ("", ".img", ".dat", ".raw", ".bin", ".bip", ".bil", ".bsq")

_LARGEST_HEADER = 2**24

_NANOMETRES = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "micrometers": 1e3, "micrometer": 1e3, "microns": 1e3,
               "um": 1e3, "µm": 1e3, "nanometres": 1.0, "nanometre": 1.0, "micrometres": 1e3, "micrometre": 1e3,
               "micron": 1e3, "angstroms": 0.1}  # fmt: skip
_SMALLEST_WAVENUMBER = 100  # a centimetre; 0.1 mm
_WAVENUMBERS = ("wavenumber", "wavenumbers", "cm-1", "1/cm")


def header_beside(path: Path) -> Path | None:
    """The header of a data file; None where there is none."""
    if path.suffix.lower() not in _SUFFIXES:
        return None
    candidates = map(Path, _header_names(str(path)))
    return next((header for header in candidates if header.is_file() and _is_header(header)), None)


def files_beside(name: str) -> list[str]:
    """What a header's data may be called, and a data file's header: names, whether they are there or not."""
    stem, suffix = os.path.splitext(name)
    if suffix.lower() == ".hdr":
        return _data_names(stem)
    return _header_names(name) if suffix.lower() in _SUFFIXES else []


def _data_names(stem: str) -> list[str]:
    return [f"{stem}{suffix}" for end in _SUFFIXES for suffix in dict.fromkeys((end, end.upper()))]


def _header_names(name: str) -> list[str]:
    return [f"{base}{end}" for base in dict.fromkeys((name, os.path.splitext(name)[0])) for end in (".hdr", ".HDR")]


def open_envi(header: Path, data: Path | None = None) -> Cube:
    """A scene, mapped into memory; bands that `bbl` marks as bad are left out.

    Args:
        data: The file of numbers; None: looked for beside the header.
    """
    values, fields = map_envi(header, data)
    wavelengths = _wavelengths(fields, values.shape[2], str(header))
    kept = _good_bands(fields, values.shape[2], str(header))
    if wavelengths is not None and kept is not None:
        wavelengths = tuple(wavelengths[band] for band in kept)
    if "data gain values" in fields or "data offset values" in fields:
        left_out(str(header), "gains and offsets of the bands: the numbers are taken as they are stored")
    scale = _float(fields.get("reflectance scale factor"))
    ignored = _float(fields.get("data ignore value"))
    return Cube(values, str(header), wavelengths, ignored, kept, scale if scale and scale > 0 else 1.0)


def map_envi(header: Path, data: Path | None = None) -> tuple[NDArray[Any], dict[str, Any]]:
    """The numbers of a file of any number of bands, (H, W, B), mapped into memory; and the fields of its header."""
    fields = _fields(header)
    if "library" in str(fields.get("file type", "")).lower():
        raise InputError(f"{header} is a spectral library and no scene", fix="pass its spectra as arrays, one each")
    if str(fields.get("file compression", "0")) != "0":
        raise InputError(f"{header} says that its file is compressed", fix="save the scene without compression")
    height, width, bands = (_whole(fields, key, header) for key in ("lines", "samples", "bands"))
    if min(height, width, bands) < 1 or height * width > MAX_PIXELS or bands > MAX_BANDS:
        raise InputError(
            f"{header} says {height:,} x {width:,} pixels of {bands:,} bands, which is impossible",
            fix="correct lines, samples and bands in the header",
        )
    dtype = _dtype(fields, header)
    offset = _whole(fields, "header offset", header, 0)
    expected = offset + height * width * bands * dtype.itemsize
    data = data if data is not None else _data_beside(header, expected)
    if data.stat().st_size != expected:
        raise InputError(
            f"{data} has {data.stat().st_size:,} bytes, its header {header.name} says {expected:,} "
            f"({height} x {width} x {bands} of {dtype}, offset {offset})",
            fix="copy both files again, or correct the header",
        )
    return _mapped(data, dtype, offset, (height, width, bands), fields, header), fields


def _is_header(path: Path) -> bool:
    return first_bytes(path, 4) == b"ENVI"


def _fields(header: Path) -> dict[str, Any]:
    """Of a header in UTF-8, or in Windows-1252 with a warning."""
    from spectral.io.envi import FileNotAnEnviHeader, read_envi_header  # type: ignore[import-untyped,unused-ignore]

    if header.stat().st_size > _LARGEST_HEADER:
        raise InputError(f"{header} is too long for a header", fix="check that it is the header and not the data")
    try:
        fields: dict[str, Any] = read_envi_header(str(header))
    except (FileNotAnEnviHeader, UnicodeDecodeError):  # it does begin with ENVI: it is the rest that is no text
        with header.open("rb") as stream:
            text = "".join(text_chunks(stream, str(header)))
        with TemporaryDirectory() as folder:  # Spectral Python reads from a path, and no other text than UTF-8
            copy = Path(folder) / "header.hdr"
            copy.write_text(text, encoding="utf-8")
            fields = read_envi_header(str(copy))
    return fields


def _whole(fields: dict[str, Any], key: str, header: Path, default: int | None = None) -> int:
    text = fields.get(key, default)
    try:
        number = int(str(text))
    except ValueError:
        number = -1
    if number < 0:
        raise InputError(
            f"{header} has no number for {key!r}" + (f": {text!r}" if text is not None else ""),
            fix=f"add a line like {key} = 100",
        )
    return number


def _dtype(fields: dict[str, Any], header: Path) -> np.dtype[Any]:
    code, order = str(fields.get("data type")).strip(), str(fields.get("byte order", "0")).strip()
    if "byte order" not in fields and code != "1":
        reinterpreted(str(header), "numbers without a byte order taken for little end first")
    if code not in _DTYPES or order not in ("0", "1"):
        raise InputError(
            f"{header} has data type {code} and byte order {order}",
            fix=f"real numbers are data types {', '.join(_DTYPES)}; byte order is 0 (little end first) or 1",
        )
    return np.dtype(("<" if order == "0" else ">") + _DTYPES[code])


def _data_beside(header: Path, size: int) -> Path:
    """The file of numbers; of several the one that has so many bytes."""
    stem = header.with_suffix("")
    candidates = list(map(Path, _data_names(str(stem))))
    there = list({(path.stat().st_dev, path.stat().st_ino): path for path in candidates if path.is_file()}.values())
    if not there:
        raise InputError(
            f"{header} has no data file beside it",
            fix=f"put it there as {', '.join(f'{stem.name}{end}' for end in _SUFFIXES)}",
        )
    fitting = [path for path in there if path.stat().st_size == size]
    if len(fitting) > 1:
        reinterpreted(str(header), f"{fitting[0].name} as its data, of {len(fitting)} files that may be it")
    return (fitting or there)[0]


def _mapped(
    data: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, int, int], fields: dict[str, Any], header: Path
) -> NDArray[Any]:
    """(H, W, B), whatever the order in the file."""
    height, width, bands = shape
    interleave = str(fields.get("interleave", "")).lower()
    if interleave == "bip":
        return np.memmap(data, dtype, "r", offset, (height, width, bands))
    if interleave == "bil":
        return np.memmap(data, dtype, "r", offset, (height, bands, width)).transpose(0, 2, 1)
    if interleave == "bsq":
        return np.memmap(data, dtype, "r", offset, (bands, height, width)).transpose(1, 2, 0)
    raise InputError(f"{header} has the interleave {interleave!r}", fix="it is one of bsq, bil, bip")


def _wavelengths(fields: dict[str, Any], bands: int, name: str) -> Wavelengths | None:
    """Nanometres; None where they are not told, not one a band, or in a unit that is none of length."""
    told = fields.get("wavelength")
    if not isinstance(told, list):
        return None
    numbers = [_float(text) for text in told]
    known = [number for number in numbers if number is not None and number > 0]
    if len(known) != bands or len(numbers) != bands:
        left_out(name, f"wavelengths: {len(known)} for {bands} bands")
        return None
    unit = str(fields.get("wavelength units", "unknown")).strip().lower()
    if unit == "index":
        return None
    if unit in _WAVENUMBERS and min(known) > _SMALLEST_WAVENUMBER:
        return tuple(1e7 / number for number in known)
    if unit not in ("unknown", "", *_NANOMETRES):
        left_out(name, f"wavelengths, which are in {unit}")
        return None
    guessed = 1e3 if max(known) < 100 else 1.0  # optical sensors reach from 0.35 to about 14 micrometres
    factor = _NANOMETRES.get(unit, guessed)
    return tuple(number * factor for number in known)


def _good_bands(fields: dict[str, Any], bands: int, name: str) -> NDArray[np.int64] | None:
    told = fields.get("bbl")
    if not isinstance(told, list):
        return None
    if len(told) != bands:
        left_out(name, f"the list of bad bands: {len(told)} for {bands} bands")
        return None
    good = np.flatnonzero([_float(text) != 0 for text in told])
    return None if len(good) in (0, bands) else good


def _float(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
