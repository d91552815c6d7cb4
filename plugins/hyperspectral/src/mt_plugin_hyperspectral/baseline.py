"""What a support vector machine makes of spectra.  W pixels of the neighbourhood, C bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Baseline
from mt_plugin_hyperspectral.pixel import Pixel


class HyperspectralBaseline(Baseline):
    """The spectrum of a pixel, and, where the tokenizer looks at a neighbourhood, the mean spectrum of that.

    Source: Melgani and Bruzzone 2004, Classification of hyperspectral remote sensing images with support vector
    machines, IEEE TGRS 42(8).
    """

    description = "spectrum, support vector machine"
    model = "svm"

    def features(self, sample: Pixel) -> NDArray[np.float32]:
        """(C) or (2 * C)."""
        spectra_WC = self.tokenizer.prepare(sample)["spectra"].numpy()
        middle_C = spectra_WC[len(spectra_WC) // 2]
        return middle_C if len(spectra_WC) == 1 else np.concatenate([middle_C, spectra_WC.mean(0)])
