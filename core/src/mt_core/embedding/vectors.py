"""The Parquet file of vectors: its columns, its metadata, its parts.

source    string                     the file, as it was named
row       int64                      the sample within the file, from 0
modality  string
vector    fixed_size_list<float32>   one vector a sample
size      int64                      bytes of the file when it was embedded; null where the source is no file
modified  timestamp[ns, UTC]         when it had been changed last
sha256    string                     of its content, where that was asked for

`source` is text: `mt_core.path_of_text` gives the path of it, also where that is not UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mt_core.embedding.changes import FileState
from mt_core.errors import EmbeddingError
from mt_core.io.atomic import atomic_write

ROWS_A_GROUP = 16_384
_PREFIX = "mt."
_REPEATED = ["source", "modality", "size", "modified", "sha256"]


def schema_of(width: int, metadata: Mapping[str, Any]) -> pa.Schema:
    """The columns for vectors of a width; the metadata's keys get "mt." before them, its values are written as JSON."""
    columns = [
        pa.field("source", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.field("item", pa.float32(), nullable=False), width), nullable=False),
        pa.field("size", pa.int64()),
        pa.field("modified", pa.timestamp("ns", tz="UTC")),
        pa.field("sha256", pa.string()),
    ]
    return pa.schema(columns, {f"{_PREFIX}{key}": json.dumps(value) for key, value in metadata.items()})


def table_of(
    schema: pa.Schema,
    sources: Sequence[str],
    rows: Sequence[int],
    modality: str,
    vectors: np.ndarray,
    states: Sequence[FileState],
) -> pa.Table:
    """Rows with their vectors, (n, width) float32, and the states of their files."""
    columns = [
        _strings(sources),
        _numbers(rows, pa.int64()),
        _strings([modality] * len(rows)),
        pa.FixedSizeListArray.from_arrays(_numbers(vectors, pa.float32()), type=schema.field("vector").type),
        _numbers([state.size or 0 for state in states], pa.int64(), [state.size is not None for state in states]),
        _numbers([state.modified or 0 for state in states], pa.int64(), [s.modified is not None for s in states]).view(
            schema.field("modified").type
        ),
        _strings([state.sha256 or "" for state in states], [state.sha256 is not None for state in states]),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


# of buffers: `pa.array` imports pandas, which takes longer than to embed a picture


def _numbers(values: Any, kind: pa.DataType, known: Sequence[bool] | None = None) -> pa.Array:
    flat = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype()).reshape(-1)
    return pa.Array.from_buffers(kind, len(flat), [_bits(known), pa.py_buffer(flat)])


def _bits(known: Sequence[bool] | None) -> pa.Buffer | None:
    return None if known is None or all(known) else pa.py_buffer(np.packbits(known, bitorder="little"))


def _strings(values: Sequence[str], known: Sequence[bool] | None = None) -> pa.Array:
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [_bits(known), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def metadata_of(path: Path) -> dict[str, Any]:
    """What the file says of itself.

    Raises:
        EmbeddingError: not a Parquet file of vectors.
    """
    try:
        schema = pq.read_schema(path)
        metadata = schema.metadata or {}
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
    if "encoder_fingerprint" not in found or schema.names != schema_of(1, {}).names:
        raise EmbeddingError(
            f"{path} exists and was not written by mt embed", fix="name another --out, or --overwrite it"
        )
    return found


def states_in(path: Path) -> dict[str, FileState]:
    """The sources of a file's rows, and the states of the files when they were embedded."""
    states: dict[str, FileState] = {}
    for batch in pq.ParquetFile(path).iter_batches(columns=["source", "size", "modified", "sha256"]):
        columns = [
            batch.column("source"),
            batch.column("size"),
            batch.column("modified").view(pa.int64()),
            batch.column("sha256"),
        ]
        for source, *state in zip(*(column.to_pylist() for column in columns), strict=True):
            states[source] = FileState(*state)
    return states


Rows = tuple[Path, Set[str]]
"""A Parquet file, and the sources whose rows do not count any more."""


def batches_of(files: Sequence[Rows]) -> Iterator[pa.RecordBatch]:
    """The rows of several files, in order."""
    for file, dropped in files:
        for batch in _batches_in(file):
            if dropped:
                kept = [source not in dropped for source in batch.column("source").to_pylist()]
                batch = batch.filter(pa.array(kept, pa.bool_()))
            if len(batch):
                yield batch


def _batches_in(file: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from pq.ParquetFile(file, page_checksum_verification=True).iter_batches(batch_size=ROWS_A_GROUP)
    except (OSError, pa.ArrowException) as error:
        raise EmbeddingError(
            f"{file} is damaged ({str(error).splitlines()[0]})",
            fix="a part: repeat the command, and what it held is embedded again; a file of vectors: --overwrite it",
        ) from error


def count_rows(files: Sequence[Rows]) -> int:
    """How many rows `batches_of` gives."""
    count = 0
    for file, dropped in files:
        parquet = pq.ParquetFile(file)
        count += parquet.metadata.num_rows
        for batch in parquet.iter_batches(columns=["source"]) if dropped else ():
            count -= sum(source in dropped for source in batch.column(0).to_pylist())
    return count


def write_whole(path: Path, schema: pa.Schema, files: Sequence[Rows]) -> int:
    """One file of the rows of several, in row groups of `ROWS_A_GROUP`, whole or not at all.

    Returns:
        The number of rows.
    """
    num_rows = 0
    with (
        atomic_write(path, EmbeddingError) as unfinished,
        pq.ParquetWriter(unfinished, schema, use_dictionary=_REPEATED, compression="zstd") as writer,
    ):
        pending: list[pa.RecordBatch] = []
        num_pending = 0
        for batch in batches_of(files):
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
