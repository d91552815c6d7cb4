"""The Parquet file of vectors: its columns, its metadata, its parts.

source    string                     the file, as it was named
row       int64                      the sample within the file, from 0
modality  string
vector    fixed_size_list<float32>   one vector a sample
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mt_core.errors import EmbeddingError
from mt_core.io.atomic import atomic_write

ROWS_A_GROUP = 16_384
_PREFIX = "mt."


def schema_of(width: int, metadata: Mapping[str, Any]) -> pa.Schema:
    """The columns for vectors of a width; the metadata's keys get "mt." before them, its values are written as JSON."""
    columns = [
        pa.field("source", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.field("item", pa.float32(), nullable=False), width), nullable=False),
    ]
    return pa.schema(columns, {f"{_PREFIX}{key}": json.dumps(value) for key, value in metadata.items()})


def table_of(
    schema: pa.Schema, sources: Sequence[str], rows: Sequence[int], modality: str, vectors: np.ndarray
) -> pa.Table:
    """Rows with their vectors, (n, width) float32."""
    columns = [
        _strings(sources),
        _numbers(rows, pa.int64()),
        _strings([modality] * len(rows)),
        pa.FixedSizeListArray.from_arrays(_numbers(vectors, pa.float32()), type=schema.field("vector").type),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


# of buffers: `pa.array` imports pandas, which takes longer than to embed a picture


def _numbers(values: Any, kind: pa.DataType) -> pa.Array:
    flat = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype()).reshape(-1)
    return pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])


def _strings(values: Sequence[str]) -> pa.Array:
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))])


def metadata_of(path: Path) -> dict[str, Any]:
    """What the file says of itself.

    Raises:
        EmbeddingError: not a Parquet file of vectors.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise EmbeddingError(
            f"{path} exists and is not a whole Parquet file ({str(error).splitlines()[0]})",
            fix="name another --out, or --overwrite it",
        ) from error
    found = {
        key.decode().removeprefix(_PREFIX): json.loads(value)
        for key, value in metadata.items()
        if key.startswith(_PREFIX.encode())
    }
    if "encoder_fingerprint" not in found:
        raise EmbeddingError(
            f"{path} exists and was not written by mt embed", fix="name another --out, or --overwrite it"
        )
    return found


def sources_in(path: Path) -> Iterator[str]:
    """The sources of a file's rows, in order."""
    for batch in pq.ParquetFile(path).iter_batches(columns=["source"]):
        yield from batch.column(0).to_pylist()


def write_whole(path: Path, schema: pa.Schema, files: Sequence[Path]) -> int:
    """One file of the rows of several, in row groups of `ROWS_A_GROUP`, whole or not at all.

    Returns:
        The number of rows.
    """
    num_rows = 0
    with (
        atomic_write(path, EmbeddingError) as unfinished,
        pq.ParquetWriter(unfinished, schema, use_dictionary=["source", "modality"], compression="zstd") as writer,
    ):
        pending: list[pa.RecordBatch] = []
        num_pending = 0
        for file in files:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=ROWS_A_GROUP):
                pending.append(batch)
                num_pending += len(batch)
                num_rows += len(batch)
                if num_pending >= ROWS_A_GROUP:
                    joined = _joined(pending, schema)
                    writer.write_table(joined.slice(0, ROWS_A_GROUP))
                    rest = joined.slice(ROWS_A_GROUP).combine_chunks()
                    pending, num_pending = rest.to_batches(), len(rest)
        if num_pending:
            writer.write_table(_joined(pending, schema))
    return num_rows


def _joined(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays(pa.Table.from_batches(batches).columns, schema=schema)
