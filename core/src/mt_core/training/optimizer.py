"""AdamW as every training here uses it: weight decay on matrices alone, and a learning rate that rises, then falls."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import nn


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    weight_decay: float,
    *,
    no_decay: Collection[str] = (),
    **settings: Any,
) -> list[dict[str, Any]]:
    """Parameter groups for AdamW; what has no gradient is left out, and so is a group without parameters.

    Args:
        named_parameters: As `Module.named_parameters()` gives them.
        weight_decay: Of matrices; vectors and single numbers (norms, biases) have none.
        no_decay: Names of matrices that have none either.
        settings: Of both groups, such as lr.
    """
    trained = [(name, parameter) for name, parameter in named_parameters if parameter.requires_grad]
    decayed = [parameter for name, parameter in trained if parameter.ndim > 1 and name not in no_decay]
    others = [parameter for name, parameter in trained if parameter.ndim <= 1 or name in no_decay]
    decays = ((decayed, weight_decay), (others, 0.0))
    return [{"params": params, "weight_decay": decay, **settings} for params, decay in decays if params]


def adamw(groups: list[dict[str, Any]], lr: float, *, num_steps: int, warmup: float, **settings: Any) -> dict[str, Any]:
    """AdamW whose rate follows `warmup_cosine` step by step, as `LightningModule.configure_optimizers` returns it.

    Args:
        groups: Parameter groups; one with its own lr follows the same schedule.
        lr: Peak learning rate.
        num_steps: Of the whole schedule.
        warmup: Share of the steps in which the rate rises.
        settings: Of `torch.optim.AdamW`: betas, eps.
    """
    optimizer = torch.optim.AdamW(groups, lr=lr, **settings)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, num_steps, warmup))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def warmup_cosine(step: int, num_steps: int, warmup: float) -> float:
    """The share of the peak learning rate at a step from 0: it rises along a line, then falls along a cosine to 0."""
    rising = max(1, round(num_steps * warmup))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, num_steps - rising))))


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed torch's global generator, from which dropout draws, for one step: a resumed run then draws the same.

    Args:
        rank: Of the process; each draws for its own samples.
    """
    torch.manual_seed(seed * 1_000_003 + step + rank * 2_654_435_761)
