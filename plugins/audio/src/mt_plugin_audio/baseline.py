"""What a support vector machine makes of cepstral coefficients.  F frames, M mel bands, K coefficients."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Baseline
from mt_plugin_audio.filterbank import log_mel
from mt_plugin_audio.waveform import Waveform

_BANDS, _COEFFICIENTS, _PARTS = 40, 20, 6


class AudioBaseline(Baseline):
    """Mel-frequency cepstral coefficients: their means in each of six equal parts of a recording, their deviation over
    all of it, and its duration.

    Source: Davis and Mermelstein 1980, Comparison of parametric representations for monosyllabic word recognition.
    """

    description = "MFCC, support vector machine"
    model = "svm"

    def features(self, sample: Waveform) -> NDArray[np.float64]:
        """(6 * 20 + 20 + 1)."""
        energies_FM = log_mel(sample.samples, _BANDS).numpy().astype(np.float64)
        coefficients_FK = energies_FM @ _cosines().T
        edges = np.linspace(0, len(coefficients_FK), _PARTS + 1)
        parts = [
            coefficients_FK[int(first) : max(int(last), int(first) + 1)].mean(0) for first, last in pairwise(edges)
        ]
        return np.concatenate([*parts, coefficients_FK.std(0), [np.log(len(coefficients_FK))]])


def _cosines() -> NDArray[np.float64]:
    """(K, M) the first rows of the orthonormal discrete cosine transform of type II."""
    order_K1, band_M = np.arange(_COEFFICIENTS)[:, None], np.arange(_BANDS)
    rows = np.sqrt(2 / _BANDS) * np.cos(np.pi * order_K1 * (2 * band_M + 1) / (2 * _BANDS))
    rows[0] /= np.sqrt(2)
    return np.asarray(rows)
