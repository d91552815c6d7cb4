"""Average precision, matches and answers of objects."""

import numpy as np
import pytest
import torch

from mt_core.contract import Detection
from mt_core.heads import default_head
from mt_report.boxes import FoundObjects, Objects, answers, overlaps

TASK = Detection(classes=("a", "b", "c"))


def row(*numbers):
    return np.array([numbers], np.float32)


NOTHING = np.empty((0, 6), np.float32)


def drawn_pictures(count, seed):
    """Objects, and answers about them that are a little off, of another class, or of nothing."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        number = random.integers(0, 6)
        corners = random.uniform(0, 60, (number, 2))
        boxes = np.concatenate([corners, corners + random.uniform(8, 30, (number, 2))], axis=1)
        classes = random.integers(0, 2, number)  # the third class is never there
        ignored = random.random(number) < 0.2
        there = np.column_stack([boxes, classes, ignored]).astype(np.float32)
        copies = np.repeat(boxes, 3, axis=0) + random.normal(0, 2, (3 * number, 4))
        said = np.where(random.random(3 * number) < 0.8, np.repeat(classes, 3), random.integers(0, 3, 3 * number))
        found = np.column_stack([copies, random.random(3 * number).round(2), said]).astype(np.float32)
        found = found[(found[:, 2:4] > found[:, :2]).all(1)]
        yield Objects(found[np.argsort(-found[:, 4], kind="stable")], there)


def counted(pictures):
    objects = FoundObjects(TASK, default_head(8, TASK))
    objects.pictures, objects.positions = list(pictures), list(range(len(pictures)))
    return objects


def of_coco(pictures):
    metrics = default_head(8, TASK).metrics()
    for each in pictures:
        metrics.update(torch.from_numpy(each.found)[None], torch.from_numpy(each.there)[None])
    with np.errstate(all="ignore"):
        return {name: metric for name, metric in metrics.items(keep_base=True)}


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_coco(seed):
    pictures = list(drawn_pictures(25, seed))
    objects, coco = counted(pictures), of_coco(pictures)
    rows = np.arange(len(pictures))
    assert objects.primary(rows) == pytest.approx(float(coco["map"].compute()), abs=1e-6)
    precision = objects.average_precisions(rows)
    assert precision[:2].mean(1) == pytest.approx([float(coco[f"ap_{name}"].compute()) for name in "ab"], abs=1e-6)
    assert np.nanmean(precision[:, 0]) == pytest.approx(float(coco["map_50"].compute()), abs=1e-6)
    assert np.isnan(precision[2]).all()


def test_a_picture_that_is_drawn_twice_counts_twice():
    pictures = list(drawn_pictures(6, 5))
    rows = np.array([0, 0, 3, 5, 5, 5])
    again = of_coco([pictures[number] for number in rows])
    assert counted(pictures).primary(rows) == pytest.approx(float(again["map"].compute()), abs=1e-3)  # equal scores


def test_overlap_is_the_shared_area_over_that_of_both():
    one, other = row(0, 0, 2, 2)[:, :4], row(1, 0, 3, 2)[:, :4]
    assert overlaps(one, other).item() == pytest.approx(2 / 6)
    assert overlaps(one, other, of_found=True).item() == pytest.approx(0.5)
    assert overlaps(one, row(5, 5, 6, 6)[:, :4]).item() == 0


def test_answers_are_right_of_another_class_of_nothing_or_missing():
    there = np.concatenate([row(0, 0, 10, 10, 0, 0), row(20, 0, 30, 10, 1, 0), row(40, 0, 50, 10, 0, 0)])
    found = np.concatenate(
        [
            row(0, 0, 10, 10, 0.9, 0),  # right
            row(0, 0, 10, 9, 0.8, 0),  # a second time
            row(20, 0, 30, 10, 0.7, 2),  # of another class
            row(70, 70, 80, 80, 0.6, 1),  # where nothing is
            row(40, 0, 50, 10, 0.1, 0),  # too unlikely
        ]
    )
    said = answers(Objects(found, there), 0.3)
    assert said.is_right.tolist() == [True, False, False, False]
    assert said.is_found.tolist() == [True, False, False]
    assert said.mistakes == 5 and said.f1 == pytest.approx(2 / 7)
    assert said.cells(3).tolist() == [[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0]]


def test_an_answer_within_a_crowd_counts_as_nothing():
    said = answers(Objects(row(1, 1, 5, 5, 0.9, 0), row(0, 0, 50, 50, 0, 1)), 0.3)
    assert said.mistakes == 0 and np.isnan(said.f1) and said.cells(3).sum() == 0


def test_a_picture_without_anything_has_no_mistakes():
    said = answers(Objects(NOTHING, NOTHING), 0.3)
    assert said.mistakes == 0 and np.isnan(said.f1)


def test_the_curve_ends_at_the_recall_that_is_reached():
    there = np.concatenate([row(0, 0, 10, 10, 0, 0), row(20, 0, 30, 10, 0, 0)])
    curve = counted([Objects(row(0, 0, 10, 10, 0.9, 0), there)]).of_class[0].curve()
    assert (curve.x[-1], curve.y[-1]) == (0.5, 1.0)
    assert curve.area == pytest.approx(51 / 101)
