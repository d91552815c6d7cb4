"""What nodes and edges carry, as rows of one table and as one vector of numbers, whatever the columns are called.

Categories that are known beforehand, those of molecules, have rows of their own. Any other is hashed to two rows of a
table, whose vectors are added: two categories that meet in one row hardly meet in the other (Svenstrup et al. 2017,
Hash Embeddings, arXiv:1709.03933). So nothing has to be learned of a data set before its categories can be told apart.
Numbers, likewise, are spread over a vector of fixed length, each column to two places with signs of its own
(Weinberger et al. 2009, arXiv:0902.2206).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mt_plugin_graph.attributes import code_of
from mt_plugin_graph.graph import MISSING, Attributes, Graph
from mt_plugin_graph.reading.molecules import ATOM_SIZES, BOND_SIZES

NO_ROW = 0
"""The row that stands for nothing."""

BUCKETS = 1024
NUMBERS_WIDTH = 32
"""Length of the vector of numbers."""

_DEGREES = 32  # 0 to 15 each, then by powers of two
_DEGREE_SIZES = {"degree": _DEGREES, "degree.in": _DEGREES, "degree.out": _DEGREES}
_FURTHEST = 8.0  # standard deviations

Statistics = Mapping[str, tuple[float, float]]
"""Mean and standard deviation of each column of numbers."""


class Rows:
    """Which rows of a table each category has.

    Args:
        sizes: Of the features known beforehand, how many categories each has.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._first: dict[str, int] = {}
        self.count = NO_ROW + 1
        for name, size in sizes.items():
            self._first[name] = self.count
            self.count += size
        self._hashed = self.count
        self.count += BUCKETS

    def of(self, attributes: Attributes) -> NDArray[np.int64]:
        """(M, F) rows, F as many as the columns need; `NO_ROW` where a category is not known."""
        columns = []
        for name, codes in zip(attributes.class_names, attributes.classes.T, strict=True):
            if name in self._first:
                found = [self._first[name] + np.clip(codes, 0, self._sizes[name] - 1)]
            else:
                found = [self._hashed + bucket for bucket in _hashes(codes, name)]
            columns += [np.where(codes == MISSING, NO_ROW, each) for each in found]
        return np.stack(columns, axis=1) if columns else np.empty((len(attributes.classes), 0), np.int64)


PARTS = ("node", "edge")
ROWS = {"node": Rows({**_DEGREE_SIZES, **ATOM_SIZES}), "edge": Rows(BOND_SIZES)}
"""Of nodes and of edges."""


def degrees(graph: Graph) -> Attributes:
    """How many edges meet each node: those that leave and those that arrive apart, where the graph is directed."""
    leaving, arriving = (np.bincount(ends, minlength=graph.num_nodes) for ends in graph.edges)
    counted = {"degree.in": arriving, "degree.out": leaving} if graph.is_directed else {"degree": leaving + arriving}
    codes = np.stack([_bucket(count) for count in counted.values()], axis=1)
    return Attributes(tuple(counted), codes, (), np.empty((graph.num_nodes, 0), np.float32))


def hash_numbers(attributes: Attributes, statistics: Statistics) -> NDArray[np.float32]:
    """(M, NUMBERS_WIDTH) the numbers: in standard deviations from the mean where these are known, otherwise as asinh;
    zero where they are missing."""
    hashed_MS = np.zeros((len(attributes.numbers), NUMBERS_WIDTH), np.float32)
    for name, column in zip(attributes.number_names, attributes.numbers.T, strict=True):
        values = np.where(np.isfinite(column), column, np.nan)
        if name in statistics:
            mean, deviation = statistics[name]
            values = np.clip((values.astype(np.float64) - mean) / deviation, -_FURTHEST, _FURTHEST)
        else:
            values = np.arcsinh(values)
        key = code_of(f"number {name}")
        for _ in range(2):
            key, place = divmod(key, NUMBERS_WIDTH)
            key, sign = divmod(key, 2)
            hashed_MS[:, place] += np.nan_to_num(values) * (1 if sign else -1)
    return hashed_MS


def _bucket(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    doublings = np.log2(np.maximum(counts, 1)).astype(np.int64)
    return np.where(counts < 16, counts, np.minimum(12 + doublings, _DEGREES - 1))


def _hashes(codes: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two of `BUCKETS`, for each code of a column: the finaliser of SplitMix64 (Steele et al. 2014)."""
    mixed = codes.astype(np.uint64) ^ np.uint64(code_of(f"category {name}"))
    with np.errstate(over="ignore"):
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    first, second = mixed % np.uint64(BUCKETS), (mixed >> np.uint64(32)) % np.uint64(BUCKETS)
    return first.astype(np.int64), second.astype(np.int64)
