"""What a forest makes of simple statistics of each axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Baseline
from mt_core.sdk import axis_statistics
from mt_plugin_imu.recording import Recording
from mt_plugin_imu.resampling import resample
from mt_plugin_imu.tokenizer import ImuTokenizer


class ImuBaseline(Baseline):
    """Mean, deviation, extremes, quartiles, activity and strongest frequency of each axis, at the option `rate_hz`."""

    description = "statistics of each axis, a forest"
    model = "forest"
    tokenizer: ImuTokenizer

    def features(self, sample: Recording) -> NDArray[np.float64]:
        """(11 * axes)."""
        return axis_statistics(resample(sample, self.tokenizer.options.rate_hz))
