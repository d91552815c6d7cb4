"""Three numbers of a bag."""

import numpy as np

from mt_core.contract import Baseline


class SpecimenBaseline(Baseline):
    description = "mean, deviation and largest reading, logistic regression"

    def features(self, sample):
        return np.array([sample.mean(), sample.std(), np.abs(sample).max()])
