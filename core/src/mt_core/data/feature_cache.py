"""Vectors that were computed once, kept on disk by what they depend on.

$MT_CACHE/features/<identity>/
  identity.json     what all vectors in the folder depend on
  <time>-….parquet  key (16 bytes: a hash of the prepared sample) and vector (float32); never changed once it is there

Several processes may write at once: each writes files of its own, whole or not at all. A file that cannot be read is
removed and its vectors are computed again. Where there are more bytes than `$MT_CACHE_BYTES`, the files that were not
used for the longest time go.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.data.cache_folder import IDENTITY, cache_limit, features_folder, trim
from mt_core.errors import MtError, MtWarning
from mt_core.io.atomic import atomic_write

Vector = NDArray[np.float32]

KEY_BYTES = 16
_ROWS_A_FILE, _SECONDS_A_FILE = 4096, 5.0
_FILES_OPEN, _FILES_TO_MERGE = 16, 64


class CacheError(MtError):
    """A cache file that cannot be written; never shown, because the work goes on without."""


class FeatureCache:
    """The vectors of one identity. Safe to use from several threads; `flush` writes what is not on disk yet.

    Args:
        identity: What all vectors depend on, as JSON can hold it: another one is another folder.
        about: What is worth knowing of them besides.
        limit: Bytes of the whole cache; None: `cache_limit()`.
    """

    def __init__(
        self, identity: Mapping[str, Any], about: Mapping[str, Any] | None = None, *, limit: int | None = None
    ) -> None:
        self.description = {**(about or {}), **identity}
        self.limit = cache_limit() if limit is None else limit
        text = json.dumps(dict(identity), sort_keys=True)
        self.folder = features_folder() / hashlib.sha256(text.encode()).hexdigest()[:32]
        self._lock = threading.Lock()
        self._places: dict[bytes, tuple[Path, int]] | None = None
        self._open: OrderedDict[Path, Vector] = OrderedDict()
        self._pending: dict[bytes, Vector] = {}
        self._since = time.monotonic()

    def get(self, keys: Sequence[bytes]) -> list[Vector | None]:
        """The vector of each key; None where there is none."""
        with self._lock:
            return [self._get(key) for key in keys] if self.limit else [None] * len(keys)

    def _get(self, key: bytes) -> Vector | None:
        if key in self._pending:
            return self._pending[key]
        if self._places is None:
            self._places = self._read_places()
        if key not in self._places:
            return None
        path, row = self._places[key]
        try:
            vector: Vector = self._vectors_in(path)[row]
            return vector
        except (OSError, ValueError, IndexError):  # removed by another process, or damaged
            self._places = {each: place for each, place in self._places.items() if place[0] != path}
            return None

    def _read_places(self) -> dict[bytes, tuple[Path, int]]:
        files = sorted(self.folder.glob("*.parquet"))
        if len(files) > _FILES_TO_MERGE:
            files = self._merge(files)
        places: dict[bytes, tuple[Path, int]] = {}
        for path in files:
            try:
                keys = _read(path, "key").to_pylist()
            except (OSError, ValueError):
                _remove(path)
                continue
            places |= {key: (path, row) for row, key in enumerate(keys)}
        return places

    def _vectors_in(self, path: Path) -> Vector:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        try:
            column = _read(path, "vector")
        except ValueError:
            _remove(path)
            raise
        vectors: Vector = column.flatten().to_numpy().reshape(len(column), -1)
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
        self._open[path] = vectors
        if len(self._open) > _FILES_OPEN:
            self._open.popitem(last=False)
        return vectors

    def _merge(self, files: Sequence[Path]) -> list[Path]:
        """Many small files made one; another process that reads one of them computes its vectors again."""
        merged: dict[bytes, Vector] = {}
        small = [path for path in files if _size(path) < _ROWS_A_FILE * 64]
        for path in small:
            with contextlib.suppress(OSError, ValueError):
                keys, column = _read(path, "key").to_pylist(), _read(path, "vector")
                merged |= zip(keys, column.flatten().to_numpy().reshape(len(column), -1), strict=True)
        with contextlib.suppress(CacheError, OSError):
            written = [self._write(merged)] if merged else []
            for path in small:
                _remove(path)
            return sorted({*files} - {*small}) + written
        return list(files)

    def put(self, keys: Sequence[bytes], vectors: Vector) -> None:
        """Keep vectors, (n, width) float32; they are on disk some seconds later, or after `flush`."""
        if not self.limit:
            return
        with self._lock:
            self._pending |= zip(keys, np.array(vectors, np.float32), strict=True)
            if len(self._pending) >= _ROWS_A_FILE or time.monotonic() - self._since >= _SECONDS_A_FILE:
                self._flush()

    def flush(self) -> None:
        """Write what is not on disk yet, and remove what is beyond the limit."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        self._since = time.monotonic()
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        try:
            path = self._write(pending)
        except (CacheError, OSError) as error:
            problem = error.problem if isinstance(error, CacheError) else error
            warnings.warn(f"features are not kept for later: {problem}", MtWarning, stacklevel=2)
            self.limit = 0
            return
        self._places = {**(self._places or {}), **{key: (path, row) for row, key in enumerate(pending)}}
        trim(self.limit)

    def _write(self, vectors: Mapping[bytes, Vector]) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        values = np.stack(list(vectors.values()))
        num_rows, width = values.shape
        # of buffers: `pa.array` imports pandas
        keys = pa.Array.from_buffers(pa.binary(KEY_BYTES), num_rows, [None, pa.py_buffer(b"".join(vectors))])
        flat = pa.Array.from_buffers(pa.float32(), values.size, [None, pa.py_buffer(np.ascontiguousarray(values))])
        table = pa.Table.from_arrays([keys, pa.FixedSizeListArray.from_arrays(flat, width)], names=["key", "vector"])
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / IDENTITY).is_file():
            _replace(self.folder / IDENTITY, json.dumps(self.description, indent=2).encode())
        path = self.folder / f"{time.time_ns()}-{os.getpid()}-{threading.get_ident()}.parquet"
        with atomic_write(path, CacheError) as unfinished:
            pq.write_table(table, unfinished, compression="none", use_dictionary=False, write_page_checksum=True)
        return path


def _replace(path: Path, content: bytes) -> None:
    """Write a file of which several processes would write the same."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def _remove(path: Path) -> None:
    """Remove a file, as far as the folder lets it be."""
    with contextlib.suppress(OSError):
        path.unlink()


def _size(path: Path) -> int:
    """Bytes of a file; 0 of one that another process has removed."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path, column: str) -> Any:
    """A column of a file.

    Raises:
        OSError, ValueError: it is not there, or is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file, page_checksum_verification=True).read([column])
        return table.column(column).combine_chunks()
    except (pa.ArrowException, KeyError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(str(error)) from error
    except OSError as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise ValueError(str(error)) from error  # what Arrow makes of a damaged page
