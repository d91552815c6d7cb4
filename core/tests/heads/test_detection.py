import math

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mt_core.contract import Boxes, Detection, Features, Segmentation
from mt_core.errors import OptionError
from mt_core.heads import DetectionHead, default_head
from mt_core.heads.detection import _cells
from mt_core.heads.pyramid import FeaturePyramid
from mt_core.training.metrics import values_of

TASK = Detection(classes=("cat", "dog"))
SMALL = DetectionHead.Options(hidden=64, convs=1)


def features(sizes: list[tuple[int, int]], resized: list[tuple[int, int]], seed: int = 0) -> Features:
    """Of pictures that are seen in squares of 8 x 8 pixels, 2 x 2 tokens, side by side."""
    draw = torch.Generator().manual_seed(seed)
    squares = [[(top, left) for top in range(0, high, 8) for left in range(0, wide, 8)] for high, wide in resized]
    most = max(map(len, squares))
    mask = torch.tensor([[at < len(each) for at in range(most)] for each in squares])
    padded = torch.tensor([each + [(0, 0)] * (most - len(each)) for each in squares])
    rows = len(sizes) * most
    values = torch.randn(rows, 4, 6, generator=draw)
    side = {
        "pixels": torch.zeros(len(sizes), most, 3, 8, 8),
        "squares": padded,
        "squares_mask": mask,
        "resized": torch.tensor(resized),
        "size": torch.tensor(sizes, dtype=torch.float32),
    }
    return Features(values, grid=(2, 2), views=most, side=side)


def certain(head: DetectionHead, box: list[float], index: int) -> torch.Tensor:
    """The output for one picture of 32 x 64 pixels of a head that is sure of one box in it."""
    output = head(features([(32, 64)], [(16, 32)])).detach()
    num_classes = len(head.classes)
    output[..., :num_classes], output[..., num_classes + 4] = -20.0, 20.0
    cells = output[0, :, num_classes + 5 : num_classes + 9]
    middle = torch.tensor([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    at = ((cells[:, :2] + cells[:, 2:]) / 2 - middle).square().sum(-1).argmin()
    x, y = ((cells[at, :2] + cells[at, 2:]) / 2).tolist()
    side = float(cells[at, 2] - cells[at, 0])
    output[0, at, index] = 20.0
    output[0, at, num_classes : num_classes + 4] = torch.tensor([x - box[0], y - box[1], box[2] - x, box[3] - y]) / side
    return output


def test_a_pyramid_has_maps_of_four_sizes_that_cover_the_same_lattice():
    maps = FeaturePyramid(6, 32)(torch.randn(1, 6, 3, 5))
    assert [tuple(each.shape) for each in maps.values()] == [
        (1, 32, 12, 20), (1, 32, 6, 10), (1, 32, 3, 5), (1, 32, 2, 3),
    ]  # fmt: skip


def test_cells_lie_row_by_row_and_each_is_a_stride_wide():
    assert _cells(torch.Size((1, 2)), 8.0).tolist() == [[0, 0, 8, 8], [8, 0, 16, 8]]


def test_boxes_are_in_pixels_of_the_original_picture():
    head = DetectionHead(6, TASK, SMALL).eval()
    box = [10.0, 4.0, 30.0, 28.0]
    (decoded,) = head.decode(certain(head, box, 1))
    (best, *others) = decoded["prediction"]
    assert best["class"] == "dog" and best["score"] > 0.99
    assert best["box"] == pytest.approx(box, abs=1e-3)
    assert not others and decoded["size"] == [32, 64]
    assert head.format_prediction(decoded) == "1 dog (up to 1.00)"
    assert "nothing" in head.format_prediction({"prediction": []})


def test_a_box_that_is_certain_and_right_costs_nothing():
    head = DetectionHead(6, TASK, SMALL)
    box = [12.0, 4.0, 20.0, 12.0]  # around the middle of one cell, and small enough that no other lies near
    output = certain(head, box, 0)
    target = TASK.stack([Boxes([box], [0])])
    wrong = TASK.stack([Boxes([[40.0, 4.0, 48.0, 12.0]], [0])])
    regression = head._loss_of(output[0], target[0])
    assert float(regression) < float(head._loss_of(output[0], wrong[0]))


def test_a_picture_gets_the_same_boxes_alone_and_among_larger_ones():
    head = DetectionHead(6, TASK, SMALL).eval()
    both = features([(32, 64), (16, 16)], [(16, 32), (8, 8)])
    together = head(both)
    num_squares = both.side["squares"].shape[1]
    alone = Features(
        both.tokens[num_squares : num_squares + 1],
        grid=(2, 2),
        views=1,
        side={
            **{name: both.side[name][1:] for name in ("resized", "size")},
            "squares": both.side["squares"][1:, :1],
            "pixels": both.side["pixels"][1:, :1],
        },
    )
    output = head(alone)
    assert together[1, output.shape[1] :].isnan().all()
    torch.testing.assert_close(together[1, : output.shape[1]], output[0])


def test_pictures_of_one_size_get_the_same_output_in_operations_that_can_be_traced():
    head = DetectionHead(6, TASK, SMALL).eval()
    alike = features([(32, 64), (20, 90)], [(16, 24), (16, 24)])
    torch.testing.assert_close(head.forward_alike(alike), head(alike))


def test_pictures_without_labels_add_nothing_and_pictures_without_objects_do():
    head = DetectionHead(6, TASK, SMALL)
    output = head(features([(16, 16), (16, 16)], [(8, 8), (8, 8)]))
    one, none = TASK.stack([Boxes([[2, 2, 12, 12]], [0])]), TASK.stack([Boxes([], [])])
    unknown = TASK.stack([None])
    torch.testing.assert_close(head.loss(output, torch.cat([one, unknown])), head.loss(output[:1], one))
    assert head.loss(output[:1], none) > 0
    nothing = head.loss(output, torch.cat([unknown, unknown]))
    assert nothing.item() == 0 and nothing.requires_grad
    predicted, true = head.metric_inputs(output.detach(), torch.cat([one, unknown]))
    assert len(predicted) == len(true) == 1


def test_what_is_found_in_an_ignored_object_costs_nothing():
    head = DetectionHead(6, TASK, SMALL)
    output = head(features([(16, 16)], [(8, 8)])).detach()
    whole = TASK.stack([Boxes([[0, 0, 16, 16]], [0], [True])])
    sure = output.clone()
    sure[..., :2] += 10
    assert float(head.loss(output, whole)) == float(head.loss(sure, whole)) == 0
    half = TASK.stack([Boxes([[0, 0, 16, 8]], [0], [True])])
    assert 0 < float(head.loss(output, half)) < float(head.loss(output, TASK.stack([Boxes([], [])])))


def drawn_objects(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets of six pictures, some of their objects ignored, and what somebody found there, near them and not."""
    draw = np.random.default_rng(seed)
    targets, found = [], torch.full((6, 12, 6), math.nan)
    for row in range(6):
        count = int(draw.integers(0, 6))
        corner, size = draw.uniform(0, 60, (count, 2)), draw.uniform(8, 40, (count, 2))
        boxes = np.concatenate([corner, corner + size], axis=1)
        classes = draw.integers(0, 2, count)
        targets.append(Boxes(boxes, classes, draw.random(count) < 0.25))
        near = boxes + draw.normal(0, 3, boxes.shape)
        stray = draw.uniform(0, 50, (4, 2))
        guesses = np.concatenate([near, np.concatenate([stray, stray + 20], axis=1)])
        for at, box in enumerate(guesses):
            index = classes[at] if at < count and draw.random() < 0.8 else draw.integers(0, 2)
            found[row, at] = torch.tensor([*box, draw.random(), index])
    return TASK.stack(targets), found


def coco_values(target: torch.Tensor, found: torch.Tensor) -> dict[str, float]:
    """The same by pycocotools itself."""
    truth, annotations, results = COCO(), [], []
    for image, (rows, guesses) in enumerate(zip(target.tolist(), found.tolist(), strict=True)):
        for left, top, right, bottom, index, ignored in rows:
            if index >= 0:
                bbox = [left, top, right - left, bottom - top]
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": image, "category_id": int(index), "bbox": bbox,
                     "area": bbox[2] * bbox[3], "iscrowd": int(ignored)}
                )  # fmt: skip
        for left, top, right, bottom, score, index in guesses:
            if not math.isnan(score):
                bbox = [left, top, right - left, bottom - top]
                results.append({"image_id": image, "category_id": int(index), "bbox": bbox, "score": score})
    truth.dataset = {
        "images": [{"id": image} for image in range(len(target))],
        "annotations": annotations,
        "categories": [{"id": 0}, {"id": 1}],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # all areas, a hundred objects a picture
    of_class = {f"ap_{name}": float(precision[:, :, index].mean()) for index, name in enumerate(TASK.classes)}
    return dict(zip(("map", "map_50", "map_75"), map(float, evaluation.stats[:3]), strict=True)) | of_class


@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_those_of_pycocotools(seed, capsys):
    target, found = drawn_objects(seed)
    metrics = DetectionHead(6, TASK, SMALL).metrics()
    for rows in (slice(0, 4), slice(4, 6)):
        metrics.update(found[rows], target[rows])
    assert values_of(metrics) == pytest.approx(coco_values(target, found), abs=1e-6)


def test_a_class_that_does_not_occur_has_no_metric():
    metrics = DetectionHead(6, TASK, SMALL).metrics()
    metrics.update(torch.tensor([[[0.0, 0, 4, 4, 0.9, 0]]]), TASK.stack([Boxes([[0, 0, 4, 4]], [0])]))
    values = values_of(metrics)
    assert values["map"] == values["ap_cat"] == 1 and math.isnan(values["ap_dog"])


def test_the_default_head_finds_objects_and_says_what_it_needs():
    head = default_head(6, TASK)
    assert isinstance(head, DetectionHead)
    with pytest.raises(OptionError, match="labels=boxes"):
        head(Features(torch.randn(1, 4, 6), grid=(2, 2)))
    with pytest.raises(OptionError, match="segmentation"):
        DetectionHead(6, Segmentation(classes=("a",)))
