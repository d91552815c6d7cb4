"""ENVI scenes: a header in text and a file of bare numbers beside it.

Source: the format as NV5 Geospatial documents it, "ENVI Header Files"; headers are read by Spectral Python.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import first_bytes
from mt_plugin_hyperspectral.cube import MAX_BANDS, MAX_PIXELS, Cube, Wavelengths

_DTYPES = {
    "1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8",
}  # fmt: skip

_SUFFIXES = ("", ".img", ".dat", ".raw", ".bin", ".bip", ".bil", ".bsq")

_LARGEST_HEADER = 2**24

_NANOMETRES = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "micrometers": 1e3, "micrometer": 1e3, "microns": 1e3,
               "um": 1e3}  # fmt: skip


def header_beside(path: Path) -> Path | None:
    """The header of a data file; None where there is none."""
    if path.suffix.lower() not in _SUFFIXES:
        return None
    candidates = [Path(f"{path}{end}") for end in (".hdr", ".HDR")]
    candidates += [path.with_suffix(end) for end in (".hdr", ".HDR") if path.suffix]
    return next((header for header in candidates if header.is_file() and _is_header(header)), None)


def open_envi(header: Path, data: Path | None = None) -> Cube:
    """A scene, mapped into memory; bands that `bbl` marks as bad are left out.

    Args:
        data: The file of numbers; None: looked for beside the header.
    """
    values, fields = map_envi(header, data)
    wavelengths = _wavelengths(fields, values.shape[2])
    kept = _good_bands(fields, values.shape[2])
    if wavelengths is not None and kept is not None:
        wavelengths = tuple(wavelengths[band] for band in kept)
    return Cube(values, str(header), wavelengths, _float(fields.get("data ignore value")), kept)


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
    data = data if data is not None else _data_beside(header)
    expected = offset + height * width * bands * dtype.itemsize
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
    from spectral.io.envi import FileNotAnEnviHeader, read_envi_header  # type: ignore[import-untyped,unused-ignore]

    if header.stat().st_size > _LARGEST_HEADER:
        raise InputError(f"{header} is too long for a header", fix="check that it is the header and not the data")
    try:
        fields: dict[str, Any] = read_envi_header(str(header))
    except (FileNotAnEnviHeader, UnicodeDecodeError):  # it does begin with ENVI: it is the rest that is no text
        raise InputError(f"{header} is not UTF-8", fix="save the header again as UTF-8") from None
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
    code, order = str(fields.get("data type")), str(fields.get("byte order", "0"))
    if code not in _DTYPES or order not in ("0", "1"):
        raise InputError(
            f"{header} has data type {code} and byte order {order}",
            fix=f"real numbers are data types {', '.join(_DTYPES)}; byte order is 0 (little end first) or 1",
        )
    return np.dtype(("<" if order == "0" else ">") + _DTYPES[code])


def _data_beside(header: Path) -> Path:
    stem = header.with_suffix("")
    candidates = [Path(f"{stem}{suffix}") for end in _SUFFIXES for suffix in dict.fromkeys((end, end.upper()))]
    data = next((path for path in candidates if path.is_file()), None)
    if data is None:
        raise InputError(
            f"{header} has no data file beside it",
            fix=f"put it there as {', '.join(f'{stem.name}{end}' for end in _SUFFIXES)}",
        )
    return data


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


def _wavelengths(fields: dict[str, Any], bands: int) -> Wavelengths | None:
    """Nanometres; None where they are not told, not one a band, or in a unit that is none of length."""
    told = fields.get("wavelength")
    numbers = [_float(text) for text in told] if isinstance(told, list) else []
    known = [number for number in numbers if number is not None and number > 0]
    if len(known) != bands or len(numbers) != bands:
        return None
    unit = str(fields.get("wavelength units", "unknown")).lower()
    guessed = 1e3 if max(known) < 100 else 1.0  # optical sensors reach from 0.35 to about 14 micrometres
    factor = guessed if unit in ("unknown", "") else _NANOMETRES.get(unit)
    return None if factor is None else tuple(number * factor for number in known)


def _good_bands(fields: dict[str, Any], bands: int) -> NDArray[np.int64] | None:
    told = fields.get("bbl")
    if not isinstance(told, list) or len(told) != bands:
        return None
    good = np.flatnonzero([_float(text) != 0 for text in told])
    return None if len(good) in (0, bands) else good


def _float(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
