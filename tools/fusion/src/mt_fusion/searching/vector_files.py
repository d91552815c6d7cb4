"""Files of vectors, as `mt embed` writes them, read in bounded memory and with every fault named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mt_fusion.searching.errors import SearchError

COLUMNS = ("source", "row", "modality", "vector")
"""What a file has at least; `size`, `modified` and `sha256` of the source are there since mt-core 0.1."""

_PREFIX = b"mt."
_BLOCK_BYTES = 16 << 20  # of vectors in memory at a time
_FIX = "name a .parquet file that mt embed wrote"


@dataclass(frozen=True)
class VectorFile:
    """A file of vectors of one space.

    Attributes:
        path: The file.
        metadata: What it says of its vectors.
        modality: Only the rows of this modality count; None: all.
        num_rows: How many those are.
        width: Numbers in a vector.
        columns: Names of the file's columns.
    """

    path: Path
    metadata: Mapping[str, Any]
    modality: str | None
    num_rows: int
    width: int
    columns: tuple[str, ...]

    def first_source(self) -> str:
        """How the source of the first row is called."""
        return str(next(_batches(self.path, ["source"], 1, self.modality)).column(0)[0].as_py())

    def blocks(self, columns: tuple[str, ...] = ()) -> Iterator[tuple[NDArray[np.float32], pa.RecordBatch]]:
        """The vectors, (n, width) float32 of finite numbers, and the columns of their rows, some at a time.

        Raises:
            SearchError: the file is damaged, or a vector is not finite: says of which source.
        """
        rows_a_block = max(64, min(16_384, _BLOCK_BYTES // (4 * self.width)))
        for batch in _batches(self.path, [*columns, "vector"], rows_a_block, self.modality):
            flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
            vectors = np.ascontiguousarray(flat, dtype=np.float32).reshape(-1, self.width)
            self._check_finite(vectors, batch)
            yield vectors, batch.select(list(columns))

    def _check_finite(self, vectors: NDArray[np.float32], batch: pa.RecordBatch) -> None:
        if batch.column("vector").null_count or not np.isfinite(vectors).all():
            index = 0 if len(vectors) != len(batch) else int(np.argmin(np.isfinite(vectors).all(1)))
            raise SearchError(
                f"{self.path}: the vector of {name_of_row(batch, index)} is not a number throughout (NaN or infinite)",
                fix="embed that file again, or leave it out",
            )


def name_of_row(batch: pa.RecordBatch, index: int) -> str:
    """How messages call a row."""
    names = batch.schema.names
    source = batch.column("source")[index].as_py() if "source" in names else "a source"
    row = batch.column("row")[index].as_py() if "row" in names else 0
    return f"{source}, row {row}" if row else str(source)


def is_vectors_file(path: str | Path) -> bool:
    """Whether a Parquet file says that an encoder made its vectors."""
    try:
        return _metadata(pq.read_schema(path)) is not None
    except (OSError, pa.ArrowException):
        return False


def open_vectors(path: str | Path, modality: str | None = None) -> VectorFile:
    """A file of vectors.

    Args:
        modality: Of a file of several, only the rows of this one.

    Raises:
        SearchError: no file, one that mt embed did not write, an empty one, or one of several modalities.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise SearchError(f"{path} {what}", fix=_FIX)
    try:
        schema, num_rows = pq.read_schema(path), pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise SearchError(f"{path} is not a whole Parquet file ({said})", fix=_FIX) from None
    found = _metadata(schema)
    if found is None or not set(COLUMNS) <= set(schema.names):
        raise SearchError(f"{path} is a Parquet file, and no file of vectors", fix=_FIX)
    kind = schema.field("vector").type
    if not pa.types.is_fixed_size_list(kind) or not pa.types.is_floating(kind.value_type):
        raise SearchError(f"{path}: its vectors are {kind}, not a list of numbers of one length", fix=_FIX)
    metadata = _of_one_modality(path, found, modality)
    if modality is not None:
        num_rows = _count(path, modality)
    if num_rows == 0:
        which = f" of the modality {modality}" if modality is not None else ""
        raise SearchError(f"{path} holds no vectors{which}", fix="name a file with at least one")
    return VectorFile(
        path, {**metadata, "width": kind.list_size}, modality, num_rows, kind.list_size, tuple(schema.names)
    )


def _metadata(schema: pa.Schema) -> dict[str, Any] | None:
    """What a file says of itself; None where it says nothing of an encoder."""
    try:
        found = {
            key.removeprefix(_PREFIX).decode(): json.loads(value)
            for key, value in (schema.metadata or {}).items()
            if key.startswith(_PREFIX)
        }
    except ValueError:
        return None
    return found if "encoder_fingerprint" in found else None


def _of_one_modality(path: Path, metadata: dict[str, Any], modality: str | None) -> dict[str, Any]:
    """The metadata of the vectors of one modality.

    Raises:
        SearchError: it holds those of several and none was chosen, or not those of the one chosen.
    """
    several = metadata.get("modalities")
    if several is None:
        if modality not in (None, metadata.get("modality")):
            raise SearchError(
                f"{path} holds vectors of the modality {metadata.get('modality')}, none of {modality}",
                fix=f"leave --modality {modality} out, or name another file",
            )
        return metadata
    names = ", ".join(several)
    if modality is None:
        raise SearchError(
            f"{path} holds vectors of several modalities ({names}), each in a space of its own",
            fix=f"choose one: --modality {next(iter(several))}",
        )
    if modality not in several:
        raise SearchError(f"{path} holds vectors of {names}, none of {modality}", fix="choose one of those")
    return dict(several[modality])


def _count(path: Path, modality: str) -> int:
    return sum(len(batch) for batch in _batches(path, ["modality"], 65_536, modality))


def _batches(path: Path, columns: list[str], rows: int, modality: str | None) -> Iterator[pa.RecordBatch]:
    wanted = columns if modality is None or "modality" in columns else [*columns, "modality"]
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=rows, columns=wanted):
                if modality is not None:
                    batch = batch.filter(pc.equal(batch.column("modality"), modality))
                if len(batch):
                    yield batch.select(columns)
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise SearchError(f"{path} is damaged ({said})", fix="embed the files again, or copy it again") from None
