"""The plain models that read classical features; of scikit-learn, which is imported when one is made."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, BaselineModel, Classification, Multilabel

_TREES = 300
_PENALTIES = np.logspace(-2, 4, 13)
"""Of ridge regression, of which the best by leave-one-out is taken."""

MOST_SAMPLES = 10_000
"""That a support vector machine is fitted on: its cost grows with their square."""


def make_estimator(model: BaselineModel, task: AnyTask, seed: int) -> Any:
    """A new estimator for a task: a classifier with probabilities for classes and labels, else a regressor."""
    is_classifier = isinstance(task, Classification | Multilabel)
    if model == "forest":
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        return (RandomForestClassifier if is_classifier else RandomForestRegressor)(_TREES, random_state=seed)
    if model == "boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        boosted = HistGradientBoostingClassifier if is_classifier else HistGradientBoostingRegressor
        return boosted(random_state=seed)
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if model == "svm" and is_classifier:
        return KernelMachine(seed)
    linear = LogisticRegression(max_iter=1000) if is_classifier else RidgeCV(_PENALTIES)
    return make_pipeline(StandardScaler(), linear)


class KernelMachine:
    """A support vector machine with a Gaussian kernel on standardised features of at most `MOST_SAMPLES`.

    Its probabilities are a softmax of its scores: they rank as the scores do and are not calibrated.
    """

    def __init__(self, seed: int) -> None:
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        self.seed = seed
        self.scaler = StandardScaler()
        self.machine = SVC(C=100, break_ties=True, decision_function_shape="ovr")

    def fit(self, features: NDArray[Any], classes: NDArray[Any]) -> Self:
        if len(classes) > MOST_SAMPLES:
            chosen = np.random.default_rng(self.seed).permutation(len(classes))[:MOST_SAMPLES]
            features, classes = features[chosen], classes[chosen]
        self.machine.fit(self.scaler.fit_transform(features), classes)
        self.classes_ = self.machine.classes_
        return self

    def predict_proba(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """(n, classes)."""
        scores = self.machine.decision_function(self.scaler.transform(features))
        scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
        likely = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(likely / likely.sum(1, keepdims=True))
