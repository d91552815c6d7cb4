"""What the default heads share: one vector a sample, a normalisation, a linear map or a small MLP."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features, Head, Pool, pooled_width
from mt_core.errors import OptionError


class PooledHead(Head):
    """Pool, normalise, map.  B samples, D width, P pooled width, O outputs.

    Args:
        width: D, the encoder's.
        task: What is to be predicted.
        pool: How a sample's tokens become one vector; see `Features.pool`.
        hidden: Width of a hidden layer; 0 for a linear map.
        dropout: Share of the pooled vector that is dropped in training.
        outputs: O, for a subclass whose outputs are not the task's own.
    """

    def __init__(
        self,
        width: int,
        task: AnyTask,
        *,
        pool: Pool = "mean",
        hidden: int = 0,
        dropout: float = 0.0,
        outputs: int | None = None,
    ) -> None:
        super().__init__(width, task)
        if task.kind not in self.kinds:
            raise OptionError(
                f"{type(self).__name__} does not take a task of kind {task.kind!r}",
                fix=f"use it for {', '.join(self.kinds)}",
            )
        self.pool: Pool = pool
        self.hidden = hidden
        self.dropout = dropout
        pooled = pooled_width(width, pool)
        layers: list[nn.Module] = [nn.LayerNorm(pooled)]
        if hidden:
            layers += [nn.Dropout(dropout), nn.Linear(pooled, hidden), nn.GELU()]
        layers += [nn.Dropout(dropout), nn.Linear(hidden or pooled, outputs or task.num_outputs)]
        self.readout = nn.Sequential(*layers)
        last = layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.trunc_normal_(last.weight, std=0.02)
        nn.init.zeros_(last.bias)

    def options(self) -> dict[str, Any]:
        return {"pool": self.pool, "hidden": self.hidden, "dropout": self.dropout}

    def forward(self, features: Features) -> Tensor:
        """(B, O)."""
        return self.from_pooled(features.pool(self.pool))

    def from_pooled(self, pooled_BP: Tensor) -> Tensor:
        """(B, O) from vectors that `Features.pool(self.pool)` gave; what lets a probe be trained on stored features."""
        scores: Tensor = self.readout(pooled_BP)
        return scores


def mean_of_known(losses: Tensor, known: Tensor) -> Tensor:
    """The mean of the losses whose target is known; zero, and differentiable, where none is."""
    total = torch.where(known, losses, torch.zeros_like(losses)).sum()
    return total / known.sum().clamp(min=1)
