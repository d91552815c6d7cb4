"""What axes, and the magnitudes of triples of axes, are measured against.  T steps, C axes, G triples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import Moments
from mt_plugin_imu.recording import Recording

Values = NDArray[np.float32]

_FURTHEST = 100.0  # deviations from the mean: a spike is kept from drowning everything else


@dataclass(frozen=True)
class Scales:
    """Of C axes, and behind them of the magnitudes of their G triples.

    Attributes:
        num_axes: C.
        means, deviations: (C + G,), in the unit of the recordings.
    """

    num_axes: int
    means: Values
    deviations: Values

    def standardised(self, values_TC: Values) -> Values:
        """(T, C + G) axes and magnitudes, in deviations from the mean."""
        both = np.concatenate([values_TC, magnitudes(values_TC)], axis=1)
        standardised: Values = np.clip((both - self.means) / self.deviations, -_FURTHEST, _FURTHEST)
        return standardised

    def to_json(self) -> dict[str, Any]:
        return {"axes": self.num_axes, "means": self.means.tolist(), "deviations": self.deviations.tolist()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Scales:
        means, deviations = (np.array(record[name], dtype=np.float32) for name in ("means", "deviations"))
        return cls(int(record["axes"]), means, deviations)


def magnitudes(values_TC: Values) -> Values:
    """(T, G) the Euclidean norm of each triple of axes; no column where C is no multiple of 3."""
    num_steps, num_axes = values_TC.shape
    if num_axes % 3:
        return np.empty((num_steps, 0), dtype=np.float32)
    norms: Values = np.linalg.norm(values_TC.reshape(num_steps, -1, 3), axis=2)
    return norms


def scales_of(values_TC: Values) -> Scales:
    """A recording's own: the root mean square of each triple, or of each axis where there are none, about zero.

    The three axes of a sensor are divided by the same, and the mean stays: where gravity points to is the posture.
    """
    num_axes = values_TC.shape[1]
    sizes = magnitudes(values_TC) if num_axes % 3 == 0 else np.abs(values_TC)
    roots = _positive(np.sqrt((sizes.astype(np.float64) ** 2).mean(0)))
    if num_axes % 3 == 0:
        roots = np.concatenate([np.repeat(roots, 3), roots])
    return Scales(num_axes, np.zeros_like(roots), roots)


class Survey:
    """Means and deviations over recordings of one number of axes, one after the other.

    Attributes:
        num_recordings: Until now.
    """

    def __init__(self) -> None:
        self.num_recordings, self._num_axes = 0, 0
        self.moments = Moments()

    def add(self, recording: Recording) -> None:
        """Take in all steps of a recording."""
        values = recording.values
        self.num_recordings, self._num_axes = self.num_recordings + 1, values.shape[1]
        self.moments.add(np.concatenate([values, magnitudes(values)], axis=1))

    def scales(self) -> Scales:
        """What was found.

        Raises:
            InputError: no recording was added.
        """
        if not self.num_recordings:
            raise InputError("there are no recordings to calibrate on", fix="give at least one")
        means = self.moments.mean.astype(np.float32)
        return Scales(self._num_axes, means, _positive(self.moments.std))


def _positive(deviations: NDArray[np.float64]) -> Values:
    """One where there is no deviation: an axis that never changes."""
    return np.where(deviations > 1e-12, deviations, 1.0).astype(np.float32)
