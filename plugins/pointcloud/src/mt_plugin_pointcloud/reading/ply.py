"""Stanford polygon files: a header of elements and properties, then text or packed binary."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.reading.columns import Raw, from_table
from mt_plugin_pointcloud.reading.meshes import fan
from mt_plugin_pointcloud.reading.text import numbers

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float": "f4", "double": "f8", "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 2**16  # bytes

Array = NDArray[Any]


class _Property(NamedTuple):
    name: str
    kind: str
    length: str | None = None  # of a list: the type of the number that says how long it is


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)

    @property
    def has_lists(self) -> bool:
        return any(each.length for each in self.properties)

    def row(self, order: str = "", corners: int = 0) -> np.dtype[Any]:
        """The packed type of a row whose lists all have `corners` items; a list's length comes before it as #name."""
        fields: list[Any] = []
        for each in self.properties:
            if each.length:
                fields += [(f"#{each.name}", order + each.length), (each.name, order + each.kind, (corners,))]
            else:
                fields.append((each.name, order + each.kind))
        return np.dtype(fields)


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
    data = content[start:]
    tables = _binary(data, elements, order, path) if order else _ascii(data, elements, path)
    vertices = tables["vertex"]
    return from_table(vertices, vertices.dtype.names or (), str(path))._replace(triangles=tables.get("face"))


def _header(head: bytes, path: Path) -> tuple[str, list[_Element], int]:
    """Byte order ("" for text), the elements, and where the data start."""
    if not head.startswith(b"ply"):
        raise InputError(f"{path} does not start with 'ply'", fix="give the file the suffix of its format")
    mark = head.find(b"end_header")
    is_mac = mark >= 0 and head[mark + 10 : mark + 11] == b"\r" and head[mark + 11 : mark + 12] != b"\n"
    stop = head.find(b"\r" if is_mac else b"\n", mark) if mark >= 0 else -1
    if stop < 0:
        raise InputError(f"{path} has no end of its PLY header", fix="copy the file again: it seems to be cut short")
    order, elements = None, list[_Element]()
    for line in head[:mark].decode("ascii", "replace").splitlines()[1:]:
        words = line.split()
        match words:
            case ["format", kind, *_] if kind in _ORDERS:
                order = _ORDERS[kind]
            case ["element", name, count] if count.isdigit():
                elements.append(_Element(name, int(count)))
            case ["property", "list", length, item, name] if elements and length in _TYPES and item in _TYPES:
                elements[-1].properties.append(_Property(name, _TYPES[item], _TYPES[length]))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].properties.append(_Property(name, _TYPES[kind]))
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
        kind = element.row(order)
        if element.count * kind.itemsize > len(data) - start:
            raise InputError(
                f"{path} promises {element.count:,} of {element.name!r} and has {len(data) - start:,} bytes for them",
                fix="copy the file again: it seems to be cut short",
            )
        if element.has_lists:  # rows of varying length
            if element.name == "face" and "vertex" in tables:  # what comes behind them is not needed
                tables["face"] = _binary_faces(data[start:], element, order, path)[0]
                break
            triangles, length = _binary_faces(data[start:], element, order, path)
            tables |= {"face": triangles} if element.name == "face" else {}
            start += length
            continue
        table = np.frombuffer(data, kind, element.count, start)
        tables[element.name] = table[:: step_for(element.count)] if len(elements) == 1 else table
        start += element.count * kind.itemsize
    if "vertex" not in tables:
        raise InputError(f"{path} has lists in its vertices", fix="export it with plain properties")
    return tables


def _binary_faces(data: memoryview, element: _Element, order: str, path: Path) -> tuple[Array, int]:
    """(T, 3) triangles, and how many bytes they take. Faces of one size, which is what most exporters write, are read
    in one step."""
    corners = next(each for each in element.properties if each.length)
    if len(data) and sum(each.length is not None for each in element.properties) == 1:
        before = element.properties[: element.properties.index(corners)]
        length = np.dtype(order + str(corners.length))
        offset = sum(np.dtype(each.kind).itemsize for each in before)
        size = int(np.frombuffer(data, length, 1, offset)[0]) if element.count else 0
        kind = element.row(order, min(max(size, 0), 255))
        if size > 0 and element.count * kind.itemsize <= len(data):
            table = np.frombuffer(data, kind, element.count)
            if (table[f"#{corners.name}"] == size).all():
                return fan(table[corners.name].ravel(), np.full(element.count, size)), element.count * kind.itemsize
    sizes, indices, start = [], list[int](), 0
    for _ in range(element.count):
        for each in element.properties:
            number = 1
            if each.length:
                length = np.dtype(order + each.length)
                number = int(np.frombuffer(data, length, 1, start)[0])
                start += length.itemsize
            kind = np.dtype(order + each.kind)
            if not 0 <= number * kind.itemsize <= len(data) - start:
                raise InputError(f"{path} ends within its faces", fix="copy the file again: it seems to be cut short")
            if each is corners:
                sizes.append(number)
                indices += np.frombuffer(data, kind, number, start).tolist()
            start += number * kind.itemsize
    return fan(np.array(indices, dtype=np.int64), np.array(sizes, dtype=np.int64)), start


def _ascii(data: memoryview, elements: list[_Element], path: Path) -> dict[str, Array]:
    try:
        lines = [line for line in bytes(data).decode("ascii").splitlines() if line.strip()]
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
        if element.name == "face" and element.has_lists:
            tables["face"] = _ascii_faces(rows)
        elif element.name == "vertex" and not element.has_lists:
            tables["vertex"] = _ascii_table(rows, element, path)
    if "vertex" not in tables:
        raise InputError(f"{path} has lists in its vertices", fix="export it with plain properties")
    return tables


def _ascii_faces(rows: list[str]) -> Array:
    """(T, 3) triangles; the corners stand first, properties behind them are left out."""
    words = [row.split() for row in rows]
    sizes = np.array([int(row[0]) for row in words], dtype=np.int64)
    return fan(np.array([int(word) for row in words for word in row[1 : 1 + int(row[0])]], dtype=np.int64), sizes)


def _ascii_table(rows: list[str], element: _Element, path: Path) -> Array:
    table = np.empty(element.count, element.row())
    if rows:
        values = numbers(rows, path)
        if values.shape != (element.count, len(element.properties)):
            raise InputError(
                f"{path}: {element.name!r} rows have {values.shape[1]} numbers, the header names "
                f"{len(element.properties)}",
                fix="export the file again",
            )
        for column, each in enumerate(element.properties):
            table[each.name] = values[:, column]
    return table
