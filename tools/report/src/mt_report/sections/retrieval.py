"""How well samples of one identity find each other.  Q queries, G gallery, E embedding width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, Role
from mt_core.io.chart import Chart
from mt_report.page import Page
from mt_report.samples import Card
from mt_report.statistics import evenly
from mt_report.subject import Subject

_MOST_QUERIES, _MOST_RANKS, _QUERIES, _FOUND = 2000, 20, 3, 3


@dataclass(frozen=True)
class Ranking:
    """A query's gallery, the most similar first.

    Attributes:
        query: Its row.
        rows: Of the gallery.
        similar: The cosine to each.
        is_match: Whether each is of the same identity; at least one is.
    """

    query: int
    rows: NDArray[np.int64]
    similar: NDArray[np.float32]
    is_match: NDArray[np.bool_]

    @property
    def first(self) -> int:
        """The rank of the first match, from 1."""
        return int(self.is_match.argmax()) + 1

    @property
    def average_precision(self) -> float:
        hits = np.flatnonzero(self.is_match) + 1
        return float(np.mean(np.arange(1, len(hits) + 1) / hits))


def rankings(vectors: NDArray[np.float32], targets: NDArray[np.int64]) -> Iterator[Ranking]:
    """Of each query that has a match; see `RetrievalHead.metrics` for who is compared with whom.

    Source: Zheng et al. 2015 (Market-1501), ICCV, section 5.
    """
    identity, camera, role = targets.T
    in_gallery = role != Role.QUERY
    queries = np.flatnonzero(role != Role.GALLERY)
    for query in queries[evenly(len(queries), _MOST_QUERIES)].tolist():
        compared = in_gallery.copy()
        compared[query] = False
        if role[query] == Role.QUERY:
            compared &= ~((identity == identity[query]) & (camera == camera[query]))
        rows = np.flatnonzero(compared)
        similar = vectors[rows] @ vectors[query]
        order = np.argsort(-similar, kind="stable")
        is_match = identity[rows[order]] == identity[query]
        if is_match.any():
            yield Ranking(query, rows[order], similar[order], is_match)


def add_retrieval(page: Page, subject: Subject) -> None:
    """Matches by rank, and the queries that find theirs last."""
    predicted = subject.predictions
    known = (predicted.targets[:, 0] != MISSING_CLASS).numpy()
    with torch.inference_mode():
        compared, targets = subject.head.metric_inputs(predicted.outputs, predicted.targets)
    positions = predicted.positions[known]
    found = list(rankings(compared.float().numpy(), targets.numpy()))
    page.section("Ranks")
    if not found:
        page.note("No query of this part has a match in its gallery, so nothing can be ranked.")
        return
    first = np.array([ranking.first for ranking in found])
    ranks = list(range(1, _MOST_RANKS + 1))
    shares = [float(np.mean(first <= rank)) for rank in ranks]
    across = (0.5, _MOST_RANKS + 0.5)
    chart = Chart("Queries with a match up to a rank", "rank", "share of queries", across, (0, 1.02), counts=True)
    chart.line([float(rank) for rank in ranks], shares, 0)
    for rank, share in zip(ranks, shares, strict=True):
        chart.dot(rank, share, 0, f"rank {rank}: {share:.1%}")
    said = f"Of {len(found):,} queries the nearest is a match for {shares[0]:.1%}, one of the first five for "
    page.charts([chart.html(f"{said}{shares[4]:.1%}.")])
    page.section("The worst mistakes")
    page.note(f"The queries with the lowest average precision, and the {_FOUND} most similar samples of each gallery.")
    found.sort(key=lambda ranking: ranking.average_precision)
    for ranking in [each for each in found if positions[each.query] >= 0][:_QUERIES]:
        said = f"query: average precision {ranking.average_precision:.3f}, first match at rank {ranking.first}"
        cards = [Card(int(positions[ranking.query]), (said,))]
        for place in range(min(_FOUND, len(ranking.rows))):
            position = int(positions[ranking.rows[place]])
            same = "the same identity" if ranking.is_match[place] else "another identity"
            if position >= 0:
                cards.append(Card(position, (f"{place + 1}. {same}", f"cosine {ranking.similar[place]:.3f}")))
        page.add(subject.gallery.cards(cards))
