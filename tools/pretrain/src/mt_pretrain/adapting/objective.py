"""What is learned without labels: vectors of two views of a sample are the same, those of different samples are not.

B samples, P width of the projector.

Source: Bardes et al. 2022 (VICReg), arXiv:2105.04906, section 4.1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_EPS = 1e-4

TERMS = ("loss", "invariance", "variance", "covariance")
"""What `vicreg` gives, in this order."""


def projector(width: int, hidden: int) -> nn.Sequential:
    """Three layers between vectors and loss, thrown away afterwards."""
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
    )


def vicreg(first_BP: Tensor, second_BP: Tensor, weights: tuple[float, float, float]) -> Tensor:
    """The loss, and its three terms without their weights.

    Args:
        weights: Of invariance, variance and covariance.

    Returns:
        (4,) as `TERMS` names them. Variance is the mean, over dimensions and the two views, of what a standard
        deviation lacks of 1; covariance the sum of the squares off the diagonal, over P, of both views together.
    """
    invariance = (first_BP - second_BP).square().mean()
    views = [view_BP - view_BP.mean(0) for view_BP in (first_BP, second_BP)]
    lacking = [torch.relu(1 - (view_BP.var(0) + _EPS).sqrt()).mean() for view_BP in views]
    variance = torch.stack(lacking).mean()
    covariance = torch.stack([_off_diagonal(view_BP) for view_BP in views]).sum()
    terms = torch.stack([invariance, variance, covariance])
    loss = (terms * terms.new_tensor(weights)).sum()
    return torch.cat([loss[None], terms])


def _off_diagonal(centred_BP: Tensor) -> Tensor:
    covariance_PP = centred_BP.T @ centred_BP / (len(centred_BP) - 1)
    squares_PP = covariance_PP.square()
    return (squares_PP.sum() - squares_PP.diagonal().sum()) / len(squares_PP)
