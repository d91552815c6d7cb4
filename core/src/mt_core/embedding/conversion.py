"""Vectors in other files than Parquet.

.csv     source, row, modality, v0, v1, …
.jsonl   an object a line: source, row, modality, vector
.npy     (rows, width) float32; <name>.sources.csv beside it has source, row and modality of each row
Numbers have as many digits as give the same float32 again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from mt_core.errors import EmbeddingError
from mt_core.io.atomic import atomic_write

COLUMNS = ("source", "row", "modality")


def convert(batches: Iterator[pa.RecordBatch], width: int, out: Path) -> int:
    """Write rows to a file, whole or not at all, in the format of its suffix.

    Args:
        batches: Of the columns of `mt_core.embedding.vectors`.
        width: Numbers in a vector.

    Returns:
        The number of rows.

    Raises:
        EmbeddingError: it cannot be written.
    """
    write: Callable[[Iterator[pa.RecordBatch], int, Path, Path], int] = {
        ".csv": _to_csv,
        ".jsonl": _to_jsonl,
        ".npy": _to_npy,
    }[out.suffix.lower()]
    with atomic_write(out, EmbeddingError) as unfinished:
        return write(batches, width, unfinished, out)


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[str, int, str]]:
    yield from zip(*(batch.column(name).to_pylist() for name in COLUMNS), strict=True)


def _vectors(batch: pa.RecordBatch, width: int) -> np.ndarray:
    """(n, width) float32."""
    flat: np.ndarray = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(-1, width)


def _texts(vector: np.ndarray) -> list[str]:
    return [str(number) for number in vector]  # of a float32: as few digits as give it again


def _to_csv(batches: Iterator[pa.RecordBatch], width: int, path: Path, out: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*COLUMNS, *(f"v{index}" for index in range(width))])
        for batch in batches:
            for row, vector in zip(_rows(batch), _vectors(batch, width), strict=True):
                table.writerow([*row, *_texts(vector)])
                count += 1
    return count


def _to_jsonl(batches: Iterator[pa.RecordBatch], width: int, path: Path, out: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for batch in batches:
            for row, vector in zip(_rows(batch), _vectors(batch, width), strict=True):
                record = {**dict(zip(COLUMNS, row, strict=True)), "vector": [float(text) for text in _texts(vector)]}
                file.write(json.dumps(record) + "\n")
                count += 1
    return count


def _to_npy(batches: Iterator[pa.RecordBatch], width: int, path: Path, out: Path) -> int:
    beside = out.with_suffix(".sources.csv")
    with atomic_write(beside, EmbeddingError) as listed, path.open("wb") as file:
        with listed.open("w", encoding="utf-8", newline="") as rows:
            table = csv.writer(rows, lineterminator="\n")
            table.writerow(COLUMNS)
            file.write(_npy_header(0, width))
            count = 0
            for batch in batches:
                table.writerows(_rows(batch))
                file.write(_vectors(batch, width).astype("<f4").tobytes())
                count += len(batch)
        file.seek(0)
        file.write(_npy_header(count, width))
    return count


def _npy_header(rows: int, width: int) -> bytes:
    """Of 128 bytes, whatever the number of rows."""
    said = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + said.ljust(117).encode() + b"\n"
