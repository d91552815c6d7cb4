"""What is learned: vectors that belong together are near, others are not.

A samples of one input, B of another, E width.

Sources: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 2.3, and Lei et al. 2023 (ViT-Lens), arXiv:2311.16081,
equation 2, for the softmax; Zhai et al. 2023 (SigLIP), arXiv:2303.15343, section 3.2, for the sigmoid; Gao et al. 2021
(GradCache), arXiv:2101.06983, section 3, for large batches in small memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

_MOST = math.log(100.0)  # of the learned scale, as in CLIP
_BIAS, _SCALE = -10.0, math.log(10.0)  # of the sigmoid loss at first, as in SigLIP
_NONE = -1e9


class Contrast(nn.Module):
    """The loss between samples of two inputs, with a scale (one over the temperature) that is learned.

    Args:
        loss: "infonce" or "sigmoid".
        temperature: At first; the sigmoid begins with that of its paper.
    """

    def __init__(self, loss: str, temperature: float) -> None:
        super().__init__()
        self.loss = loss
        self.log_scale = nn.Parameter(torch.tensor(_SCALE if loss == "sigmoid" else -math.log(temperature)))
        self.bias = nn.Parameter(torch.tensor(_BIAS)) if loss == "sigmoid" else None

    @property
    def scale(self) -> Tensor:
        return self.log_scale.clamp(max=_MOST).exp()

    def forward(self, first_AE: Tensor, second_BE: Tensor, linked_AB: Tensor) -> Tensor:
        """The mean loss.

        Args:
            first_AE, second_BE: Vectors of length 1 of different samples.
            linked_AB: Which of them belong together; those are never held against each other.
        """
        logits_AB = self.scale * first_AE @ second_BE.T
        if self.bias is not None:
            signs_AB = torch.where(linked_AB, 1.0, -1.0)
            return nn.functional.softplus(-signs_AB * (logits_AB + self.bias)).sum() / max(linked_AB.shape)
        return (_chosen_among(logits_AB, linked_AB) + _chosen_among(logits_AB.T, linked_AB.T)) / 2


def _chosen_among(logits_AB: Tensor, linked_AB: Tensor) -> Tensor:
    """Of each sample that has a partner: the cross-entropy of a partner among itself and all that are none, the mean
    over its partners."""
    others_A1 = logits_AB.masked_fill(linked_AB, _NONE).logsumexp(1, keepdim=True)
    losses_AB = nn.functional.softplus(others_A1 - logits_AB) * linked_AB
    partners_A = linked_AB.sum(1)
    return (losses_AB.sum(1) / partners_A.clamp(min=1)).sum() / (partners_A > 0).sum().clamp(min=1)


def through_cache(
    encoders: Sequence[Callable[[], Tensor]],
    objective: Callable[[Sequence[Tensor]], Tensor],
    parameters: Sequence[nn.Parameter],
) -> Tensor:
    """A loss over the vectors of many chunks, whose gradient is computed chunk by chunk: each is encoded twice, and the
    activations of one alone are in memory.

    Args:
        encoders: Each gives the vectors of a chunk, the same ones each time.
        objective: The loss of all of them.
        parameters: All that any of both depends on.
    """
    loss: Tensor = _Cached.apply(encoders, objective, *parameters)
    return loss


class _Cached(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, encoders: Any, objective: Any, *parameters: Tensor) -> Tensor:
        with torch.no_grad():
            vectors = [encode() for encode in encoders]
        leaves = [each.detach().requires_grad_() for each in vectors]
        with torch.enable_grad():
            loss: Tensor = objective(leaves)
        gradients = torch.autograd.grad(loss, [*leaves, *parameters], allow_unused=True)
        ctx.encoders, ctx.parameters = encoders, parameters
        ctx.of_vectors, ctx.of_parameters = gradients[: len(leaves)], gradients[len(leaves) :]
        return loss.detach()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        totals = list(ctx.of_parameters)
        for encode, gradient in zip(ctx.encoders, ctx.of_vectors, strict=True):
            with torch.enable_grad():
                vectors = encode()
            if gradient is None or not vectors.requires_grad:
                continue
            found = torch.autograd.grad(vectors, ctx.parameters, gradient, allow_unused=True)
            totals = [
                each if total is None else total if each is None else total + each
                for total, each in zip(totals, found, strict=True)
            ]
        return None, None, *(None if total is None else total * upstream[0] for total in totals)
