"""Curves and counts are those of scikit-learn."""

import numpy as np
import pytest
from sklearn import calibration, decomposition, metrics

from mt_report.statistics import confusion, evenly, precision_recall, principal_plane, reliability, roc, thinned

random = np.random.default_rng(0)
SCORE = np.round(random.random(300), 2)  # with ties
POSITIVE = random.random(300) < 0.2 + 0.6 * SCORE


def test_the_receiver_operating_characteristic():
    curve = roc(SCORE, POSITIVE)
    x, y, _ = metrics.roc_curve(POSITIVE, SCORE, drop_intermediate=False)
    assert np.allclose(curve.x, x) and np.allclose(curve.y, y)
    assert curve.area == pytest.approx(metrics.roc_auc_score(POSITIVE, SCORE))


def test_precision_by_recall():
    curve = precision_recall(SCORE, POSITIVE)
    precision, recall, _ = metrics.precision_recall_curve(POSITIVE, SCORE)
    assert np.allclose(curve.x[1:], recall[:-1][::-1]) and np.allclose(curve.y[1:], precision[:-1][::-1])
    assert curve.area == pytest.approx(metrics.average_precision_score(POSITIVE, SCORE))


def test_one_class_alone_has_no_curve():
    assert roc(SCORE, np.ones(300, bool)) is None and precision_recall(SCORE, np.zeros(300, bool)) is None


def test_confusion():
    truth, taken = random.integers(0, 4, 50), random.integers(0, 4, 50)
    assert confusion(truth, taken, 4).tolist() == metrics.confusion_matrix(truth, taken, labels=range(4)).tolist()


def test_reliability():
    found = reliability(SCORE, POSITIVE)
    observed, stated = calibration.calibration_curve(POSITIVE, SCORE - 1e-9 * (SCORE > 0), n_bins=10)
    assert np.allclose(found.observed, observed) and np.allclose(found.stated, stated)
    by_hand = sum(abs(o - s) * n for o, s, n in zip(observed, stated, found.counts, strict=True)) / 300
    assert found.error == pytest.approx(by_hand)


def test_the_principal_plane():
    vectors = random.normal(size=(40, 7)).astype(np.float32) * np.arange(1, 8)
    plane, shares = principal_plane(vectors.astype(np.float32))
    fitted = decomposition.PCA(2).fit(vectors)
    expected = fitted.transform(vectors)
    assert np.allclose(np.abs(plane), np.abs(expected), atol=1e-3)
    assert shares == pytest.approx(tuple(fitted.explained_variance_ratio_), abs=1e-5)


def test_vectors_that_are_all_the_same_have_a_plane():
    plane, shares = principal_plane(np.ones((5, 3), np.float32))
    assert plane.tolist() == [[0, 0]] * 5 and shares == (0, 0)


def test_thinning_keeps_both_ends():
    curve = thinned(roc(random.random(5000), random.random(5000) < 0.5))
    assert len(curve.x) <= 200 and (curve.x[0], curve.x[-1], curve.y[-1]) == (0, 1, 1)
    assert evenly(10, 3).tolist() == [0, 4, 9] and evenly(3, 10).tolist() == [0, 1, 2]
