"""Means over seeds, differences of arms, and their 95 % intervals over seeds and test samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from evidence_records import Floats, Metric

from mt_core.training.intervals import percentile_interval

Seeds = Mapping[int, Metric]
"""The measurements of one arm, by seed."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def mean_over_seeds(seeds: Seeds) -> Estimate:
    return _estimate(float(np.mean([metric.value for metric in seeds.values()])), _mean_resampled(seeds))


def difference(first: Seeds, second: Seeds) -> Estimate:
    """How much greater the first is: on the same resampled test parts, and on the same draws of the seeds where both
    have them."""
    value = np.mean([metric.value for metric in first.values()]) - np.mean([m.value for m in second.values()])
    return _estimate(float(value), _mean_resampled(first) - _mean_resampled(second))


def _mean_resampled(seeds: Seeds) -> Floats:
    """(500,) means over seeds that are drawn with replacement, each on the same resampled test part.

    The mean of S seeds drawn so spreads as if their variance were the biased one, S - 1 in S: the weights' distance
    from equal ones is widened by the root of S / (S - 1). One seed has no spread.
    """
    values_SR = np.stack([seeds[seed].resampled for seed in sorted(seeds)])
    count, resamples = values_SR.shape
    drawn_RS = np.random.default_rng(count).multinomial(count, [1 / count] * count, size=resamples) / count
    widened_RS = 1 / count + (drawn_RS - 1 / count) * (np.sqrt(count / (count - 1)) if count > 1 else 1.0)
    return np.asarray((widened_RS.T * values_SR).sum(0))


def _estimate(value: float, resampled: Floats) -> Estimate:
    low, high = percentile_interval(resampled) or (float("nan"), float("nan"))
    return Estimate(value, low, high)
