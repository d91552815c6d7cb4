"""The nearest rows by looking at the nearest partitions alone: faiss finds candidates, exact scores decide.

The vectors are parted by k-means, and a byte is kept of each of their numbers (faiss's IVF,SQ8). How many partitions
are looked at is chosen when the index is built: the fewest with which `RECALL` of the ten nearest rows are found. That
is measured on rows of the index itself and on points between them, against an exact search.

Source: Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor search", IEEE TPAMI 33(1), section IV
(inverted file); Douze et al. 2024, "The Faiss library", arXiv:2401.08281.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import MissingDependencyError
from mt_fusion.searching.errors import SearchError
from mt_fusion.searching.exact import Floats, Metric, Nearest, nearest_exact, rescored

RECALL = 0.95
_AT = 10
_SAMPLE = 200
"""Rows that the recall is measured on."""
_TO_TRAIN = 64
"""Rows a partition that k-means sees."""
_CANDIDATES = 5
"""Rows that faiss gives for each one that is asked for."""
FEW = 100_000
"""Where a condition leaves so many rows or fewer, all of them are compared."""
_BLOCK = 16_384


def require_faiss() -> Any:
    """The engine.

    Raises:
        MissingDependencyError: with the command that installs it.
    """
    try:
        import faiss
    except ImportError:
        raise MissingDependencyError(
            "an approximate index needs the package faiss-cpu, which is not installed",
            fix='pip install "mt-fusion[search]"; or --exact',
        ) from None
    return faiss


def build_engine(vectors_ND: Floats, metric: Metric, path: Path) -> dict[str, Any]:
    """Build the engine's file.

    Args:
        vectors_ND: Of unit length where the metric is cosine; read some rows at a time.

    Returns:
        What `Engine` needs, and the recall that was measured, as JSON can hold it.

    Raises:
        SearchError: the file cannot be written.
    """
    faiss = require_faiss()
    num_rows, width = vectors_ND.shape
    partitions = 2 ** max(0, round(np.log2(num_rows) / 2))
    random = np.random.default_rng(0)
    engine = faiss.index_factory(width, f"IVF{partitions},SQ8", _METRICS[metric](faiss))
    sample = np.sort(random.choice(num_rows, min(num_rows, _TO_TRAIN * partitions), replace=False))
    engine.cp.min_points_per_centroid = 1  # a small index is none to warn of
    engine.train(np.ascontiguousarray(vectors_ND[sample]))
    for first in range(0, num_rows, _BLOCK):
        engine.add(np.ascontiguousarray(vectors_ND[first : first + _BLOCK]))
    try:
        faiss.write_index(engine, str(path))
    except RuntimeError as error:
        said = str(error).rpartition(": ")[2]
        raise SearchError(f"{path} cannot be written ({said})", fix="make room on the disk") from None
    probes, recall = _probes(engine, vectors_ND, metric, random)
    return {"partitions": partitions, "probes": probes, "recall": recall, "crc32": _checksum(path)}


def _probes(engine: Any, vectors_ND: Floats, metric: Metric, random: np.random.Generator) -> tuple[int, float]:
    """How many partitions are to be looked at, and the share of the nearest rows that is found so.

    Measured on rows, and on points halfway between two rows, which stand for queries that are unlike any row; the lower
    share of both counts.
    """
    rows = np.sort(random.choice(len(vectors_ND), min(len(vectors_ND), _SAMPLE), replace=False))
    some_QD = np.asarray(vectors_ND[rows])
    between_QD = (some_QD + some_QD[random.permutation(len(rows))]) / 2
    if metric == "cosine":
        between_QD /= np.maximum(np.linalg.norm(between_QD, axis=1, keepdims=True), 1e-6)
    queries_QD = np.ascontiguousarray(np.concatenate([some_QD, between_QD]))
    count = min(_AT + 1, len(vectors_ND))
    own = [*rows, *[-1] * len(rows)]  # a row finds itself, which counts for nothing
    exact = nearest_exact(vectors_ND, queries_QD, count, metric)
    truth = [set(ids[ids != row][:_AT]) for row, (_, ids) in zip(own, exact, strict=True)]
    probes = 1
    while True:
        found = Engine(engine, probes, metric).nearest(vectors_ND, queries_QD, count)
        shares = [len(true & set(ids)) / max(1, len(true)) for true, (_, ids) in zip(truth, found, strict=True)]
        recall = float(min(np.mean(shares[: len(rows)]), np.mean(shares[len(rows) :])))
        if recall >= RECALL or probes >= engine.nlist:
            return probes, round(recall, 4)
        probes = min(probes * 2, engine.nlist)


class Engine:
    """What faiss keeps of an index.

    Args:
        engine: Of faiss.
        probes: Partitions that are looked at.
    """

    def __init__(self, engine: Any, probes: int, metric: Metric) -> None:
        self.engine, self.probes, self.metric = engine, probes, metric

    @classmethod
    def load(cls, path: Path, record: dict[str, Any], metric: Metric) -> Engine:
        """The engine of a file; partitions are read from the disk when they are looked at.

        Raises:
            SearchError: it is not the file that was written.
        """
        faiss = require_faiss()
        if _checksum(path) != record["crc32"]:  # faiss does not survive every damaged file
            raise SearchError(f"{path} is damaged", fix="build the index again with mt index")
        try:
            engine = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            raise SearchError(
                f"{path} cannot be read by faiss {faiss.__version__} ({str(error).rpartition(': ')[2]})",
                fix="build the index again with mt index",
            ) from None
        return cls(engine, int(record["probes"]), metric)

    def nearest(
        self, vectors_ND: Floats, queries_QD: Floats, k: int, mask: NDArray[np.bool_] | None = None
    ) -> list[Nearest]:
        """The k nearest rows of each query, nearly all of them; scores are exact.

        Args:
            mask: (N,) which rows count; None: all. Where few do, or too few are found, every one is compared.
        """
        ids = None if mask is None else np.flatnonzero(mask)
        if ids is not None and len(ids) <= FEW:
            return nearest_exact(vectors_ND, queries_QD, k, self.metric, ids)
        wanted = min(len(vectors_ND) if ids is None else len(ids), max(50, _CANDIDATES * k))
        _, found = self.engine.search(queries_QD, wanted, params=self._parameters(mask))
        nearest = []
        for query_D, candidates in zip(queries_QD, found, strict=True):
            there = candidates[candidates >= 0]
            if len(there) < min(k, wanted):
                nearest += nearest_exact(vectors_ND, query_D[None], k, self.metric, ids)
            else:
                nearest.append(rescored(vectors_ND, query_D, there, k, self.metric))
        return nearest

    def _parameters(self, mask: NDArray[np.bool_] | None) -> Any:
        faiss = require_faiss()
        if mask is None:
            return faiss.SearchParametersIVF(nprobe=self.probes)
        # where a share of the rows counts, its nearest ones lie in that many more partitions
        probes = min(self.engine.nlist, int(np.ceil(self.probes / mask.mean())))
        selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        return faiss.SearchParametersIVF(nprobe=probes, sel=selector)


_METRICS: dict[str, Any] = {
    "cosine": lambda faiss: faiss.METRIC_INNER_PRODUCT,
    "dot": lambda faiss: faiss.METRIC_INNER_PRODUCT,
    "l2": lambda faiss: faiss.METRIC_L2,
}


def _checksum(path: Path) -> int:
    value = 0
    with open(path, "rb") as content:
        while block := content.read(1 << 20):
            value = zlib.crc32(block, value)
    return value
