"""Classical features of series, for the baselines of modalities that are series.  T steps, C axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def axis_statistics(values_TC: NDArray[Any]) -> NDArray[np.float64]:
    """(11 * C) of each axis: mean, deviation, extremes, quartiles, mean and largest step, the strongest frequency (as a
    share of the highest) and its amplitude.

    Args:
        values_TC: Finite, at least one step.
    """
    values = np.asarray(values_TC, np.float64)
    steps = np.abs(np.diff(values, axis=0)) if len(values) > 1 else np.zeros_like(values)
    amplitudes = np.abs(np.fft.rfft(values - values.mean(0), axis=0)) / len(values)
    quartiles = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    features = [values.mean(0), values.std(0), values.min(0), values.max(0), *quartiles, steps.mean(0), steps.max(0)]
    strongest = amplitudes.argmax(0) / max(len(amplitudes) - 1, 1)
    return np.concatenate([*features, strongest, amplitudes.max(0)])
