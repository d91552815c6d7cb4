"""What boosted trees are given of a row."""

import numpy as np
import pytest

from mt_core.contract import Classification, Example
from mt_plugin_tabular.baseline import TabularBaseline
from mt_plugin_tabular.tokenizer import TabularTokenizer

ROWS = [{"age": str(age), "town": town} for age, town in ((10, "Ulm"), (20, "Bonn"), (30, "Ulm"), (40, "Bonn"))]


def made() -> TabularBaseline:
    tokenizer = TabularTokenizer(8)
    tokenizer.calibrate(Example(row) for row in ROWS)
    return TabularBaseline(tokenizer)


def test_numbers_are_in_standard_deviations_and_categories_are_whole_numbers_behind_them() -> None:
    (first, second, third, fourth) = (made().features(row) for row in ROWS)
    deviations = [row[0] for row in (first, second, third, fourth)]
    assert deviations == pytest.approx([(age - 25) / np.std([10, 20, 30, 40]) for age in (10, 20, 30, 40)])
    assert first[1] == third[1] != second[1] == fourth[1] and first[1] == int(first[1])


def test_a_missing_number_is_below_all_others() -> None:
    missing = made().features({"age": None, "town": "Ulm"})
    assert missing[0] < min(made().features(row)[0] for row in ROWS)


def test_the_trees_are_told_which_columns_are_categories() -> None:
    pytest.importorskip("sklearn", reason="the trees are scikit-learn's, an extra")
    trees = made().estimator(Classification(classes=("a", "b")), 0)
    assert trees.categorical_features == [False, True]
