"""Linear heads solved exactly on stored vectors: ridge and logistic regression, the penalty chosen on validation.

N samples, P pooled width, O outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mt_core.contract import Head
from mt_core.heads import RegressionHead
from mt_core.heads.part_norm import PartNorm
from mt_core.heads.pooled import reads_pooled

PENALTIES = (10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Of the mean loss plus penalty / 2 times the squared weights of standardised features, the strongest first."""

_KINDS = ("classification", "multilabel", "regression")
_STEPS = 200


def is_linear(head: Head) -> bool:
    """Whether a head is a linear map of pooled vectors, for one class, labels or numbers a sample."""
    if head.task.kind not in _KINDS or not reads_pooled(head):
        return False
    readout: Any = getattr(head, "readout", None)
    return isinstance(readout, nn.Sequential) and sum(isinstance(layer, nn.Linear) for layer in readout) == 1


def solutions(head: Head, vectors_NP: Tensor, targets: Tensor) -> Iterator[float]:
    """Solve a linear head for each penalty, the strongest first: each time the head has the solution when its penalty
    is yielded.

    The head keeps its own normalisation of each vector; what it gives is standardised by the training samples: their
    mean is taken from the bias of the normalisation, their scale is folded into the weights. An input that an item
    lacks stays zero. Squared errors are solved in closed form, any other loss by L-BFGS.

    Args:
        head: One for which `is_linear` holds, calibrated.
        vectors_NP, targets: The training samples: pooled vectors, and targets as the task stacks them.
    """
    readout: Any = head.readout
    norm, linear = readout[0], readout[-1]
    with torch.no_grad():
        vectors_NP = vectors_NP.to(linear.weight)
        is_there_NP = norm.is_there(vectors_NP) if isinstance(norm, PartNorm) else None
        mean_P, scale_P = _moments(norm(vectors_NP).double(), is_there_NP)
        norm.bias.sub_(mean_P)
        standard_NP = norm(vectors_NP).double() / scale_P
    targets = targets.to(linear.weight.device)
    is_ridge = isinstance(head, RegressionHead) and head.options.objective == "mse"
    solved = _ridge(head, standard_NP, targets) if is_ridge else _by_descent(head, standard_NP, targets)
    for penalty, weight_OP, bias_O in solved:
        with torch.no_grad():
            linear.weight.copy_(weight_OP / scale_P)
            linear.bias.copy_(bias_O)
        yield penalty


def _moments(normal_NP: Tensor, is_there_NP: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each number, where given over the samples that have its input; 0 and 1 of what
    none has, and 1 for a deviation of 0."""
    weight_NP = torch.ones_like(normal_NP) if is_there_NP is None else is_there_NP.double()
    count_P = weight_NP.sum(0).clamp(min=1)
    mean_P = (normal_NP * weight_NP).sum(0) / count_P
    scale_P = (((normal_NP - mean_P).square() * weight_NP).sum(0) / count_P).sqrt()
    return mean_P, torch.where(scale_P > 1e-12, scale_P, torch.ones_like(scale_P))


Solutions = Iterator[tuple[float, Tensor, Tensor]]
"""Penalty, (O, P) weights and (O,) bias for standardised vectors."""


def _ridge(head: Any, standard_NP: Tensor, targets_NO: Tensor) -> Solutions:
    """Closed form, a target at a time where some of them are not known."""
    wanted_NO = (targets_NO.double() - head.mean_T) / head.scale_T
    systems = []
    for wanted_N in wanted_NO.T:
        known = ~wanted_N.isnan()
        features_MP, wanted_M = standard_NP[known], wanted_N[known]
        count = max(1, len(wanted_M))
        mean_P, mean = features_MP.sum(0) / count, wanted_M.sum() / count
        centred_MP = features_MP - mean_P
        sizes_P, axes_PP = torch.linalg.eigh(centred_MP.T @ centred_MP / count)
        systems.append(
            (sizes_P.clamp(min=0), axes_PP, axes_PP.T @ (centred_MP.T @ (wanted_M - mean)) / count, mean_P, mean)
        )
    for penalty in PENALTIES:
        rows = [axes @ (along / (sizes + penalty)) for sizes, axes, along, _, _ in systems]
        biases = [mean - row @ mean_P for row, (_, _, _, mean_P, mean) in zip(rows, systems, strict=True)]
        yield penalty, torch.stack(rows), torch.stack(biases)


def _by_descent(head: Head, standard_NP: Tensor, targets: Tensor) -> Solutions:
    """L-BFGS on the head's own loss, each penalty from where the stronger one ended."""
    num_outputs = head.task.num_outputs
    weight_OP = torch.zeros(num_outputs, standard_NP.shape[1], dtype=torch.float64, device=standard_NP.device)
    bias_O = torch.zeros(num_outputs, dtype=torch.float64, device=standard_NP.device)
    parameters = [weight_OP.requires_grad_(), bias_O.requires_grad_()]
    for penalty in PENALTIES:
        descent = torch.optim.LBFGS(
            parameters, max_iter=_STEPS, tolerance_grad=1e-6, tolerance_change=1e-10, line_search_fn="strong_wolfe"
        )

        def loss(descent: torch.optim.Optimizer = descent, penalty: float = penalty) -> Tensor:
            descent.zero_grad()
            value = head.loss(standard_NP @ weight_OP.T + bias_O, targets)
            value = value + penalty / 2 * weight_OP.square().sum()
            value.backward()  # type: ignore[no-untyped-call]
            return value

        with torch.enable_grad():
            descent.step(loss)  # type: ignore[no-untyped-call]
        yield penalty, weight_OP.detach().clone(), bias_O.detach().clone()
