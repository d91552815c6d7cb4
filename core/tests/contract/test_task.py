import json
import math

import numpy as np
import pytest
from pydantic import ValidationError

from mt_core.contract import (
    MISSING_CLASS,
    Boxes,
    Classification,
    Detection,
    Forecasting,
    Multilabel,
    Regression,
    Retrieval,
    Role,
    Segmentation,
    task_from,
)
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


FORECAST = Forecasting(channels=("a", "b"), horizon=2, mean=(0.0, 1.0), scale=(1.0, 2.0))


@pytest.mark.parametrize("task", [Segmentation(classes=("a",)), FORECAST, Retrieval(identities=("ann",))])
def test_a_dense_task_comes_back_from_what_was_written_down(task):
    assert task_from(task.model_dump(mode="json")) == task


def test_labels_of_samples_with_fewer_places_are_filled_with_the_missing_class():
    stacked = Segmentation(classes=("a", "b")).stack([[0, 1, 1], [1], None])
    assert stacked.tolist() == [[0, 1, 1], [1, MISSING_CLASS, MISSING_CLASS], [MISSING_CLASS] * 3]


@pytest.mark.parametrize("target", [[0, 2], [-2], [[0, 1]]])
def test_labels_of_places_outside_the_task_are_refused(target):
    with pytest.raises(OptionError, match=r"0\.\.1"):
        Segmentation(classes=("a", "b")).stack([target])


def test_an_unknown_future_is_nan():
    stacked = FORECAST.stack([[[1, 2], [3, 4]], None])
    assert stacked.shape == (2, 2, 2) and stacked[1].isnan().all()


def test_a_future_of_another_shape_is_refused():
    with pytest.raises(OptionError, match="2 steps of 2 channels"):
        FORECAST.stack([[[1.0, 2.0]]])


@pytest.mark.parametrize("wrong", [{"mean": (0.0,)}, {"scale": (1.0, 0.0)}, {"horizon": 0}])
def test_a_forecast_needs_a_mean_and_a_scale_above_zero_for_each_channel(wrong):
    with pytest.raises(ValidationError):
        Forecasting(**{**FORECAST.model_dump(), **wrong})


def test_an_unknown_identity_is_marked_as_missing():
    stacked = Retrieval(identities=("ann",)).stack([(0, 3, Role.QUERY), None])
    assert stacked.tolist() == [[0, 3, 1], [MISSING_CLASS, 0, 0]]


def test_an_identity_without_camera_and_role_is_refused():
    with pytest.raises(OptionError, match="identity, camera, role"):
        Retrieval(identities=("ann",)).stack([(0, 1)])


@pytest.mark.parametrize(
    ("task", "shape"),
    [
        (Classification(classes=("a", "b")), (0,)),
        (Multilabel(labels=("a", "b")), (0, 2)),
        (Regression(names=("x", "y", "z")), (0, 3)),
        (Segmentation(classes=("a", "b")), (0, 0)),
        (FORECAST, (0, FORECAST.horizon, len(FORECAST.channels))),
        (Retrieval(identities=("a", "b")), (0, 3)),
        (Detection(classes=("a", "b")), (0, 1, 6)),
    ],
)
def test_no_targets_stack_to_no_rows(task, shape):
    """What a batch has whose samples could none of them be read."""
    stacked = task.stack([])
    assert stacked.shape == shape and stacked.dtype == task.stack([None]).dtype


def test_masks_of_pictures_are_padded_to_the_height_and_width_that_hold_all():
    task = Segmentation(classes=("a", "b"), of="pixels", numbers=(0, 255))
    stacked = task.stack([np.array([[0, 1, 1]]), [[1], [-1]], None])
    assert stacked.tolist() == [[[0, 1, 1], [-1] * 3], [[1, -1, -1], [-1] * 3], [[-1] * 3, [-1] * 3]]
    assert task_from(json.loads(task.model_dump_json())) == task
    for wrong in ([0, 1], [[0, 2]], [[[0]]]):
        with pytest.raises(OptionError, match=r"no mask of indices within 0\.\.1"):
            task.stack([wrong])


def test_numbers_and_colours_are_one_a_class():
    with pytest.raises(ValueError, match="one entry a class"):
        Segmentation(classes=("a", "b"), of="pixels", numbers=(1,))
    with pytest.raises(ValueError, match="need the colour of each class"):
        Segmentation(classes=("a", "b"), of="pixels", is_coloured=True)


def test_the_objects_of_a_picture_are_rows_and_no_object_is_not_the_same_as_not_known():
    task = Detection(classes=("a", "b"), numbers=(3, 90))
    two = Boxes([[0, 1, 4, 5.5], [2, 2, 3, 3]], [1, 0], [False, True], size=(6, 8))
    stacked = task.stack([two, Boxes([], []), None])
    assert stacked[0].tolist() == [[0, 1, 4, 5.5, 1, 0], [2, 2, 3, 3, 0, 1]]
    assert stacked[1, :, 4].tolist() == [MISSING_CLASS, MISSING_CLASS]
    assert stacked[2].isnan().all()
    assert task_from(json.loads(task.model_dump_json())) == task


@pytest.mark.parametrize(
    ("boxes", "problem"),
    [
        (Boxes([[0, 0, 1, 1]], [2]), r"class 2, outside 0\.\.1"),
        (Boxes([[0, 0, 1, 1]], []), "1 boxes, 0 classes"),
        (Boxes([[0, 0, 1, 1]], [0], [True, False]), "2 ignored"),
        (Boxes([[3, 0, 3, 1]], [0]), "no area"),
        (Boxes([[0, 0, float("nan"), 1]], [0]), "no finite number"),
        ([[0, 0, 1, 1]], "is a list"),
    ],
)
def test_what_is_no_object_is_refused(boxes, problem):
    with pytest.raises(OptionError, match=problem):
        Detection(classes=("a", "b")).stack([boxes])
