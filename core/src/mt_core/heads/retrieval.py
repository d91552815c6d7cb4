"""Vectors by which samples of the same identity find each other.  B samples, E embedding width, K identities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask, Features, Retrieval
from mt_core.heads.pooled import PooledHead, PooledOptions

if TYPE_CHECKING:
    import torchmetrics


class RetrievalOptions(PooledOptions):
    """How identities are found."""

    embedding_width: int = Field(default=256, ge=1, description="Width of the embedding.")
    margin: float = Field(default=0.3, ge=0, description="By how much a sample is to be nearer to its own identity.")
    label_smoothing: float = Field(default=0.1, ge=0, lt=1, description="Share of a target spread over all identities.")


class RetrievalHead(PooledHead):
    """An embedding trained to tell the known identities apart (cross-entropy behind a batch normalisation, the "neck")
    and to have each sample nearer to its own identity than to any other of the batch (hardest triplets).

    Sources: Luo et al. 2019, arXiv:1903.07071, sections 3.3 and 3.6, for the two losses and the neck; Hermans et al.
    2017, arXiv:1703.07737, equation 5, for the hardest triplets.
    """

    Options = RetrievalOptions
    options: RetrievalOptions
    kinds = ("retrieval",)
    primary = "map"

    def __init__(self, width: int, task: AnyTask, options: RetrievalOptions | None = None) -> None:
        options = options or RetrievalOptions()
        super().__init__(width, task, options, outputs=options.embedding_width)
        assert isinstance(task, Retrieval)
        self.identities, size = task.identities, options.embedding_width
        self.vector_width = size
        self.neck = nn.BatchNorm1d(size)
        self.neck.bias.requires_grad_(False)
        self.identify = nn.Linear(size, len(task.identities), bias=False)
        nn.init.normal_(self.identify.weight, std=0.001)

    def vectors(self, features: Features) -> Tensor:
        """(B, E) of length 1, by which samples are compared."""
        return self._compared(self(features))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy over the listed identities plus the hardest triplets; (B, E) embeddings, (B, 3) targets."""
        output, identity_B = output.float(), target[:, 0]
        known_B = identity_B != MISSING_CLASS
        is_listed_B = known_B & (identity_B < len(self.identities))
        total = output.sum() * 0.0
        if is_listed_B.any():
            scores = self.identify(self._necked(output)[is_listed_B])
            total = total + nn.functional.cross_entropy(
                scores, identity_B[is_listed_B], label_smoothing=self.options.label_smoothing
            )
        return total + _hardest_triplets(output[known_B], identity_B[known_B], self.options.margin)

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The likeliest of the identities known from training, its probability, and the vector of length 1 by which
        others are compared."""
        necked = self._necked(output.float())
        probabilities_BK = self.identify(necked).softmax(-1)
        best_B = probabilities_BK.max(-1)
        vectors = nn.functional.normalize(necked, dim=-1).cpu().tolist()
        return [
            {"prediction": self.identities[index], "probability": probability, "vector": vector}
            for index, probability, vector in zip(best_B.indices.tolist(), best_B.values.tolist(), vectors, strict=True)
        ]

    def metrics(self) -> torchmetrics.MetricCollection:
        """rank1 (share of queries whose nearest in the gallery is the same identity) and map (mean average precision);
        by cosine, without the query itself and, for queries with a gallery of their own, without what the same camera
        saw of the same identity."""
        import torchmetrics

        from mt_core.heads.ranking import MeanAveragePrecision, RankOne

        return torchmetrics.MetricCollection({"rank1": RankOne(), "map": MeanAveragePrecision()}, compute_groups=False)

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """Vectors drawn at random."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(len(target), self.options.embedding_width, generator=generator).to(target.device)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = target[:, 0] != MISSING_CLASS
        return self._compared(output)[known], target[known]

    def _compared(self, output: Tensor) -> Tensor:
        return nn.functional.normalize(self._necked(output.float()), dim=-1)

    def _necked(self, output: Tensor) -> Tensor:
        if self.training and len(output) < 2:  # the last batch of an epoch may be of one sample
            return nn.functional.batch_norm(
                output, self.neck.running_mean, self.neck.running_var, self.neck.weight, self.neck.bias
            )
        necked: Tensor = self.neck(output)
        return necked


def _hardest_triplets(vectors_BE: Tensor, identity_B: Tensor, margin: float) -> Tensor:
    """Mean over samples that have another of their identity, and one of another, in the batch; zero where none has."""
    same_BB = identity_B[:, None] == identity_B[None, :]
    itself_BB = torch.eye(len(identity_B), dtype=torch.bool, device=identity_B.device)
    usable_B = (same_BB & ~itself_BB).any(1) & (~same_BB).any(1)
    if not usable_B.any():
        return vectors_BE.sum() * 0.0
    # a distance of 0 has no gradient
    square_BB = (vectors_BE[:, None, :] - vectors_BE[None, :, :]).square().sum(-1)
    distance_BB = square_BB.clamp(min=1e-12).sqrt()
    farthest_B = distance_BB.masked_fill(~same_BB | itself_BB, -torch.inf).amax(1)
    nearest_B = distance_BB.masked_fill(same_BB, torch.inf).amin(1)
    return (farthest_B[usable_B] - nearest_B[usable_B] + margin).clamp(min=0).mean()
