"""The nearest rows by comparing with every one of them: a matrix product, some rows at a time.

Q queries, N rows, D numbers in a vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Metric = Literal["cosine", "dot", "l2"]
"""cosine: of the angle; dot: the product; l2: the Euclidean distance."""
METRICS: tuple[str, ...] = get_args(Metric)

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Nearest = tuple[NDArray[np.float64], Ids]
"""The scores of a query's nearest rows, best first, and their numbers."""

_BLOCK_BYTES = 32 << 20
_QUERIES_AT_ONCE = 64
_SPARE = 16
"""Rows that are kept beyond those asked for: the product is made in float32, the scores of what it finds in float64."""


def nearest_exact(
    vectors_ND: Floats, queries_QD: Floats, k: int, metric: Metric, ids: Ids | None = None
) -> list[Nearest]:
    """The k nearest rows of each query.

    Args:
        vectors_ND: Of unit length where the metric is cosine; an array on disk (`numpy.memmap`) is read in order.
        queries_QD: The same.
        ids: The rows that count, ascending; None: all.

    Returns:
        One a query, of k rows, or as many as there are.
    """
    found = []
    for first in range(0, len(queries_QD), _QUERIES_AT_ONCE):
        some_QD = queries_QD[first : first + _QUERIES_AT_ONCE]
        for query_D, candidates in zip(some_QD, _candidates(vectors_ND, some_QD, k, metric, ids), strict=True):
            found.append(rescored(vectors_ND, query_D, candidates, k, metric))
    return found


def rescored(vectors_ND: Floats, query_D: Floats, candidates: Ids, k: int, metric: Metric) -> Nearest:
    """The k best of some rows, by scores in float64; of equal ones the first."""
    ordered = np.sort(candidates)
    rows_CD = np.asarray(vectors_ND[ordered], dtype=np.float64)
    query = query_D.astype(np.float64)
    scores = np.linalg.norm(rows_CD - query, axis=1) if metric == "l2" else rows_CD @ query
    if metric == "cosine":
        scores = scores.clip(-1, 1)  # lengths are 1 to the last digit of float32
    best = np.argsort(scores if metric == "l2" else -scores, kind="stable")[:k]
    return scores[best], ordered[best]


def _candidates(vectors_ND: Floats, queries_QD: Floats, k: int, metric: Metric, ids: Ids | None) -> Sequence[Ids]:
    """The best rows of each query by scores in float32, a few more than are asked for."""
    kept = k + _SPARE
    scores_QK = np.empty((len(queries_QD), 0), np.float32)
    ids_QK = np.empty((len(queries_QD), 0), np.int64)
    for ids_B, block_BD in _blocks(vectors_ND, ids):
        scores_QB = queries_QD @ block_BD.T
        if metric == "l2":  # |q|^2 is the same for all rows
            scores_QB -= np.einsum("bd,bd->b", block_BD, block_BD) / 2
        best_QK = _best(scores_QB, kept)
        scores_QK = np.concatenate([scores_QK, np.take_along_axis(scores_QB, best_QK, 1)], 1)
        ids_QK = np.concatenate([ids_QK, ids_B[best_QK]], 1)
        best_QK = _best(scores_QK, kept)
        scores_QK, ids_QK = np.take_along_axis(scores_QK, best_QK, 1), np.take_along_axis(ids_QK, best_QK, 1)
    return list(ids_QK)


def _best(scores_QB: Floats, count: int) -> Ids:
    """(Q, count) where the highest scores are, in no order."""
    if scores_QB.shape[1] <= count:
        return np.broadcast_to(np.arange(scores_QB.shape[1]), scores_QB.shape)
    return np.argpartition(scores_QB, -count, axis=1)[:, -count:]


def _blocks(vectors_ND: Floats, ids: Ids | None) -> Iterator[tuple[Ids, Floats]]:
    """The rows that count, some at a time, with their numbers."""
    count = len(vectors_ND) if ids is None else len(ids)
    step = max(256, _BLOCK_BYTES // (4 * vectors_ND.shape[1]))
    for first in range(0, count, step):
        last = min(first + step, count)
        if ids is None:
            yield np.arange(first, last), np.asarray(vectors_ND[first:last])
        else:
            yield ids[first:last], np.asarray(vectors_ND[ids[first:last]])
