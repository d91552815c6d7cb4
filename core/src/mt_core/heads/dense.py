"""What heads share that give a class for each place or pixel.

B samples; P places, or H, W pixels; L those whose class is known, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask, Head, Options, Segmentation
from mt_core.errors import MtError, OptionError

if TYPE_CHECKING:
    import torchmetrics

_SHOWN = 6  # classes in the line for people

_MOST_COUNTED = 200
"""Targets whose classes are counted, evenly spaced."""

MOST_NAMED = 40
"""Classes up to which each has a metric of its own."""


class DenseOptions(Options):
    """How places are learned."""

    dice: float = Field(
        default=0.0,
        ge=0,
        description="Weight of the Dice loss, which counts classes alike however rare they are, beside cross-entropy.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="balanced: a class weighs inversely to the square root of its frequency in the training targets, "
        "on average one a place.",
    )


class DenseHead(Head):
    """Losses, metrics and the constant answer of (B, P, K) or (B, H, W, K) logits, which are NaN behind the places of a
    sample that has fewer than others."""

    Options = DenseOptions
    options: DenseOptions
    kinds = ("segmentation",)
    primary = "miou"
    of: Literal["places", "pixels", "points"]

    def __init__(self, width: int, task: AnyTask, options: DenseOptions | None = None) -> None:
        super().__init__(width, task, options)
        if not isinstance(task, Segmentation) or not self.takes(task):
            kind = f"segmentation of {task.of}" if isinstance(task, Segmentation) else task.kind
            raise OptionError(
                f"{type(self).__name__} does not take a task of kind {kind!r}", fix=f"use it to segment {self.of}"
            )
        self.classes = task.classes
        self.weight_K: Tensor
        is_learned = self.options.class_weights != "none"
        self.register_buffer("weight_K", torch.ones(len(task.classes)), persistent=is_learned)

    @classmethod
    def takes(cls, task: AnyTask) -> bool:
        return isinstance(task, Segmentation) and task.of == cls.of

    def calibrate(self, targets: Sequence[Any]) -> None:
        """Class weights from the frequencies in some hundred training targets; a class that never occurs weighs one.

        Raises:
            OptionError: weights are asked for, and no target is known without its sample.
        """
        if self.options.class_weights == "none":
            return
        counts_K = class_counts(self.task, targets)
        if not counts_K.any():
            raise OptionError(
                "class_weights=balanced needs targets that are known before the samples are read",
                fix="leave class_weights out; -H dice=1 counts classes alike as well",
            )
        frequency_K = counts_K.double() / counts_K.sum()
        weight_K = torch.where(counts_K > 0, frequency_K.clamp(min=1e-12).rsqrt(), 1.0)
        scale = (weight_K * frequency_K).sum()
        self.weight_K.copy_(torch.where(counts_K > 0, weight_K / scale, 1.0))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of logits against indices, and `dice` times the Dice loss; `MISSING_CLASS` adds nothing."""
        known = self._known(output, target)
        if not known.any():
            return output.nan_to_num(0.0, neginf=0.0).sum() * 0.0
        logits_LK, indices_L = output[known], target[known]
        loss = nn.functional.cross_entropy(logits_LK.float(), indices_L, weight=self.weight_K)
        if self.options.dice:
            loss = loss + self.options.dice * dice_loss(logits_LK.float(), indices_L)
        return loss

    def metrics(self) -> torchmetrics.MetricCollection:
        """miou (mean over the classes that occur of intersection over union), accuracy, both over all places of all
        samples, and of up to forty classes iou_… of each."""
        import torchmetrics

        from mt_core.heads.class_iou import ClassIoU

        num_classes = max(2, len(self.classes))
        metrics: dict[str, torchmetrics.Metric] = {
            "miou": torchmetrics.classification.MulticlassJaccardIndex(num_classes, average="macro"),
            "accuracy": torchmetrics.classification.MulticlassAccuracy(num_classes, average="micro"),
        }
        if len(self.classes) <= MOST_NAMED:
            metrics |= {f"iou_{name}": ClassIoU(num_classes, index) for index, name in enumerate(self.classes)}
        return torchmetrics.MetricCollection(metrics)  # type: ignore[arg-type]

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """The most frequent class."""
        counts_K = torch.bincount(known[known >= 0], minlength=len(self.classes))
        constant_K = nn.functional.one_hot(counts_K.argmax(), len(self.classes)).float()
        return constant_K.expand(*target.shape, -1)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = self._known(output, target)
        if not known.any():
            return target.new_zeros(0), target.new_zeros(0)
        return output.argmax(-1)[known], target[known]

    def _known(self, output: Tensor, target: Tensor) -> Tensor:
        """Of each place whether its class is known."""
        known = target != MISSING_CLASS
        if output.shape[:-1] != target.shape:
            if not known.any():
                return output.new_zeros(output.shape[:-1], dtype=torch.bool)
            raise OptionError(
                f"there are {tuple(output.shape[:-1])} samples and {self.of}, and labels for {tuple(target.shape)}",
                fix=f"label each of the {self.of} of a sample, in its order, with -1 where the class is not known",
            )
        return known


def as_runs(indices: NDArray[np.int64], size: Sequence[int], classes: Sequence[str]) -> dict[str, Any]:
    """What `decode` gives of many class indices in a row: as `prediction` runs of equal ones, and as `shares` the part
    of all that each class has.

    `numpy.repeat(values, lengths).reshape(size)` of `prediction` are the indices again, -1 where there is no class.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(indices)) + 1])
    runs = {"values": indices[starts].tolist(), "lengths": np.diff(starts, append=len(indices)).tolist()}
    counts = np.bincount(indices[indices >= 0], minlength=len(classes))
    shares = counts / max(counts.sum(), 1)
    named = {name: round(share, 6) for name, share in zip(classes, shares.tolist(), strict=True) if share}
    return {"prediction": {"size": list(size), **runs}, "shares": named}


def shares_in_words(decoded: Mapping[str, Any]) -> str:
    """The share that each class has in what `as_runs` gave, the largest first."""
    ordered = sorted(decoded["shares"].items(), key=lambda item: -item[1])
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(f"{name} {share:.1%}" for name, share in ordered[:_SHOWN]) + more


def class_counts(task: AnyTask, targets: Sequence[Any]) -> Tensor:
    """(K,) how often each class occurs in some hundred evenly spaced targets, of which lazy ones are read."""
    counts_K = torch.zeros(task.num_outputs, dtype=torch.int64)
    for index in range(0, len(targets), max(1, len(targets) // _MOST_COUNTED)):
        stacked = task.stack([readable_target(targets[index])])
        counts_K += torch.bincount(stacked[stacked != MISSING_CLASS], minlength=task.num_outputs)
    return counts_K


def readable_target(target: Any) -> Any:
    """A target that is read when it is needed, as an array; None where it cannot be read, which training reports."""
    try:
        return np.asarray(target) if hasattr(target, "__array__") else target
    except MtError:
        return None


def dice_loss(logits_LK: Tensor, indices_L: Tensor) -> Tensor:
    """One minus the mean over the classes that occur of twice the overlap over the sum of sizes.

    Source: Milletari et al. 2016 (V-Net), arXiv:1606.04797, section 3, with sums in place of squares.
    """
    probability_LK = logits_LK.softmax(-1)
    true_LK = nn.functional.one_hot(indices_L, logits_LK.shape[-1]).to(probability_LK.dtype)
    overlap_K = (probability_LK * true_LK).sum(0)
    score_K = (2 * overlap_K + 1) / (probability_LK.sum(0) + true_LK.sum(0) + 1)
    return 1 - score_K[true_LK.any(0)].mean()
