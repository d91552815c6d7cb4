from collections import Counter

import numpy as np

from mt_core.sdk import assign_folds

LABELS = ["a"] * 23 + ["b"] * 11 + ["c"] * 3


def test_folds_are_of_one_size_and_every_class_is_spread_over_them():
    folds = assign_folds(LABELS, 5, seed=0)
    sizes = Counter(folds.tolist())
    assert sorted(sizes) == [0, 1, 2, 3, 4] and max(sizes.values()) - min(sizes.values()) <= 1
    for name in "abc":
        of_class = Counter(fold for fold, label in zip(folds.tolist(), LABELS, strict=True) if label == name)
        assert max(of_class.values()) - min(of_class.get(fold, 0) for fold in range(5)) <= 1


def test_folds_are_the_seeds():
    assert (assign_folds(LABELS, 5, seed=1) == assign_folds(LABELS, 5, seed=1)).all()
    assert (assign_folds(LABELS, 5, seed=1) != assign_folds(LABELS, 5, seed=2)).any()


def test_labels_may_be_numbers():
    assert set(assign_folds(np.array([3, 3, 1, 1]).tolist(), 2, seed=0).tolist()) == {0, 1}
