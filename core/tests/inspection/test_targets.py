"""How often each class occurs, and how numbers are spread."""

from __future__ import annotations

from collections import Counter

import pytest

from mt_core.contract import Classification, Detection, Example, ModalityDataset, Multilabel, Regression
from mt_core.inspection.targets import targets_of


class Given(ModalityDataset):
    def __init__(self, targets, task):
        self.given, self.task, self.source = targets, task, "given"

    def __len__(self):
        return len(self.given)

    def __getitem__(self, index):
        return Example(index, self.given[index])

    def targets(self):
        return self.given

    @classmethod
    def open(cls, root, split="train", *, task=None, options=None):
        raise NotImplementedError

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        raise NotImplementedError


def parts(task, **targets):
    return {name: Given(each, task) for name, each in targets.items()}


def test_classes_are_counted_by_part_and_so_is_what_has_no_label():
    task = Classification(classes=("a", "b"))
    found = targets_of(parts(task, train=[0, 0, 1, None], test=[1]), {})
    assert found.classes.parts == {"train": [2, 1], "test": [0, 1]}
    assert found.classes.unknown == {"train": 1, "test": 0}
    assert found.remarks == ["test has no samples of 1 of the classes: a"]


def test_a_strong_imbalance_is_said():
    found = targets_of(parts(Classification(classes=("a", "b", "c")), train=[0] * 30 + [1] * 3 + [2] * 4), {})
    assert found.remarks == ["imbalanced: a has 30 samples of train, b has 3"]


def test_objects_are_counted_as_they_were_read():
    task = Detection(classes=("cell", "plate"))
    found = targets_of(parts(task, train=[None, None]), {"train": Counter({0: 5, 1: 2})})
    assert (found.classes.of, found.classes.parts) == ("objects", {"train": [5, 2]})


def test_labels_of_which_a_sample_may_have_several_are_counted_each():
    found = targets_of(parts(Multilabel(labels=("x", "y")), train=[[1, 0], [1, 1], [float("nan")] * 2]), {})
    assert found.classes.parts == {"train": [2, 1]} and found.classes.unknown == {"train": 1}


def test_numbers_are_spread_over_bins_that_all_parts_share():
    (found,) = targets_of(
        parts(Regression(names=("price",), unit="EUR"), train=[0.0, 10.0, None], test=[5.0]), {}
    ).spreads
    assert (found.edges[0], found.edges[-1], found.unit) == (0.0, 10.0, "EUR")
    assert found.parts["train"][0] == found.parts["train"][-1] == 1 and sum(found.parts["test"]) == 1
    assert found.means == {"train": pytest.approx(5), "test": pytest.approx(5)}
    assert found.unknown == {"train": 1, "test": 0}
