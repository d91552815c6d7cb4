"""What is read from stored vectors without steps: 5 nearest neighbours and ridge regression, on standardised features.

n training samples, m test samples, P width, O outputs.
"""

from __future__ import annotations

import numpy as np
from evidence_records import Floats
from numpy.typing import NDArray

NEIGHBOURS = 5
PENALTIES = 10.0 ** np.arange(-1, 6)
"""Of ridge regression, of which the best by leave-one-out error is taken."""


def standardised(train_nP: Floats, test_mP: Floats) -> tuple[Floats, Floats]:
    """Both by mean and deviation of the training samples; a feature that does not vary stays small."""
    train_nP, test_mP = np.asarray(train_nP, np.float64), np.asarray(test_mP, np.float64)
    mean_P, scale_P = train_nP.mean(0), train_nP.std(0) + 1e-6
    return (train_nP - mean_P) / scale_P, (test_mP - mean_P) / scale_P


def neighbours(train_nP: Floats, classes_n: NDArray[np.int64], test_mP: Floats) -> NDArray[np.int64]:
    """(m,) the class that most of the five nearest have."""
    from sklearn.neighbors import KNeighborsClassifier

    train_nP, test_mP = standardised(train_nP, test_mP)
    fitted = KNeighborsClassifier(min(NEIGHBOURS, len(train_nP))).fit(train_nP, classes_n)
    return np.asarray(fitted.predict(test_mP))


def ridge_classes(train_nP: Floats, classes_n: NDArray[np.int64], test_mP: Floats) -> NDArray[np.int64]:
    """(m,) by ridge regression onto the classes."""
    from sklearn.linear_model import RidgeClassifierCV

    train_nP, test_mP = standardised(train_nP, test_mP)
    return np.asarray(RidgeClassifierCV(PENALTIES).fit(train_nP, classes_n).predict(test_mP))


def ridge_values(train_nP: Floats, values_nO: Floats, test_mP: Floats) -> Floats:
    """(m, O) by ridge regression, one penalty for all outputs."""
    from sklearn.linear_model import RidgeCV

    train_nP, test_mP = standardised(train_nP, test_mP)
    return np.asarray(RidgeCV(PENALTIES).fit(train_nP, values_nO).predict(test_mP)).reshape(len(test_mP), -1)
