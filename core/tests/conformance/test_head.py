"""Faults that the checks of the head catch, beside the one that each has in `test_broken`, and what tasks require."""

import math

import pytest
import torch

from mt_core.conformance.checks.dataset import _is_target
from mt_core.conformance.task_rules import known, problem_with_prediction, problem_with_targets, with_missing
from mt_core.contract import (
    Boxes,
    Classification,
    Detection,
    Forecasting,
    Multilabel,
    Regression,
    Retrieval,
    Segmentation,
)

from .broken_head import head
from .conftest import result_of

CLASSES = Classification(classes=("a", "b"))
LABELS = Multilabel(labels=("a", "b"))
NUMBER, NUMBERS = Regression(names=("x",)), Regression(names=("x", "y"))
PLACES = Segmentation(classes=("a", "b"))
PIXELS = Segmentation(classes=("a", "b"), of="pixels")
SERIES = Forecasting(channels=("u", "v"), horizon=2, mean=(0, 0), scale=(1, 1))
OBJECTS = Detection(classes=("a", "b"))
FOUND = {"class": "a", "score": 0.5, "box": [0.0, 1.0, 2.0, 3.0]}
PEOPLE = Retrieval(identities=("a", "b"))


FAULTS = {
    "a loss that is not a number": (
        "loss_is_finite_and_differentiable",
        ["def loss(self, output, target):", "    return super().loss(output, target) * float('nan')"],
        "the loss is nan",
    ),
    "a loss without a gradient": (
        "loss_is_finite_and_differentiable",
        ["def loss(self, output, target):", "    return super().loss(output, target).detach()"],
        "no gradient",
    ),
    "a loss of nothing that is NaN": (
        "missing_targets_add_nothing_to_the_loss",
        [
            "def loss(self, output, target):",
            "    return (output[target >= 0, 0] - target[target >= 0]).square().mean()",
        ],
        "the loss is nan, not zero",
    ),
    "a prediction less": (
        "predictions_fit_the_task",
        ["def decode(self, output):", "    return super().decode(output)[1:]"],
        "decode returns 11 predictions for 12 samples",
    ),
    "tensors among the predictions": (
        "predictions_fit_the_task",
        ["def decode(self, output):", "    return [{**row, 'scores': output} for row in super().decode(output)]"],
        "cannot be written as JSON",
    ),
    "a line of two": (
        "predictions_fit_the_task",
        ["def format_prediction(self, decoded):", "    return 'large\\nand small'"],
        "which is not one line",
    ),
    "a primary metric that there is not": (
        "metrics_are_documented",
        ["primary = 'recall'"],
        "primary is 'recall', and the metrics are accuracy, ",
    ),
    "a metric whose name is part of a word": (
        "metrics_are_documented",
        [
            "primary = 'acc'",
            "def metrics(self):",
            "    'accuracy'",
            "    return torchmetrics.MetricCollection({'acc': torchmetrics.classification.MulticlassAccuracy(2)})",
        ],
        "does not name acc",
    ),
    "weights that are not saved": (
        "a_head_is_restored_from_its_options",
        [
            "def state_dict(self, **where):",
            "    return {k: v for k, v in super().state_dict(**where).items() if 'readout' not in k}",
            "",
            "def load_state_dict(self, state):",
            "    return super().load_state_dict(state, strict=False)",
        ],
        "gives another output",
    ),
    "what is learned and not kept": (
        "a_head_is_restored_from_its_options",
        [
            "def calibrate(self, targets):",
            "    self.mean = float(sum(targets))",
            "",
            "def forward(self, features):",
            "    return super().forward(features) + getattr(self, 'mean', 0.0)",
        ],
        "gives another output",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(fault, specimen):
    name, lines, message = FAULTS[fault]
    specimen(*head(*lines))
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


def test_a_head_without_a_baseline_passes(specimen):
    specimen(*head("def baseline(self, known, target):", "    return None"))
    assert result_of("the_baseline_has_finite_metrics").outcome == "passed"


@pytest.mark.parametrize(
    ("task", "targets", "wrong"),
    [
        (CLASSES, [None, None], "known"),
        (LABELS, [[0, 1], [0.5, 1]], "neither 0 nor 1"),
        (LABELS, [[0, 1], None], ""),
        (NUMBER, [1.0, math.inf], "infinite"),
        (SERIES, [[[1, 2], [3, -math.inf]]], "infinite"),
        (PLACES, [[0, 1, -1], None], ""),
        (OBJECTS, [Boxes([[-1, 0, 2, 2]], [0])], "left of or above"),
        (OBJECTS, [Boxes([], []), None], ""),
        (PEOPLE, [(0, 1, 3)], "role"),
        (PEOPLE, [(5, 1, 2), None], ""),
    ],
)
def test_targets_that_no_task_allows_are_reported(task, targets, wrong):
    message = problem_with_targets(task, task.stack(targets))
    assert wrong in message and bool(wrong) == bool(message)


@pytest.mark.parametrize(
    ("task", "valid", "invalid"),
    [
        (CLASSES, ["a"], ["c", 0, None, ["a"]]),
        (LABELS, [[], ["a", "b"]], ["a", ["c"], {"a": 1}]),
        (NUMBER, [1.5, 2], [math.nan, "1", {"x": 1.0}]),
        (NUMBERS, [{"x": 1.0, "y": 2.0}], [1.0, {"x": 1.0}, {"x": 1.0, "y": math.inf}]),
        (PLACES, [["a", "b"], ["a", "b", "a"]], [["a"], "ab", ["a", 1]]),
        (SERIES, [{"u": [1.0, 2.0], "v": [3, 4]}], [[[1, 2], [3, 4]], {"u": [1.0], "v": [1.0]}, {"u": [1.0, 2.0]}]),
        (
            OBJECTS,
            [[], [FOUND, {**FOUND, "class": "b"}]],
            [
                FOUND,
                ["a"],
                [{**FOUND, "class": "c"}],
                [{**FOUND, "score": 1.5}],
                [{**FOUND, "box": [0, 1, 2]}],
                [{**FOUND, "box": [2, 1, 0, 3]}],
                [{**FOUND, "box": [-1, 1, 2, 3]}],
                [{"class": "a", "score": 0.5}],
            ],
        ),
        (PEOPLE, ["b"], ["c", 1]),
    ],
)
def test_a_prediction_fits_its_task(task, valid, invalid):
    target = torch.tensor([0, 1, -1])  # two places whose class is known
    for prediction in valid:
        assert problem_with_prediction(task, {"prediction": prediction}, target) == ""
    for prediction in invalid:
        assert problem_with_prediction(task, {"prediction": prediction}, target)
    assert problem_with_prediction(task, {"answer": valid[0]}, target)
    assert problem_with_prediction(task, {"prediction": valid[0], "probability": 1.2}, target)


def test_a_mask_is_runs_of_classes_that_hold_every_known_pixel():
    target = torch.tensor([[0, 1, -1], [1, -1, -1]])
    mask = {"size": [2, 2], "values": [0, 1], "lengths": [1, 3]}
    assert problem_with_prediction(PIXELS, {"prediction": mask}, target) == ""
    for wrong in ({"values": [0, 2]}, {"lengths": [1, 2]}, {"size": [1, 4]}, {"lengths": [4]}):
        assert "a mask of the picture" in problem_with_prediction(PIXELS, {"prediction": mask | wrong}, target)
    assert problem_with_prediction(PIXELS, {"prediction": ["a", "b"]}, target)


def test_targets_of_some_samples_are_made_missing_in_every_kind_of_task():
    for task, target in (
        (CLASSES, 1), (LABELS, [0, 1]), (NUMBERS, [1.0, 2.0]), (PLACES, [0, 1]), (PIXELS, [[0], [1]]),
        (SERIES, [[1, 2], [3, 4]]), (PEOPLE, (1, 2, 0)), (OBJECTS, Boxes([[0, 0, 2, 2]], [1])),
        (OBJECTS, Boxes([], [])),
    ):  # fmt: skip
        stacked = task.stack([target] * 3)
        missing = with_missing(task, stacked, slice(0, 2))
        assert known(task, missing).tolist() == [False, False, True]
        assert torch.equal(missing[2], stacked[2]) and known(task, stacked).all()


def test_a_sample_that_is_the_boxes_of_its_objects_holds_its_target():
    target = Boxes([[0, 0, 2, 2]], [1])
    assert _is_target("x", CLASSES.classes, {"x": [[0, 0, 2, 2]]}, target)
    assert not _is_target("x", CLASSES.classes, {"x": [[0, 0, 2, 3]]}, target)
