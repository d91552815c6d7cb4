"""An index on disk: a folder that holds all that a search needs, whole or not at all.

things.index/
  index.json     the space, the metric, what made the vectors, the files they came from
  vectors.npy    (N, D) float32; of unit length where the metric is cosine
  rows.arrow     source, row, modality, size, modified and the columns of --table, one row a vector
  engine.faiss   only where the index is approximate
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mt_fusion.searching.approximate import Engine
from mt_fusion.searching.errors import SearchError
from mt_fusion.searching.exact import METRICS, Floats, Metric, Nearest, nearest_exact
from mt_fusion.searching.where import Where

RECORD, VECTORS, ROWS, ENGINE = "index.json", "vectors.npy", "rows.arrow", "engine.faiss"
FORMAT = 1
_FIX = "build it again with mt index"


class Index:
    """An index that is open. `open_index` opens one.

    Attributes:
        folder: Where it is.
        record: What `index.json` says.
        metric: What is compared by.
        vectors: (N, D), on disk.
    """

    def __init__(self, folder: Path, record: dict[str, Any], vectors: Floats, rows: pa.RecordBatchFileReader) -> None:
        self.folder, self.record, self.vectors, self._rows = folder, record, vectors, rows
        self.metric: Metric = record["metric"]
        lengths = [rows.get_batch(number).num_rows for number in range(rows.num_record_batches)]
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    @property
    def num_rows(self) -> int:
        return len(self.vectors)

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def is_approximate(self) -> bool:
        return self.record["approximate"] is not None

    @property
    def columns(self) -> pa.Schema:
        """Of its rows, for conditions and results."""
        return self._rows.schema

    @property
    def description(self) -> str:
        """In one line."""
        how = "exact"
        if self.is_approximate:
            how = f"approximate, {self.record['approximate']['recall']:.1%} of the 10 nearest are found"
        modalities = ", ".join(dict.fromkeys(model["modality"] for model in self.record["models"]))
        return f"{self.num_rows:,} vectors of {self.width} ({modalities}), {self.metric}, {how}"

    @cached_property
    def _engine(self) -> Engine | None:
        record = self.record["approximate"]
        return None if record is None else Engine.load(self.folder / ENGINE, record, self.metric)

    def mask(self, where: str) -> NDArray[np.bool_]:
        """(N,) which rows fulfil a condition.

        Raises:
            OptionError: see `Where`.
        """
        condition = Where(where, self.columns)
        batches = (self._rows.get_batch(number) for number in range(self._rows.num_record_batches))
        return np.concatenate([condition.mask(batch) for batch in batches])

    def nearest(self, queries_QD: Floats, k: int, mask: NDArray[np.bool_] | None = None) -> list[Nearest]:
        """The scores and the numbers of the k nearest rows of each query.

        Args:
            queries_QD: Finite; of unit length where the metric is cosine.
            mask: (N,) which rows count; None: all.
        """
        if self._engine is not None:
            return self._engine.nearest(self.vectors, queries_QD, k, mask)
        ids = None if mask is None else np.flatnonzero(mask)
        return nearest_exact(self.vectors, queries_QD, k, self.metric, ids)

    def rows(self, ids: Iterable[int]) -> list[dict[str, Any]]:
        """The columns of some rows."""
        found = []
        for row in ids:
            batch = int(np.searchsorted(self._starts, row, side="right")) - 1
            found += self._rows.get_batch(batch).slice(int(row - self._starts[batch]), 1).to_pylist()
        return found

    def model_of(self, row: int) -> dict[str, Any]:
        """What made the vector of a row: an entry of the record's `models`."""
        ends = np.cumsum([file["rows"] for file in self.record["files"]])
        file = self.record["files"][int(np.searchsorted(ends, row, side="right"))]
        return dict(self.record["models"][file["model"]])

    def changed_files(self) -> list[str]:
        """The files of vectors that are not what they were when they were indexed, each with what became of it."""
        told = []
        for file in self.record["files"]:
            path = Path(file["path"])
            if not path.is_file():
                told.append(f"{path} is no longer there")
            elif (path.stat().st_size, path.stat().st_mtime_ns) != (file["size"], file["modified"]):
                told.append(f"{path} has changed")
        return told


def open_index(folder: str | Path) -> Index:
    """Open an index.

    Raises:
        SearchError: no index, or one that is damaged or of a newer version.
    """
    folder = Path(folder)
    record = read_record(folder)
    for name, size in record["contents"].items():
        path = folder / name
        if not path.is_file():
            raise SearchError(f"{path} is missing from the index", fix=_FIX)
        if path.stat().st_size != size:
            raise SearchError(f"{path} is damaged: {path.stat().st_size:,} bytes of {size:,}", fix=_FIX)
    try:
        vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        rows = pa.ipc.open_file(pa.memory_map(str(folder / ROWS)))
        index = Index(folder, record, vectors, rows)
        is_whole = vectors.shape == (record["rows"], record["width"]) and vectors.dtype == np.float32
        if not is_whole or int(index._starts[-1]) != record["rows"]:
            raise ValueError("its parts do not fit each other")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SearchError(f"the index {folder} is damaged ({str(error).splitlines()[0]})", fix=_FIX) from None
    return index


def read_record(folder: Path) -> dict[str, Any]:
    """What `index.json` says.

    Raises:
        SearchError: there is none, it is damaged, or of a newer version.
    """
    path = folder / RECORD
    if not path.is_file():
        what = "is no index" if folder.exists() else "does not exist"
        raise SearchError(f"{folder} {what}", fix=f"mt index VECTORS.parquet -o {folder}")
    try:
        record = dict(json.loads(path.read_text(encoding="utf-8")))
        is_newer = record["format"] > FORMAT
        is_known = is_newer or (record["metric"] in METRICS and {"contents", "rows", "width", "space"} <= record.keys())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        is_newer, is_known = False, False
    if is_newer:
        raise SearchError(f"{path} was written by a newer mt-fusion", fix="pip install -U mt-fusion")
    if not is_known:
        raise SearchError(f"{path} is damaged", fix=_FIX)
    return record
