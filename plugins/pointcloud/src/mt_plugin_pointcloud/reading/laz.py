"""What a LAZ file promises, held against its bytes before the decompressor takes memory for it.

The decompressor, which is compiled, ends its process without a word where it gets no memory: for a table of chunks, and
for the layers of a chunk.

Source: Isenburg 2013, "LASzip: lossless compression of LiDAR data", section on chunks; the LASzip source,
`laszip_decompress_selective` and `LASreadItemCompressed_POINT14_v3`, for the layers of LAS 1.4's point formats.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

from mt_core.errors import InputError

_ITEMS = 32  # where the list of a record's parts begins
_LAYERS = {10: 9, 11: 1, 12: 2, 13: 1}  # of each part that is stored in layers: a point, RGB, RGB and infrared, a wave
_BYTES_IN_LAYERS = 14  # further bytes, each in a layer of its own


def check_chunks(path: Path, header: Any) -> None:
    """Refuse a table of more chunks than the file has room for, and chunks whose layers are larger than they are.

    Raises:
        InputError: either of them, or parts that do not make up a point.
    """
    size = path.stat().st_size
    start = header.offset_to_point_data
    with path.open("rb") as stream:
        stream.seek(start)
        (table,) = struct.unpack("<q", stream.read(8))
        if table == -1:  # a file that was written to a pipe has its place at the end
            stream.seek(-8, os.SEEK_END)
            (table,) = struct.unpack("<q", stream.read(8))
        if not start + 8 <= table <= size - 8:
            raise _damaged(path, f"its table of chunks from byte {table:,}, and has {size:,} bytes")
        stream.seek(table)
        _, count = struct.unpack("<II", stream.read(8))
    if count * header.point_format.size > size:  # a chunk begins with a whole point
        raise _damaged(path, f"{count:,} chunks of points, and has {size:,} bytes")
    parts = _parts(path, header)
    num_layers = sum(each_size if kind == _BYTES_IN_LAYERS else _LAYERS.get(kind, 0) for kind, each_size in parts)
    if num_layers and count:
        _check_layers(path, header, num_layers, table)


def _parts(path: Path, header: Any) -> list[tuple[int, int]]:
    """Kind and bytes of each part of a point, as the record of the compression says."""
    record = next((vlr.record_data_bytes() for vlr in header.vlrs if vlr.record_id == 22204), b"")
    count = int.from_bytes(record[_ITEMS : _ITEMS + 2], "little")
    if len(record) < _ITEMS + 2 + 6 * count:
        raise _damaged(path, f"{count:,} parts of a point, and has {len(record)} bytes for them")
    parts = [struct.unpack_from("<HH", record, _ITEMS + 2 + 6 * at) for at in range(count)]
    if sum(each_size for _, each_size in parts) != header.point_format.size:
        raise _damaged(path, f"points of {header.point_format.size} bytes, whose parts are not as long")
    return parts


def _check_layers(path: Path, header: Any, num_layers: int, end: int) -> None:
    """Of each chunk: a whole point, the number of points, the bytes of each layer, and the layers."""
    import lazrs  # type: ignore[import-untyped,unused-ignore]

    record = next(vlr for vlr in header.vlrs if vlr.record_id == 22204).record_data_bytes()
    with path.open("rb") as stream:
        stream.seek(header.offset_to_point_data)
        chunks = lazrs.read_chunk_table(stream, lazrs.LazVlr(record))
        at = header.offset_to_point_data + 8
        for _, num_bytes in chunks:
            stream.seek(at + header.point_format.size)
            head = stream.read(4 + 4 * num_layers)
            if at + num_bytes > end or len(head) < 4 + 4 * num_layers:
                raise _damaged(path, f"a chunk of {num_bytes:,} bytes from byte {at:,}, and ends at {end:,}")
            layers = sum(struct.unpack(f"<{num_layers}I", head[4:]))
            if layers + len(head) > num_bytes:
                raise _damaged(path, f"layers of {layers:,} bytes in a chunk of {num_bytes:,}")
            at += num_bytes


def _damaged(path: Path, announced: str) -> InputError:
    return InputError(f"{path} announces {announced}", fix="copy the file again: it is damaged")
