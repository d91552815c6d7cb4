"""The same boxes for every picture, as what is known without looking."""

import numpy as np
import pytest

from mt_core.contract import Boxes, Detection
from mt_core.heads import default_head
from mt_core.training import baseline_metrics
from mt_core.training.constant_answer import typical_target
from mt_core.training.constant_boxes import boxes_metrics

TASK = Detection(classes=("car", "gate"))


def picture(*objects, size=(100, 200)):
    """Objects as class, left, top, right, bottom."""
    return Boxes(np.array([each[1:] for each in objects]).reshape(-1, 4), [each[0] for each in objects], size=size)


USUAL = [picture((0, 20, 10, 60, 50)), picture((0, 40, 20, 120, 100), size=(200, 400)), picture((1, 0, 0, 20, 20))]


def test_a_box_that_most_pictures_have_is_answered_with_their_share():
    first, second = typical_target(TASK, USUAL)
    assert first == pytest.approx([0.1, 0.1, 0.3, 0.5, 2 / 3, 0], abs=1e-3)
    assert second == pytest.approx([0, 0, 0.1, 0.2, 1 / 3, 1], abs=1e-3)


def test_it_is_measured_in_pixels_of_each_picture():
    metrics = baseline_metrics(default_head(8, TASK), USUAL, [picture((0, 2, 1, 6, 5), size=(10, 20))])
    assert metrics["map"] == pytest.approx(1)
    metrics = baseline_metrics(default_head(8, TASK), USUAL, [picture((0, 12, 1, 16, 5), size=(10, 20))])
    assert metrics["map"] == 0


def test_without_sizes_or_objects_there_is_no_such_answer():
    assert typical_target(TASK, [picture((0, 1, 1, 2, 2), size=None), None]) is None
    assert typical_target(TASK, [picture()]) is None
    assert boxes_metrics(default_head(8, TASK), None, USUAL) == {}
    assert (
        boxes_metrics(default_head(8, TASK), typical_target(TASK, USUAL), [picture((0, 1, 1, 2, 2), size=None)]) == {}
    )


def test_objects_that_do_not_count_are_in_no_answer():
    crowd = Boxes([[0, 0, 200, 100], [0, 0, 20, 20]], [0, 1], ignored=[True, False], size=(100, 200))
    assert typical_target(TASK, [crowd]) == [pytest.approx([0, 0, 0.1, 0.2, 1, 1], abs=1e-3)]
    assert typical_target(TASK, [Boxes([[0, 0, 200, 100]], [0], ignored=[True], size=(100, 200))]) is None
