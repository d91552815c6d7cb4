"""What is nearest in an index."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import name_of
from mt_core.errors import InputError
from mt_core.io.paths import expand
from mt_fusion.searching.errors import SearchError
from mt_fusion.searching.exact import Floats, Metric
from mt_fusion.searching.index import Index, open_index
from mt_fusion.searching.queries import QueryModel, choose, query_models
from mt_fusion.searching.space import difference, space_of
from mt_fusion.searching.vector_files import VectorFile, is_vectors_file, open_vectors

_AT_ONCE = 256
_HIDDEN = ("size", "modified")


@dataclass(frozen=True)
class Query:
    """Something to search for.

    Attributes:
        source: A file, a text, or an object; None: a vector.
        name: As messages and results call it.
        row: Within the source.
        vector: (D,) in the space of the index.
        model: That it was embedded with; None: it came as a vector.
    """

    source: Any
    name: str
    row: int
    vector: Floats
    model: QueryModel | None = None

    @property
    def label(self) -> str:
        return f"{self.name}, row {self.row}" if self.row else self.name


def search(
    index: str | Path | Index,
    queries: Any,
    *,
    k: int = 10,
    where: str | None = None,
    query_as: str | None = None,
    run: str | Path | None = None,
    encoder: str | Path | None = None,
    device: str | None = None,
) -> list[list[dict[str, Any]]]:
    """The nearest rows of an index for each query.

    Args:
        index: Its folder, or one that `open_index` opened.
        queries: (n, D) vectors; or a source, or a list of them: files, texts, objects that the modality reads, files of
            vectors. An array that is to be embedded stands in a list.
        k: How many rows, at most.
        where: A condition on the columns of the index, as `price < 20`; see `mt_fusion.searching.where`.
        query_as: As what sources are read where the index has several models: a modality, or an input of its space.
        run: Where the run is that made the vectors, if not where it was.
        encoder: Where its encoder is.
        device: That queries are embedded on; None: CPU.

    Returns:
        One list a query, best first, of records: `rank` from 1, `score` (cosine and dot: higher is nearer) or
        `distance` (l2), `modality`, `source`, `row` and the columns of the index's table.

    Raises:
        SearchError: an index that is damaged, k beyond its rows, or vectors that cannot be compared with its own.
        OptionError: a condition or a `query_as` that does not fit.
        MtError: a source that cannot be read, or a model that cannot be loaded.
    """
    opened = index if isinstance(index, Index) else open_index(index)
    vectors = _as_vectors(queries)
    if vectors is not None:
        return nearest_records(opened, vectors, k, where)
    models = query_models(
        opened.record,
        run=None if run is None else str(run),
        encoder=None if encoder is None else str(encoder),
        device=device,
    )
    sources = list(queries) if isinstance(queries, list | tuple) else [queries]
    found = [query for source in sources for query in embedded(opened, source, models, query_as)]
    if not found:
        raise SearchError("there is nothing to search for", fix="give at least one query")
    return nearest_records(opened, np.stack([query.vector for query in found]), k, where)


def embedded(index: Index, source: Any, models: Sequence[QueryModel], query_as: str | None) -> Iterator[Query]:
    """The queries that a source holds.

    Raises:
        MtError: it cannot be read, or its vectors cannot be compared with those of the index.
    """
    vectors_file = _vectors_file(index, source)
    if vectors_file is not None:
        for vectors, batch in vectors_file.blocks(("source", "row")):
            check_queries(index, vectors, str(source))
            for vector, name, row in zip(vectors, *(column.to_pylist() for column in batch.columns), strict=True):
                yield Query(None, name, row, vector)
        return
    for each in _expanded(source, models):
        model = choose(models, each, query_as)
        vectors = model.embed(each)
        check_queries(index, vectors, name_of(each))
        for row, vector in enumerate(vectors):
            yield Query(each, name_of(each), row, vector, model)


def nearest_records(
    index: Index, queries_QD: NDArray[Any], k: int, where: str | None = None
) -> list[list[dict[str, Any]]]:
    """The records of the nearest rows of each query; see `search`."""
    return [[record for _, record in found] for found in nearest_rows(index, queries_QD, k, where)]


def nearest_rows(
    index: Index, queries_QD: NDArray[Any], k: int, where: str | None = None
) -> list[list[tuple[int, dict[str, Any]]]]:
    """The numbers of the nearest rows of each query, with their records."""
    if not 1 <= k <= index.num_rows:
        raise SearchError(
            f"k={k}, and the index {index.folder} holds {index.num_rows:,} rows", fix=f"k is 1 to {index.num_rows}"
        )
    queries_QD = np.asarray(queries_QD, dtype=np.float32)
    check_queries(index, queries_QD, "the queries")
    mask = None if where is None else index.mask(where)
    scored = "distance" if index.metric == "l2" else "score"
    results = []
    for first in range(0, len(queries_QD), _AT_ONCE):
        for scores, ids in index.nearest(_prepared(queries_QD[first : first + _AT_ONCE], index.metric), k, mask):
            rows = index.rows(ids)
            results.append(
                [
                    (int(number), {"rank": rank, scored: float(score), **_shown(row)})
                    for rank, (score, number, row) in enumerate(zip(scores, ids, rows, strict=True), 1)
                ]
            )
    return results


def check_queries(index: Index, queries_QD: NDArray[Any], name: str) -> None:
    """Refuse vectors that cannot be compared with those of an index.

    Raises:
        SearchError: of another width, not finite, or zero where the metric is cosine.
    """
    if queries_QD.ndim != 2 or queries_QD.shape[1] != index.width:
        shape = " x ".join(str(size) for size in queries_QD.shape)
        raise SearchError(
            f"{name}: vectors are {shape}, those of the index {index.width} wide",
            fix="embed them as the index was; a source that is an array stands in a list: [array]",
        )
    if not np.isfinite(queries_QD).all():
        raise SearchError(f"{name}: a vector is not a number throughout (NaN or infinite)", fix="leave it out")
    if index.metric == "cosine" and not queries_QD.any(axis=1).all():
        raise SearchError(f"{name}: a vector is zero, and has no angle to another one", fix="leave it out")


def _prepared(queries_QD: Floats, metric: Metric) -> Floats:
    if metric == "cosine":
        lengths = np.linalg.norm(queries_QD.astype(np.float64), axis=1, keepdims=True)
        queries_QD = (queries_QD / lengths).astype(np.float32)
    return np.ascontiguousarray(queries_QD)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row as JSON can hold them, what it is first."""
    first = {name: row[name] for name in ("modality", "source", "row")}
    rest = {name: _plain(value) for name, value in row.items() if name not in (*first, *_HIDDEN)}
    return {**first, **rest}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def _as_vectors(queries: Any) -> NDArray[Any] | None:
    """An array or a tensor of numbers; None: these are sources."""
    if isinstance(queries, str | bytes | Path | list | tuple) or not hasattr(queries, "__array__"):
        return None
    array = np.asarray(queries.detach().cpu() if hasattr(queries, "detach") else queries)
    if array.dtype.kind not in "fiu":
        return None
    return array[None] if array.ndim == 1 else array


def _vectors_file(index: Index, source: Any) -> VectorFile | None:
    """A source that is a file of vectors, all of the index's space; None: it is none.

    Raises:
        SearchError: of another space.
    """
    if not isinstance(source, str | Path) or Path(source).suffix.lower() != ".parquet" or not os.path.isfile(source):
        return None
    if not is_vectors_file(source):
        return None  # a table of samples, or something that its reader refuses
    opened = open_vectors(source)
    if differing := difference(index.record["space"], space_of(opened.metadata)):
        raise SearchError(
            f"{source} holds vectors of another space than the index: another {differing}",
            fix="embed its files with the model of the index",
        )
    return opened


def _expanded(source: Any, models: Sequence[QueryModel]) -> list[Any]:
    """A source, or the files of a folder or a pattern."""
    if not isinstance(source, str | Path):
        return [source]
    if not str(source).strip():
        raise InputError("a query is empty", fix="give a file, or a text")
    return list(expand([source], sorted({suffix for model in models for suffix in model.suffixes})))
