"""What a head puts out for each sample that is measured, so that its metric can be taken on resampled parts."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import Classification, Head, Multilabel, Regression
from mt_core.training.metrics import value_of


@dataclass
class HeadOutputs:
    """What a head puts out for the samples of a dataset, batch by batch, and their targets."""

    batches: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def add(self, output: Tensor, target: Tensor) -> None:
        self.batches.append((output.detach().float().cpu(), target.cpu()))

    def __len__(self) -> int:
        return sum(len(target) for _, target in self.batches)

    def primary_of(self, head: Head) -> Callable[[NDArray[np.int64]], float]:
        """The head's primary metric as a function of the rows that are measured."""
        output, target = (torch.cat([batch[part] for batch in self.batches]) for part in (0, 1))
        own = deepcopy(head).cpu().eval()
        metric = dict(own.metrics().items(keep_base=True))[own.primary]

        def measured(rows: NDArray[np.int64]) -> float:
            metric.reset()
            predicted, true = own.metric_inputs(output[rows], target[rows])
            if len(true):
                metric.update(predicted, true)
            return value_of(metric)

        return measured


@dataclass(frozen=True)
class Measured:
    """One trained model on the samples that are measured.

    Attributes:
        metrics: As `evaluate` gives them.
        outputs: Of its head, empty where samples are not resampled.
        head: Its own.
    """

    metrics: dict[str, float]
    outputs: HeadOutputs
    head: Head
    note: str = ""
    seconds: float = 0.0


def is_resampled(head: Head) -> bool:
    """Whether the test part can be resampled: its samples are independent, and metrics are of single samples."""
    return isinstance(head.task, Classification | Multilabel | Regression)
