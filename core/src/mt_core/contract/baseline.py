"""What a result is held against where no network is used: classical features of the field, and a plain model on them.

A complete baseline, for series of one channel:

    class SeriesBaseline(Baseline):
        description = "mean, deviation and extremes, a random forest"
        model = "forest"

        def features(self, sample):
            return np.array([sample.mean(), sample.std(), sample.min(), sample.max()])
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mt_core.contract.task import AnyTask
from mt_core.contract.tokenizer import Tokenizer

BaselineModel = Literal["linear", "svm", "forest", "boosting"]
"""Of scikit-learn: logistic or ridge regression on standardised features; the same with a support vector machine for
classes; a random forest; boosted trees."""


class Baseline:
    """Classical features of one modality, named as `baseline` in its manifest. Made as `cls(tokenizer)`.

    A subclass implements `features`. Instances are pickled to data workers.

    Args:
        tokenizer: Calibrated on the training split, so that it knows the columns, the channels, the rate. Its weights
            are not used.

    Attributes:
        description: Features and model in a few words, for tables: "TF-IDF of words and pairs, logistic regression".
        model: What reads the features, unless `estimator` is overridden.
    """

    description: ClassVar[str] = "classical features"
    model: ClassVar[BaselineModel] = "linear"

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def features(self, sample: Any) -> NDArray[np.floating[Any]]:
        """The features of one sample; deterministic.

        Args:
            sample: What `Tokenizer.read` returned.

        Returns:
            (F,) finite numbers, as many for every sample. A vector that is nearly all zeros (counts of words) is kept
            sparse.

        Raises:
            InputError: a sample that can be read and not used.
        """
        raise NotImplementedError  # abstract

    def estimator(self, task: AnyTask, seed: int) -> Any:
        """A new scikit-learn estimator for a task in place of `model`; None, as by default: that model.

        It is fitted on (n, F) features with, for classes, (n,) indices, and has `predict_proba`; for numbers and for
        labels it is fitted once for each of them, on (n,) values; for a forecast on (n, H * C) values, the steps of all
        channels one after another. Import scikit-learn within: it is an extra, `mt-core[baselines]`.
        """
        return None
