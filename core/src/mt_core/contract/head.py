"""What turns features into predictions.  B samples, D width, O outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from mt_core.contract.options import Options as AnyOptions
from mt_core.contract.task import AnyTask
from mt_core.contract.tokens import Features

if TYPE_CHECKING:
    import torchmetrics  # late: it imports torchvision where that is installed


class Head(nn.Module):
    """Features to predictions, for the kinds of task it names. Made as `cls(width, task)` or
    `cls(width, task, options)`.

    Attributes:
        options: What this head was made with.
        kinds: The `Task.kind`s that this head can be made for.
        primary: The metric that model selection looks at, one of those that `metrics` returns.
        higher_is_better: Which way `primary` improves.
        vector_width: E, the width of what `vectors` gives; None: this head makes no vectors of its own.
        samples_at_once: Samples that are evaluated or predicted at a time, at the most, where the output of one is
            large; None: as many as are asked for.
        sized_by: Names in `side`, and in a prepared sample, of what says how large the sample is, where its output has
            that size; see `forward_alike`. (): the output has one size, or that of the tokens.
    """

    Options: ClassVar[type[AnyOptions]] = AnyOptions
    options: Any  # an instance of Options; a subclass narrows it
    kinds: ClassVar[tuple[str, ...]]
    primary: str
    higher_is_better: bool = True
    vector_width: int | None = None
    samples_at_once: int | None = None
    sized_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, width: int, task: AnyTask, options: AnyOptions | None = None) -> None:
        super().__init__()
        self.width = width
        self.task = task
        self.options = options if options is not None else self.Options()

    @classmethod
    def takes(cls, task: AnyTask) -> bool:
        """Whether this head can be made for a task: by default where its kind is among `kinds`."""
        return task.kind in cls.kinds

    def calibrate(self, targets: Sequence[Any]) -> None:
        """Learn statistics of the training targets (scale, class frequencies), kept in buffers. By default nothing."""

    def forward(self, features: Features) -> Tensor:
        """Unnormalised scores, (B, O), or more axes for a dense task. Nothing of a batch is kept: `mt serve` calls this
        from two threads at a time."""
        raise NotImplementedError  # abstract

    def forward_alike(self, features: Features) -> Tensor:
        """`forward` of samples that are equal in what `sized_by` names, or of one where `samples_at_once` is 1, in
        operations that `torch.export` can trace, which a file of `mt export` consists of. By default `forward`."""
        output: Tensor = self(features)
        return output

    def vectors(self, features: Features) -> Tensor | None:
        """(B, E) the vectors that `embed` gives for a model with this head, where it has a `vector_width`; by default
        None: `embed` gives pooled features."""
        return None

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """A scalar, differentiable; missing targets (see `Task.stack`) add nothing to it, and where all are missing it
        is zero."""
        raise NotImplementedError  # abstract

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """One prediction a sample, as JSON can hold it, in the units of the task's targets."""
        raise NotImplementedError  # abstract

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """One of `decode`'s predictions for people: by default with its probability where there is one."""
        said = decoded["prediction"]
        text = f"{said:.6g}" if isinstance(said, float) else said if isinstance(said, str) else json.dumps(said)
        return f"{text}  {decoded['probability']:.3f}" if "probability" in decoded else text

    def metrics(self) -> torchmetrics.MetricCollection:
        """New metrics, to be updated by `metric_inputs(output, target)`."""
        raise NotImplementedError  # abstract

    def baseline(self, known: Tensor, target: Tensor) -> Tensor | None:
        """The constant answer, made from the training targets without looking at a sample, which a result is held
        against; None where there is no such answer.

        Args:
            known: The stacked targets of the training data.
            target: Those of the samples to be answered.
        """
        return None

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What the metrics compare: predictions and targets, rows with a missing target left out."""
        raise NotImplementedError  # abstract
