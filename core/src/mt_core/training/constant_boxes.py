"""The same boxes for every picture: how well objects are found without looking.  M boxes there, D boxes answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.contract import Head
from mt_core.training.metrics import values_of

_SAME = 0.5
"""Two boxes whose intersection over union is larger are one answer."""

_MOST_PICTURES, _MOST_BOXES, _MOST_ANSWERED = 500, 3000, 100

Answer = list[list[float]]
"""Left, top, right and bottom as shares of the picture, score, and class of each box; the likeliest first."""


def typical_boxes(targets: Sequence[Any]) -> Answer | None:
    """The boxes that most training pictures have alike, as shares of the picture. The score of a box is the share of
    the pictures that have one of its class in its place.

    Args:
        targets: `Boxes`, of which some hundred evenly spaced ones are looked at.

    Returns:
        None where no object is known, or no picture's size.
    """
    from torchvision.ops import batched_nms, box_iou

    step = max(1, len(targets) // _MOST_PICTURES)
    chosen = [targets[index] for index in range(0, len(targets), step)]
    looked_at = [target for target in chosen if target is not None and target.size is not None]
    shares, classes, pictures = [np.empty((0, 4))], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, target in enumerate(looked_at):
        height, width = target.size
        counts = np.ones(len(target.classes), bool) if target.ignored is None else ~np.asarray(target.ignored, bool)
        shares.append(np.asarray(target.xyxy, np.float64).reshape(-1, 4)[counts] / (width, height, width, height))
        classes.append(np.asarray(target.classes, np.int64).reshape(-1)[counts])
        pictures.append(np.full(len(classes[-1]), number))
    boxes_M4 = torch.from_numpy(np.concatenate(shares)[:_MOST_BOXES]).float()
    class_M, picture_M = (torch.from_numpy(np.concatenate(each)[:_MOST_BOXES]) for each in (classes, pictures))
    if not len(boxes_M4):
        return None
    is_near_MM = (box_iou(boxes_M4, boxes_M4) > _SAME) & (class_M[:, None] == class_M)
    num_pictures = int(picture_M[-1]) + 1
    score_M = torch.tensor([len(set(picture_M[row].tolist())) for row in is_near_MM]) / num_pictures
    kept = batched_nms(boxes_M4, score_M, class_M, _SAME)[:_MOST_ANSWERED]
    rows_D6 = torch.cat([boxes_M4[kept], score_M[kept, None], class_M[kept, None].float()], dim=1)
    return [[round(value, 4) for value in row] for row in rows_D6.tolist()]


def boxes_metrics(head: Head, answer: Answer | None, targets: Sequence[Any]) -> dict[str, float]:
    """The head's metrics where the same boxes are answered for every picture; {} where there is no such answer, or the
    size of a picture is not known."""
    known = [target for target in (targets[index] for index in range(len(targets))) if target is not None]
    if not answer or not known or any(target.size is None for target in known):
        return {}
    rows_D6 = torch.tensor(answer)
    metrics = head.metrics()
    for target in known:
        height, width = target.size
        metrics.update(_in_pixels(rows_D6, height, width)[None], head.task.stack([target]))
    return values_of(metrics)


def _in_pixels(rows_D6: Tensor, height: int, width: int) -> Tensor:
    scaled: Tensor = rows_D6 * torch.tensor([width, height, width, height, 1.0, 1.0])
    return scaled
