"""Counts of places, intervals over samples, segments of recordings, and clouds as pictures."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import jaccard_score

from mt_core.contract import Segmentation
from mt_core.heads import default_head
from mt_report.clouds import cloud_png
from mt_report.dense import MOST_PLACES, DenseCounts
from mt_report.intervals import draws_of, resample
from mt_report.predictions import Predictions
from mt_report.steps import runs, segment_counts

TASK = Segmentation(classes=("a", "b", "c"), of="places")
RANDOM = np.random.default_rng(0)


def counted(truth_NP, said_NP, task=TASK):
    dense = DenseCounts(task)
    logits = 5 * torch.nn.functional.one_hot(torch.from_numpy(said_NP), len(task.classes)).float()
    dense.add(logits, torch.from_numpy(truth_NP), list(range(len(truth_NP))))
    return dense


def predictions(dense):
    empty = torch.empty(0)
    return Predictions({}, empty, empty, np.array(dense.positions), np.empty((0, 2)), np.empty(0), dense, [], 0.0)


TRUTH, SAID = RANDOM.integers(0, 3, (12, 40)), RANDOM.integers(0, 3, (12, 40))


def test_the_mean_iou_of_drawn_samples_is_that_of_their_places_together():
    rows = np.array([0, 0, 3, 7])
    expected = jaccard_score(TRUTH[rows].ravel(), SAID[rows].ravel(), average="macro")
    assert counted(TRUTH, SAID).primary(rows) == pytest.approx(expected)


def test_the_interval_holds_the_metric_and_is_wider_of_groups():
    dense, head = counted(TRUTH, np.where(RANDOM.random((12, 1)) < 0.5, TRUTH, SAID)), default_head(8, TASK)
    alone = resample(draws_of(head, predictions(dense), None))
    grouped = resample(draws_of(head, predictions(dense), [f"g{row // 2}" for row in range(12)]))
    for found, of in ((alone, "the samples measured"), (grouped, "whole groups of samples measured")):
        assert found.interval[0] < dense.primary(np.arange(12)) < found.interval[1]
        assert of in found.how
    assert "windows of the one recording" in resample(draws_of(head, predictions(dense), ["one"] * 12)).how


def test_few_samples_have_no_interval():
    head = default_head(8, TASK)
    found = resample(draws_of(head, predictions(counted(TRUTH[:3], SAID[:3])), None))
    assert found.interval is None and found.how == "No interval: 3 independent samples are too few to be drawn again."
    found = resample(draws_of(head, predictions(counted(TRUTH, SAID)), [f"g{row % 2}" for row in range(12)]))
    assert found.how == "No interval: 2 independent groups of samples are too few to be drawn again."


def test_the_constant_answer_is_the_most_frequent_class():
    truth = np.array([[0, 0, 0, 1], [0, 0, 1, 1]])
    constant = counted(truth, np.zeros_like(truth)).constant_answer()
    assert constant == {"miou": pytest.approx(5 / 8 / 2), "accuracy": 5 / 8}


def test_many_places_are_thinned_evenly():
    truth = np.tile(np.arange(3), MOST_PLACES)[None]
    (places,) = counted(truth, truth).places
    assert len(places.index) == MOST_PLACES and places.index[[0, -1]].tolist() == [0, 3 * MOST_PLACES - 1]
    assert (places.truth == places.index % 3).all() and not places.is_wrong.any()


def test_runs_are_stretches_of_equal_numbers():
    assert runs(np.array([1, 1, 0, 2, 2])) == [(0, 2), (2, 3), (3, 5)]
    assert runs(np.array([])) == []


@pytest.mark.parametrize(
    ("truth", "said", "expected"),
    [
        ("aaaabbbb", "aaaabbbb", {"a": (1, 1, 1), "b": (1, 1, 1)}),
        ("aaaabbbb", "aaaaaabb", {"a": (1, 1, 1), "b": (1, 1, 1)}),  # 4 of 6, 2 of 4
        ("aaaabbbb", "aaaaaaab", {"a": (1, 1, 1), "b": (0, 1, 1)}),  # 1 of 4
        ("aaaaaaaa", "aaabaaaa", {"a": (1, 1, 2), "b": (0, 0, 1)}),  # cut in two, of which one is half
        ("bbbbaaaa", "cccccccc", {"a": (0, 1, 0), "b": (0, 1, 0), "c": (0, 0, 1)}),
    ],
)
def test_segments_are_found_by_half_of_both_together(truth, said, expected):
    numbers = {name: np.array(["abc".index(each) for each in name], np.int16) for name in (truth, said)}
    counts = segment_counts(numbers[truth], numbers[said], 3)
    assert {"abc"[k]: tuple(counts[:, k].tolist()) for k in range(3) if counts[:, k].any()} == expected


def test_the_nearer_point_of_a_cloud_hides_the_further_one():
    colours = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)
    # from above and in front: the higher of two points in one line of sight is nearer
    turn, rise = np.radians(30), np.radians(35)
    sight = np.array([-np.cos(rise) * np.sin(turn), -np.cos(rise) * np.cos(turn), np.sin(rise)])
    frame = np.array([[-5.0, -5, 0], [5, 5, 0]])
    points = np.concatenate([frame, [[0, 0, 0]], [sight]])
    for order in ([0, 1, 2, 3], [0, 1, 3, 2]):
        numbers = np.array([1, 1, 0, 1])[order]
        image = Image.open(BytesIO(cloud_png(points[order], numbers, colours, "z", 64))).convert("RGBA")
        shown = {tuple(pixel) for pixel in np.asarray(image).reshape(-1, 4).tolist() if pixel[3]}
        assert shown == {(0, 0, 255, 255)}
