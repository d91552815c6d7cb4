import numpy as np
import pytest

from mt_core.sdk import canonical_label, similar_labels


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
