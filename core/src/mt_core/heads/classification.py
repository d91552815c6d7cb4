"""One of several classes.  B samples, K classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask, Classification, Pool
from mt_core.errors import OptionError
from mt_core.heads.pooled import PooledHead

if TYPE_CHECKING:
    import torchmetrics

ClassWeights = Literal["none", "balanced"]


class ClassificationHead(PooledHead):
    """Softmax over the classes.

    Args:
        class_weights: "none", or "balanced": a class weighs inversely to its frequency in the training targets, with a
            mean weight of one a sample; learned by `calibrate`.
        label_smoothing: Share of the target spread over all classes, 0 to below 1.
        pool, hidden, dropout: See `PooledHead`.
    """

    kinds = ("classification",)
    primary = "accuracy"

    def __init__(
        self,
        width: int,
        task: AnyTask,
        *,
        pool: Pool = "mean",
        hidden: int = 0,
        dropout: float = 0.0,
        class_weights: ClassWeights = "none",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(width, task, pool=pool, hidden=hidden, dropout=dropout)
        assert isinstance(task, Classification)
        if class_weights not in ("none", "balanced"):
            raise OptionError(f"class_weights={class_weights!r}", fix="use 'none' or 'balanced'")
        self.classes = task.classes
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing
        self.weight_K: Tensor
        self.register_buffer("weight_K", torch.ones(len(task.classes)))

    def options(self) -> dict[str, Any]:
        return {
            **super().options(),
            "class_weights": self.class_weights,
            "label_smoothing": self.label_smoothing,
        }

    def calibrate(self, targets: Sequence[Any]) -> None:
        """Class weights from the frequencies of the training targets; a class that never occurs weighs one."""
        if self.class_weights == "balanced":
            counts = Counter(int(target) for target in targets if target is not None)
            counts.pop(MISSING_CLASS, None)
            num_present, num_targets = len(counts), sum(counts.values())
            weights = [num_targets / (num_present * counts[k]) if counts[k] else 1.0 for k in range(len(self.classes))]
            self.weight_K.copy_(torch.tensor(weights))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of (B, K) logits against (B,) indices, weighted by class; `MISSING_CLASS` adds nothing."""
        known = target != MISSING_CLASS
        if not known.any():
            return output.sum() * 0.0
        return nn.functional.cross_entropy(
            output.float(),
            target,
            weight=self.weight_K,
            ignore_index=MISSING_CLASS,
            label_smoothing=self.label_smoothing,
        )

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The likeliest class of each sample, its probability, and the probability of every class."""
        probabilities_BK = output.float().softmax(-1).cpu()
        decoded = []
        for row in probabilities_BK.tolist():
            best = max(range(len(row)), key=row.__getitem__)
            decoded.append(
                {
                    "prediction": self.classes[best],
                    "probability": row[best],
                    "probabilities": dict(zip(self.classes, row, strict=True)),
                }
            )
        return decoded

    def metrics(self) -> torchmetrics.MetricCollection:
        """accuracy (share of samples) and macro_f1 (mean over classes)."""
        import torchmetrics

        num_classes = max(2, len(self.classes))
        return torchmetrics.MetricCollection(
            {
                "accuracy": torchmetrics.classification.MulticlassAccuracy(num_classes, average="micro"),
                "macro_f1": torchmetrics.classification.MulticlassF1Score(num_classes, average="macro"),
            }
        )

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """The most frequent class."""
        counts_K = torch.bincount(known[known >= 0], minlength=len(self.classes))
        return nn.functional.one_hot(counts_K.argmax(), len(self.classes)).float().expand(len(target), -1)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = target != MISSING_CLASS
        return output[known].argmax(-1), target[known]
