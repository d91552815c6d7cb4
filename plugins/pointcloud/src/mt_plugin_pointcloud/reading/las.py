"""Airborne and mobile surveys: LAS, and LAZ, its compressed form."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_core.sdk import left_out
from mt_plugin_pointcloud.cloud import LABELS, step_for
from mt_plugin_pointcloud.reading.columns import Raw
from mt_plugin_pointcloud.reading.laz import check_chunks

Array = NDArray[Any]

_CHUNK = 500_000  # points, about 20 MB
_CHUNK_BYTES = 2**26
_HEADER = 227  # bytes, the shortest there is
_RECORD_HEADER = 54  # bytes of each record between header and points


def read_las(path: Path) -> Raw:
    """Scaled coordinates, intensity, and colour where the point format has it.

    Read in chunks of which every n-th point is kept, so that a survey of any size takes bounded memory. The coordinates
    of withheld points are NaN, so that they are left out and the others keep their rows.

    Source: ASPRS, "LAS specification 1.4 R15"; table 8 for withheld points, which stand for deleted ones.
    """
    _check_records(path)
    try:
        chunks = list(_chunks(path))
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of the decompressor is no Exception
            raise
        raise InputError(f"{path} cannot be unpacked ({error})", fix="copy the file again: it is damaged") from None
    if not chunks:
        raise InputError(f"{path} holds no points", fix="export it again, or leave it out")
    num_points, withheld = (sum(each) for each in zip(*(counts for _, _, counts in chunks), strict=True))
    channels = {name: np.concatenate([each[name] for _, each, _ in chunks]) for name in chunks[0][1]}
    raw = Raw(np.concatenate([points for points, _, _ in chunks]), channels)
    if withheld:
        if np.isnan(raw.points).all():
            raise InputError(
                f"{path} holds no points that count: all are withheld, which stands for deleted",
                fix="clear their withheld flag where they are meant, or leave the file out",
            )
        left_out(str(path), f"{withheld:,} of {num_points:,} points are withheld, which stands for deleted")
    return raw


def classes_of_las(path: Path) -> set[int]:
    """The numbers of the classes that points of a survey have, without withheld ones, read in chunks.

    Raises:
        InputError: as `read_las`.
    """
    _check_records(path)
    found: set[int] = set()
    with reading(path, formats=".las .laz"), opened(path) as reader:
        for chunk in reader.chunk_iterator(chunk_points(reader.header)):
            found |= set(np.unique(np.asarray(chunk.classification)[~_withheld(chunk)]).tolist())
    return found


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A reader of a survey's points, whose header was held against its bytes."""
    import laspy

    # not the parallel back end, which takes memory for chunks of any size that the chunk table promises
    with laspy.open(path, read_evlrs=False, laz_backend=laspy.LazBackend.Lazrs) as reader:
        if reader.header.are_points_compressed:
            check_chunks(path, reader.header)
        else:
            _check_points(path, reader.header)
        yield reader


def chunk_points(header: Any) -> int:
    """How many points are read together."""
    return min(_CHUNK, int(_CHUNK_BYTES // header.point_format.size))


def _withheld(points: Any) -> NDArray[np.bool_]:
    return np.asarray(points.withheld).astype(np.bool_)


def _chunks(path: Path) -> Iterator[tuple[Array, dict[str, Array], tuple[int, int]]]:
    """Of each chunk the points that are kept, their channels, how many points there are, and how many are withheld."""
    with opened(path) as reader:
        header = reader.header
        step = step_for(header.point_count)
        coloured = {"red", "green", "blue"} <= set(header.point_format.dimension_names)
        first = 0
        for chunk in reader.chunk_iterator(chunk_points(header)):
            kept = chunk[first::step]
            first = (first - len(chunk)) % step
            with np.errstate(all="ignore"):  # a damaged scale gives infinities, which are left out later
                points = np.stack([np.asarray(kept.x), np.asarray(kept.y), np.asarray(kept.z)], axis=1)
            points[_withheld(kept)] = np.nan
            channels = {name: np.asarray(kept[name])[:, None] for name in ("intensity", "classification")}
            channels[LABELS] = channels.pop("classification")
            if coloured:
                channels["colour"] = np.stack([kept[name] for name in ("red", "green", "blue")], axis=1)
            yield points, channels, (len(chunk), int(np.count_nonzero(_withheld(chunk))))


def _check_records(path: Path) -> None:
    """Refuse a header that announces more records than there is room for, which would be read one after the other."""
    with path.open("rb") as stream:
        head = stream.read(_HEADER)
    if len(head) < _HEADER or head[:4] != b"LASF":
        raise InputError(f"{path} does not start with a LAS header", fix="give the file the suffix of its format")
    header_size, start, count = struct.unpack_from("<HII", head, 94)
    if start > path.stat().st_size or header_size + count * _RECORD_HEADER > start:
        raise InputError(
            f"{path} announces {count:,} records and points from byte {start:,}, and has {path.stat().st_size:,} bytes",
            fix="copy the file again: it seems to be damaged",
        )


def _check_points(path: Path, header: Any) -> None:
    """Compare what the header promises with the bytes there are."""
    left = path.stat().st_size - header.offset_to_point_data
    promised = header.point_count * header.point_format.size
    if promised > left:
        raise InputError(
            f"{path} promises {header.point_count:,} points, {promised:,} bytes, and has {max(left, 0):,}",
            fix="copy the file again: it seems to be cut short",
        )
