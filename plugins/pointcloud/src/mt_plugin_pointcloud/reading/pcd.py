"""The Point Cloud Library's files: a text header, then text, packed binary or LZF-compressed columns."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.reading.columns import Raw, from_table
from mt_plugin_pointcloud.reading.lzf import decompress
from mt_plugin_pointcloud.reading.text import numbers

_KINDS = {"I": "i", "U": "u", "F": "f"}
_LONGEST_HEADER = 2**14  # bytes
_LARGEST_BYTES = 2**30  # unpacked
_LZF_GAIN = 88  # three bytes unpack to 264 at most

Array = NDArray[Any]


def read_pcd(path: Path) -> Raw:
    """Points with intensity, normals and colour; PCL packs the latter into one number called rgb or rgba.

    Raises:
        InputError: no PCD header, or more points promised than the file has bytes for.

    Source: Point Cloud Library, "The PCD (Point Cloud Data) file format", version 0.7.
    """
    content = path.read_bytes()
    header, start = _header(content[:_LONGEST_HEADER], path)
    kind = _row_type(header, path)
    count = int(header["POINTS"][0])
    if count < 0:
        raise InputError(f"{path} promises {count} points", fix="export the file again")
    data = memoryview(content)[start:]
    match header["DATA"][0].lower():
        case "ascii":
            table = _ascii(data, kind, count, path)
        case "binary":
            _check(count * kind.itemsize, len(data), count, path)
            table = np.frombuffer(data, kind, count)
        case "binary_compressed":
            table = _compressed(data, kind, count, path)
        case other:
            raise InputError(f"{path} has DATA {other[:40]!r}", fix="write it as ascii, binary or binary_compressed")
    table = table[:: step_for(len(table))]
    names = [name for name in kind.names or () if kind[name].shape == ()]
    found = from_table(table, names, str(path))
    packed = next((name for name in names if name.lower() in ("rgb", "rgba")), None)
    if packed is not None and kind[packed].itemsize == 4:
        colour = np.ascontiguousarray(table[packed]).view("<u4")
        rgb = np.stack([colour >> 16 & 255, colour >> 8 & 255, colour & 255], axis=1).astype(np.uint8)
        return Raw(found.points, {**found.channels, "colour": rgb})
    return found


def _header(head: bytes, path: Path) -> tuple[dict[str, list[str]], int]:
    """The header's words by their first, and where the data start."""
    header: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in header:
        stop = head.find(b"\n", start)
        if stop < 0:
            raise InputError(
                f"{path} has no complete PCD header", fix="copy the file again, or give it the suffix of its format"
            )
        words = head[start:stop].decode("ascii", "replace").split()
        if words and not words[0].startswith("#"):
            header["FIELDS" if words[0].upper() == "COLUMNS" else words[0].upper()] = words[1:]
        start = stop + 1
    if "POINTS" not in header and {"WIDTH", "HEIGHT"} <= header.keys():
        header["POINTS"] = [str(int(header["WIDTH"][0]) * int(header["HEIGHT"][0]))]
    missing = [word for word in ("FIELDS", "SIZE", "TYPE", "POINTS", "DATA") if not header.get(word)]
    if missing:
        raise InputError(f"{path}: the PCD header lacks {', '.join(missing)}", fix="export the file again")
    return header, start


def _row_type(header: dict[str, list[str]], path: Path) -> np.dtype[Any]:
    names, sizes, types = header["FIELDS"], header["SIZE"], header["TYPE"]
    counts = header.get("COUNT", ["1"] * len(names))
    if not len(names) == len(sizes) == len(types) == len(counts):
        raise InputError(f"{path}: FIELDS, SIZE, TYPE and COUNT differ in length", fix="export the file again")
    fields: list[Any] = []
    for position, (name, size, letter, repeated) in enumerate(zip(names, sizes, types, counts, strict=True)):
        if letter not in _KINDS or size not in "1248" or not 0 < int(repeated) < 10_000:
            raise InputError(f"{path}: the field {name!r} is {letter}{size}x{repeated}", fix="export the file again")
        code = f"<{_KINDS[letter]}{size}"
        unique = f"{name}{position}" if name == "_" else name  # padding fields all have one name
        fields.append((unique, code) if repeated == "1" else (unique, code, (int(repeated),)))
    return np.dtype(fields)


def _ascii(data: memoryview, kind: np.dtype[Any], count: int, path: Path) -> Array:
    values = numbers(bytes(data).decode("ascii", "replace").splitlines(), path)
    names = kind.names or ()
    widths = [int(np.prod(kind[name].shape)) for name in names]
    if values.shape != (count, sum(widths)):
        raise InputError(
            f"{path} promises {count:,} points of {sum(widths)} numbers and has {values.shape}",
            fix="copy the file again: it seems to be cut short",
        )
    table = np.empty(count, kind)
    for name, width, stop in zip(names, widths, np.cumsum(widths), strict=True):
        table[name] = values[:, stop - 1] if kind[name].shape == () else values[:, stop - width : stop]
    return table


def _compressed(data: memoryview, kind: np.dtype[Any], count: int, path: Path) -> Array:
    """Column by column: all x, then all y…"""
    if len(data) < 8:
        raise InputError(f"{path} is cut short", fix="copy the file again")
    packed, size = struct.unpack_from("<II", data)
    _check(packed, len(data) - 8, count, path)
    if size != count * kind.itemsize or size > min(_LARGEST_BYTES, packed * _LZF_GAIN):
        raise InputError(
            f"{path} promises {count:,} points of {kind.itemsize} bytes in {packed:,} bytes that unpack to {size:,}",
            fix="export the file again",
        )
    columns = decompress(bytes(data[8 : 8 + packed]), size)
    table = np.empty(count, kind)
    start = 0
    for name in kind.names or ():
        field = kind[name]
        part = np.frombuffer(columns, field.base, count * int(np.prod(field.shape)), start)
        table[name] = part.reshape(count, *field.shape)
        start += count * field.itemsize
    return table


def _check(promised: int, left: int, count: int, path: Path) -> None:
    if promised > left:
        raise InputError(
            f"{path} promises {count:,} points, {promised:,} bytes, and has {left:,}",
            fix="copy the file again: it seems to be cut short",
        )
