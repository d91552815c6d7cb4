"""Stanford polygon files: a header of elements and properties, then text or packed binary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mt_core.errors import InputError
from numpy.typing import NDArray

from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.readers.columns import from_table
from mt_plugin_pointcloud.readers.polygons import fan
from mt_plugin_pointcloud.readers.reading import Raw
from mt_plugin_pointcloud.readers.text import numbers

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float": "f4", "double": "f8", "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 2**16  # bytes

Array = NDArray[Any]


@dataclass
class _Element:
    """`lists` are properties of varying length; fixed properties stand in `fields` as (name, type)."""

    name: str
    count: int
    fields: list[tuple[str, str]]
    lists: list[tuple[str, str, str]]


def read_ply(path: Path) -> Raw:
    """Vertices with their intensity, normals and colour, and the faces of a mesh.

    Raises:
        InputError: no PLY header, more elements promised than the file has bytes for, or no vertices.

    Source: Turk 1994, "The PLY polygon file format".
    """
    content = memoryview(path.read_bytes())
    order, elements, start = _header(bytes(content[:_LONGEST_HEADER]), path)
    names = [element.name for element in elements]
    if "vertex" not in names:
        raise InputError(f"{path} has no vertices but {', '.join(names) or 'nothing'}", fix="export the points as well")
    read = _ascii if order == "" else _binary
    tables = read(content[start:], elements, order, path)
    vertices = tables["vertex"]
    points, channels = from_table(vertices, vertices.dtype.names or (), str(path))
    return Raw(points, channels, tables.get("face"))


def _header(head: bytes, path: Path) -> tuple[str, list[_Element], int]:
    """Byte order ("" for text), the elements, and where the data start."""
    if not head.startswith(b"ply"):
        raise InputError(f"{path} does not start with 'ply'", fix="give the file the suffix of its format")
    mark = head.find(b"end_header")
    stop = head.find(b"\n", mark) if mark >= 0 else -1
    if stop < 0:
        raise InputError(f"{path} has no end of its PLY header", fix="copy the file again: it seems to be cut short")
    order, elements = None, list[_Element]()
    for line in head[:mark].decode("ascii", "replace").splitlines()[1:]:
        words = line.split()
        match words:
            case ["format", kind, *_] if kind in _ORDERS:
                order = _ORDERS[kind]
            case ["element", name, count] if count.isdigit():
                elements.append(_Element(name, int(count), [], []))
            case ["property", "list", length, item, name] if elements and length in _TYPES and item in _TYPES:
                elements[-1].lists.append((name, _TYPES[length], _TYPES[item]))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].fields.append((name, _TYPES[kind]))
            case [] | ["comment" | "obj_info", *_]:
                continue
            case _:
                raise InputError(f"{path}: the PLY header says {line[:80]!r}", fix="export the file again")
    if order is None:
        raise InputError(f"{path}: the PLY header names no format", fix="export the file again")
    return order, elements, stop + 1


def _binary(data: memoryview, elements: list[_Element], order: str, path: Path) -> dict[str, Array]:
    tables: dict[str, Array] = {}
    start = 0
    for element in elements:
        if element.lists:  # only the first mesh's faces are of use, and nothing behind them can be found in one step
            if element.name == "face" and element.lists[0][0].startswith("vertex_ind"):
                tables["face"] = _binary_faces(data[start:], element, order, path)
            break
        kind = np.dtype([(name, order + code) for name, code in element.fields])
        _check(element, len(data) - start, kind.itemsize, path)
        table = np.frombuffer(data, kind, element.count, start)
        tables[element.name] = table[:: step_for(element.count)] if elements[-1] is element else table
        start += element.count * kind.itemsize
    if "vertex" not in tables:
        raise InputError(f"{path}: the vertices stand behind a list", fix="export the file with its vertices first")
    return tables


def _binary_faces(data: memoryview, element: _Element, order: str, path: Path) -> Array:
    """(T, 3) triangles. Faces of one size, which is what exporters write, are read in one step."""
    _, length_code, item_code = element.lists[0]
    length, item = np.dtype(order + length_code), np.dtype(order + item_code)
    _check(element, len(data), length.itemsize, path)
    if element.count == 0:
        return np.empty((0, 3), np.int64)
    if not element.fields and len(element.lists) == 1:
        corners = int(np.frombuffer(data, length, 1)[0])
        kind = np.dtype([("length", length), ("corners", item, (max(corners, 0),))])
        if corners >= 3 and element.count * kind.itemsize <= len(data):
            table = np.frombuffer(data, kind, element.count)
            if (table["length"] == corners).all():
                return fan(table["corners"].ravel(), np.full(element.count, corners))
    raise InputError(
        f"{path} has faces of different sizes or with properties, in binary",
        fix="export it with triangles only, or as text",
    )


def _ascii(data: memoryview, elements: list[_Element], order: str, path: Path) -> dict[str, Array]:
    del order
    try:
        lines = bytes(data).decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path} says it is text and is not", fix="export the file again") from None
    tables: dict[str, Array] = {}
    start = 0
    for element in elements:
        rows = lines[start : start + element.count]
        if len(rows) < element.count:
            raise InputError(
                f"{path} promises {element.count} of {element.name!r} and has {len(rows)}",
                fix="copy the file again: it seems to be cut short",
            )
        start += element.count
        if element.name == "face" and element.lists:
            words = [row.split() for row in rows]
            sizes = np.array([int(row[0]) for row in words], dtype=np.int64)
            corners = [int(word) for row in words for word in row[1 : 1 + int(row[0])]]
            tables["face"] = fan(np.array(corners, dtype=np.int64), sizes)
        elif not element.lists and element.fields and rows:
            values = numbers("\n".join(rows), path)
            if values.shape != (element.count, len(element.fields)):
                raise InputError(
                    f"{path}: rows of {element.name!r} have {values.shape[1]} numbers, the header names "
                    f"{len(element.fields)}",
                    fix="export the file again",
                )
            table = np.empty(element.count, [(name, code) for name, code in element.fields])
            for column, (name, _) in enumerate(element.fields):
                table[name] = values[:, column]
            tables[element.name] = table
        elif not element.lists and element.fields:
            tables[element.name] = np.empty(0, [(name, code) for name, code in element.fields])
    return tables


def _check(element: _Element, left: int, itemsize: int, path: Path) -> None:
    if element.count * itemsize > left:
        raise InputError(
            f"{path} promises {element.count:,} of {element.name!r} and has {left:,} bytes for them",
            fix="copy the file again: it seems to be cut short",
        )
