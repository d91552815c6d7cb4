"""How well samples of the same identity find each other.  Q queries, G gallery, E embedding width.

Source: Zheng et al. 2015 (Market-1501), ICCV, section 5, for the protocol of person re-identification.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.retrieval import retrieval_average_precision
from torchmetrics.utilities import dim_zero_cat

from mt_core.contract import Role


class _Ranking(Metric):
    """Gathers (B, E) vectors of length 1 and (B, 3) targets: identity, camera, role."""

    full_state_update = False
    vectors: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("vectors", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, vectors: Tensor, targets: Tensor) -> None:
        """Some more samples."""
        self.vectors.append(vectors)
        self.targets.append(targets)

    def ranked(self) -> Iterator[tuple[Tensor, Tensor]]:
        """For each query that has a match, its gallery's similarities and whether each is a match."""
        vectors, targets = dim_zero_cat(self.vectors), dim_zero_cat(self.targets)
        identity, camera, role = targets.T
        in_gallery = role != Role.QUERY
        for query in (role != Role.GALLERY).nonzero().flatten().tolist():
            compared = in_gallery.clone()
            compared[query] = False
            if role[query] == Role.QUERY:
                compared &= ~((identity == identity[query]) & (camera == camera[query]))
            is_match = identity[compared] == identity[query]
            if is_match.any():
                # 1..3: torchmetrics takes what is not above 0 for not retrieved
                yield 2 + vectors[compared] @ vectors[query], is_match

    def mean(self, scores: Iterator[Tensor]) -> Tensor:
        """Of the queries' scores; an error where there are none, which is shown as NaN."""
        found = [score.float() for score in scores]
        if not found:
            raise ValueError("no query has a match in the gallery")
        return torch.stack(found).mean()


class MeanAveragePrecision(_Ranking):
    """Mean over queries of the average precision of the ranked gallery."""

    def compute(self) -> Tensor:
        """A scalar in 0..1."""
        return self.mean(retrieval_average_precision(similar, match) for similar, match in self.ranked())


class RankOne(_Ranking):
    """Share of queries whose nearest in the gallery is a match: the cumulative match characteristic at rank 1."""

    def compute(self) -> Tensor:
        """A scalar in 0..1."""
        return self.mean(match[similar.argmax()] for similar, match in self.ranked())
