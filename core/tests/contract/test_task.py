import math

import pytest
from pydantic import ValidationError

from mt_core.contract import MISSING_CLASS, Classification, Multilabel, Regression, task_from
from mt_core.errors import OptionError


@pytest.mark.parametrize(
    "task", [Classification(classes=("a", "b")), Multilabel(labels=("x",)), Regression(names=("y",), unit="m")]
)
def test_a_task_comes_back_from_what_was_written_down(task):
    assert task_from(task.model_dump(mode="json")) == task


def test_unknown_classes_are_marked_as_missing():
    assert Classification(classes=("a", "b")).stack([1, None, 0]).tolist() == [1, MISSING_CLASS, 0]


def test_a_class_index_outside_the_task_is_refused():
    with pytest.raises(OptionError, match=r"0\.\.1"):
        Classification(classes=("a", "b")).stack([2])


def test_unknown_labels_are_nan():
    stacked = Multilabel(labels=("a", "b")).stack([[1, None], None])
    assert stacked[0, 0] == 1 and math.isnan(stacked[0, 1]) and stacked[1].isnan().all()


def test_a_single_quantity_may_be_a_bare_number():
    assert Regression(names=("y",)).stack([1.5, 2]).tolist() == [[1.5], [2.0]]


def test_a_target_of_another_length_is_refused():
    with pytest.raises(OptionError, match="3 numbers"):
        Regression(names=("x", "y")).stack([[1, 2, 3]])


def test_a_task_takes_no_unknown_field():
    with pytest.raises(ValidationError):
        Classification(classes=("a",), colour="red")
