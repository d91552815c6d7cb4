import numpy as np
import pytest

from mt_core.sdk import canonical_label, similar_labels
from mt_core.sdk.labels import labels_as_written


@pytest.mark.parametrize(
    ("cells", "label"),
    [
        (["1", "1.0", " 01 ", "1.", 1, 1.0, np.float32(1), np.int64(1)], "1"),
        (["0.5", "0.50", 0.5], "0.5"),
        (["True", "true", "TRUE", True, np.True_], "True"),
        (["M\u00fcller", "Mu\u0308ller"], "M\u00fcller"),
        (["", "  ", None, float("nan"), np.nan], None),
        (["-1", "-1.0"], "-1"),
    ],
)
def test_a_label_is_one_however_it_is_written(cells, label):
    assert {canonical_label(cell) for cell in cells} == {label}


def test_different_labels_stay_different():
    cells = ["1", "1,000", "True", "cat", "Cat", "1E5", "100000", "1.5", "15", "NA", "None", "v1.0"]
    assert [canonical_label(cell) for cell in cells] == cells


def test_labels_that_differ_in_capitals_or_blanks_are_likely_one():
    assert similar_labels(["no", "Yes", "yes"]) == "Yes and yes"
    assert similar_labels(["New York", "NewYork"]) == "New York and NewYork"
    assert similar_labels(["m", "M", "a", "b"]) == ""


def test_names_stay_as_they_are_written_unless_two_of_them_are_one():
    names = ["007", "010", "1.0", "true", " a "]
    assert labels_as_written(names) == {**{name: name for name in names}, " a ": "a"}
    assert labels_as_written(["1", "01", "007"]) == {"1": "1", "01": "1", "007": "007"}
    composed, decomposed = "M\u00fcller", "Mu\u0308ller"
    assert set(labels_as_written([composed, decomposed]).values()) == {composed}
