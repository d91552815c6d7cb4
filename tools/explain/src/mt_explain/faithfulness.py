"""Whether a prediction rests on the parts that an explanation names: deletion and insertion curves.

P parts, K points of a curve, S orders.

Source: Petsiuk et al. 2018 (RISE), arXiv:1806.07421, section 4.1, with absent parts in place of grey or blurred pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mt_explain.one_sample import OneSample
from mt_explain.target import Target

POINTS = 12
"""Of a curve, at the most."""

RANDOM_ORDERS = 8


@dataclass(frozen=True)
class Faithfulness:
    """Curves of one sample.

    Attributes:
        shares: (K,) of the parts that are gone, or there, at each point.
        deletion, insertion: (K,) the target's value where the parts named strongest go first, or come first.
        random_deletion, random_insertion: (K,) the means over random orders.
    """

    shares: Tensor
    deletion: Tensor
    insertion: Tensor
    random_deletion: Tensor
    random_insertion: Tensor

    @property
    def deletion_gain(self) -> float:
        """The area between the curve of random orders and that of the explanation, above 0 where it is better."""
        return _area(self.random_deletion - self.deletion, self.shares)

    @property
    def insertion_gain(self) -> float:
        """The area between the curve of the explanation and that of random orders, above 0 where it is better."""
        return _area(self.insertion - self.random_insertion, self.shares)

    @property
    def gain(self) -> float:
        """The mean of both."""
        return (self.deletion_gain + self.insertion_gain) / 2


def faithfulness_of(
    sample: OneSample, target: Target, attributions_P: Tensor, *, seed: int = 0, orders: int = RANDOM_ORDERS
) -> Faithfulness:
    """Curves for the order of an explanation, and for random ones.

    Parts are ordered by their attribution; of a target whose parts cannot speak against it, by the size of that. At
    least one part always stays.

    Args:
        attributions_P: At least two parts.
        seed: Of the random orders.
    """
    shares, deletion_SK, insertion_SK = random_curves(sample, target, len(attributions_P), seed=seed, orders=orders)
    return against(sample, target, attributions_P, shares, deletion_SK, insertion_SK)


def random_curves(
    sample: OneSample, target: Target, num_parts: int, *, seed: int = 0, orders: int = RANDOM_ORDERS
) -> tuple[Tensor, Tensor, Tensor]:
    """(K,) shares, and (S, K) deletion and insertion curves of random orders."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.stack([torch.randperm(num_parts, generator=generator) for _ in range(orders)])
    return _curves(sample, target, drawn)


def against(
    sample: OneSample, target: Target, attributions_P: Tensor, shares: Tensor, deletion_SK: Tensor, insertion_SK: Tensor
) -> Faithfulness:
    """The curves of an explanation beside those that `random_curves` gave."""
    strength_P = attributions_P if target.is_signed else attributions_P.abs()
    order = strength_P.argsort(descending=True, stable=True).cpu()
    _, deletion, insertion = _curves(sample, target, order[None])
    return Faithfulness(shares, deletion[0], insertion[0], deletion_SK.mean(0), insertion_SK.mean(0))


def _curves(sample: OneSample, target: Target, orders_SP: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    num_parts = orders_SP.shape[1]
    evenly = torch.linspace(0, num_parts - 1, min(POINTS, num_parts)).round().long()
    counts = torch.tensor(sorted(set(evenly.tolist())))
    gone = [_kept(order, count, first=False) for order in orders_SP for count in counts.tolist()]
    come = [_kept(order, count + 1, first=True) for order in orders_SP for count in counts.tolist()]
    outputs = sample.without(torch.stack(gone + come).to(sample.parts.part_VN.device))
    with torch.no_grad():
        values = target.value(outputs).double().cpu().reshape(2, len(orders_SP), len(counts))
    return counts.double() / (num_parts - 1), values[0], values[1]


def interval(values: list[float], *, seed: int = 0, draws: int = 2000) -> tuple[float, float, float]:
    """The mean, and the 2.5th and 97.5th percentile of the means of samples drawn with replacement.

    Source: Efron 1979, doi:10.1214/aos/1176344552.
    """
    given = torch.tensor(values, dtype=torch.float64)
    drawn = torch.randint(len(given), (draws, len(given)), generator=torch.Generator().manual_seed(seed))
    low, high = given[drawn].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return float(given.mean()), low, high


def _kept(order: Tensor, count: int, *, first: bool) -> Tensor:
    """(P,) bool: the first parts of an order alone, or all but them."""
    kept = torch.full((len(order),), not first)
    kept[order[:count]] = first
    return kept


def _area(curve: Tensor, shares: Tensor) -> float:
    return float(torch.trapezoid(curve, shares))
