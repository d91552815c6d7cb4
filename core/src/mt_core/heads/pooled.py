"""What the default heads share: one vector a sample, a normalisation, a linear map or a small MLP."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features, Head, Options, Pool, pooled_width
from mt_core.errors import OptionError
from mt_core.heads.part_norm import PartNorm
from mt_core.heads.view_attention import ViewAttention


class PooledOptions(Options):
    """How a sample's tokens become its scores."""

    pool: Pool = Field(
        default="mean", description="How a sample's tokens become one vector: cls, mean, max, or joined."
    )
    hidden: int = Field(default=0, ge=0, description="Width of a hidden layer; 0: a linear map.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of a vector that is dropped in training.")
    parts: int = Field(
        default=1,
        ge=1,
        description="Of items of several inputs: how many stand side by side in the vector, each pooled by itself; "
        "as many as there are inputs, where it is not given.",
    )
    views: Literal["mean", "attention"] = Field(
        default="mean",
        description="How the views of a sample (its clips, its channels, its inputs that are fused late) become one "
        "vector: together, or each by itself and then by learned attention over them.",
    )


class PooledHead(Head):
    """Pool, normalise, map.  B samples, D width, P pooled width, O outputs.

    Args:
        width: D, the encoder's.
        task: What is to be predicted.
        options: None: the defaults.
        outputs: O, for a subclass whose outputs are not the task's own.
    """

    Options = PooledOptions
    options: PooledOptions

    def __init__(
        self, width: int, task: AnyTask, options: PooledOptions | None = None, *, outputs: int | None = None
    ) -> None:
        super().__init__(width, task, options)
        if task.kind not in self.kinds:
            raise OptionError(
                f"{type(self).__name__} does not take a task of kind {task.kind!r}",
                fix=f"use it for {', '.join(self.kinds)}",
            )
        hidden, dropout = self.options.hidden, self.options.dropout
        is_weighed = self.options.views == "attention"
        pooled = pooled_width(width, self.options.pool, 1 if is_weighed else self.options.parts)
        self.across = ViewAttention(pooled) if is_weighed else None
        are_beside = self.options.parts > 1 and not is_weighed
        layers: list[nn.Module] = [PartNorm(pooled, width) if are_beside else nn.LayerNorm(pooled)]
        if hidden:
            layers += [nn.Dropout(dropout), nn.Linear(pooled, hidden), nn.GELU()]
        layers += [nn.Dropout(dropout), nn.Linear(hidden or pooled, outputs or task.num_outputs)]
        self.readout = nn.Sequential(*layers)
        last = layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.trunc_normal_(last.weight, std=0.02)
        nn.init.zeros_(last.bias)

    def forward(self, features: Features) -> Tensor:
        """(B, O)."""
        across: ViewAttention | None = getattr(self, "across", None)
        if across is not None:
            return self.from_pooled(across(*features.pool_views(self.options.pool)))
        return self.from_pooled(features.pool(self.options.pool, parts_of(self)))

    def from_pooled(self, pooled_BP: Tensor) -> Tensor:
        """(B, O) from vectors that `Features.pool(pool, parts)` gave for the head's options, so that a probe can be
        trained on stored ones."""
        scores: Tensor = self.readout(pooled_BP)
        return scores


def parts_of(head: Head) -> int:
    """How many inputs of an item stand side by side in the vectors that a head reads."""
    parts: int = getattr(head.options, "parts", 1)
    return parts


def reads_pooled(head: Head | None) -> bool:
    """Whether all that a head reads of the features is one pooled vector a sample, so that stored vectors do."""
    is_pooled = isinstance(head, PooledHead) and type(head).forward is PooledHead.forward
    return is_pooled and getattr(head, "across", None) is None


def mean_of_known(losses: Tensor, known: Tensor) -> Tensor:
    """The mean of the losses whose target is known; zero, and differentiable, where none is."""
    total = torch.where(known, losses, torch.zeros_like(losses)).sum()
    return total / known.sum().clamp(min=1)
