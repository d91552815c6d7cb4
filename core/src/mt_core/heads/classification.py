"""One of several classes.  B samples, K classes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask, Classification
from mt_core.errors import OptionError
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
    positive: str | None = Field(
        default=None,
        description="Of two classes the one that auroc, f1 and average_precision are of; none: the second, unless its "
        "name says that it is the negative one (no, normal, healthy, …).",
    )

    @field_validator("positive", mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        """A class may be called 1 or true, which a command line takes for a number."""
        return json.dumps(value) if isinstance(value, bool | int | float) else value


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
        self.positive = _positive(task.classes, self.options.positive)
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

    @property
    def positive_class(self) -> str | None:
        """Of two classes the one that auroc, f1 and average_precision are of; None where there are more."""
        return None if self.positive is None else self.classes[self.positive]

    def metrics(self) -> torchmetrics.MetricCollection:
        """accuracy (share of samples), balanced_accuracy (mean over the classes that occur of the share of each that is
        right) and macro_f1 (mean over classes); of two classes also auroc, f1 and average_precision of the positive
        one (`positive_class`)."""
        import torchmetrics

        from mt_core.heads.class_metrics import BalancedAccuracy, PositiveAUROC, PositiveAveragePrecision, PositiveF1

        num_classes = max(2, len(self.classes))
        metrics: dict[str, torchmetrics.Metric] = {
            "accuracy": torchmetrics.classification.MulticlassAccuracy(num_classes, average="micro"),
            "balanced_accuracy": BalancedAccuracy(num_classes),
            "macro_f1": torchmetrics.classification.MulticlassF1Score(num_classes, average="macro"),
        }
        if self.positive is not None:
            metrics["auroc"] = PositiveAUROC(self.positive)
            metrics["f1"] = PositiveF1(self.positive)
            metrics["average_precision"] = PositiveAveragePrecision(self.positive)
        return torchmetrics.MetricCollection(metrics, compute_groups=False)  # type: ignore[arg-type]

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """The most frequent class."""
        counts_K = torch.bincount(known[known >= 0], minlength=len(self.classes))
        return nn.functional.one_hot(counts_K.argmax(), len(self.classes)).float().expand(len(target), -1)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """(B, K) probabilities, in double precision so that few are equal, and (B,) class indices."""
        known = target != MISSING_CLASS
        scores_BK = output[known]
        if len(self.classes) == 1:  # of the two classes that metrics need, the other one is never predicted
            scores_BK = torch.cat([scores_BK, torch.full_like(scores_BK, -torch.inf)], dim=-1)
        precise = torch.float32 if output.device.type == "mps" else torch.float64
        return scores_BK.to(precise).softmax(-1), target[known]


_NEGATIVE = re.compile(
    r"(0|no|not|non|none|neg|negative|normal|healthy|control|benign|background|absent|false|ok|good)"
)


def _positive(classes: Sequence[str], wanted: str | None) -> int | None:
    """The index of the positive one of two classes.

    Raises:
        OptionError: one is wanted and is not there, or there are not two classes.
    """
    if wanted is not None:
        named = [index for index, name in enumerate(classes) if wanted in (name, name.lower())]
        if len(classes) != 2 or not named:
            problem = f"positive={wanted} is none of two classes; the data has {', '.join(classes[:5])}"
            raise OptionError(problem, fix="name one of two classes, or leave positive out")
        return named[0]
    if len(classes) != 2:
        return None
    first, second = (_NEGATIVE.fullmatch(re.split(r"[^a-z0-9]", name.lower())[0]) for name in classes)
    return 0 if second and not first else 1
