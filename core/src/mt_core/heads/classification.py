"""One of several classes.  B samples, K classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask, Classification
from mt_core.heads.pooled import PooledHead, PooledOptions

if TYPE_CHECKING:
    import torchmetrics


class ClassificationOptions(PooledOptions):
    """How classes are predicted."""

    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="balanced: a class weighs inversely to its frequency in the training targets, on average one a "
        "sample.",
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="Share of a target spread over all classes.")


class ClassificationHead(PooledHead):
    """Softmax over the classes."""

    Options = ClassificationOptions
    options: ClassificationOptions
    kinds = ("classification",)
    primary = "accuracy"

    def __init__(self, width: int, task: AnyTask, options: ClassificationOptions | None = None) -> None:
        super().__init__(width, task, options)
        assert isinstance(task, Classification)
        self.classes = task.classes
        self.weight_K: Tensor
        self.register_buffer("weight_K", torch.ones(len(task.classes)))

    def calibrate(self, targets: Sequence[Any]) -> None:
        """Class weights from the frequencies of the training targets; a class that never occurs weighs one."""
        if self.options.class_weights == "balanced":
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
            label_smoothing=self.options.label_smoothing,
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
