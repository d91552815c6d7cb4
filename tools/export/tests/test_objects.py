"""Objects among the cells of an exported detector."""

import numpy as np
import pytest
import torch

from mt_core.contract import Detection
from mt_core.heads import DetectionHead
from mt_export import find_objects


def output_of_cells(count, num_classes):
    """What a detector might give for cells of a picture of 60 x 80 pixels, many of whose boxes overlap."""
    draw = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, generator=draw) * torch.tensor([70.0, 50.0])
    return torch.cat(
        [
            torch.randn(count, num_classes, generator=draw),
            torch.rand(count, 4, generator=draw) * 1.5,
            torch.randn(count, 1, generator=draw),
            torch.cat([corners, corners + 10], dim=1),
            torch.arange(count)[:, None] % 4,
            torch.tensor([[60.0, 80.0]]).expand(count, -1),
        ],
        dim=1,
    )[None]


@pytest.mark.parametrize("options", [{}, {"least_score": 0.5, "nms": 0.3}, {"most_objects": 7}, {"least_score": 0.99}])
def test_the_same_objects_are_found_as_torchvision_finds(options):
    head = DetectionHead(6, Detection(classes=("a", "b", "c")), DetectionHead.Options(**options))
    head.detector.topk_candidates = 150
    output = output_of_cells(800, 3)
    (expected,) = head.found(output)
    candidates = [each[0].numpy() for each in head.candidates(output)]
    boxes, scores, classes = find_objects(*candidates, **head.selection())
    np.testing.assert_allclose(boxes, expected[:, :4], atol=1e-4)
    np.testing.assert_allclose(scores, expected[:, 4], atol=1e-6)
    assert classes.tolist() == expected[:, 5].tolist()
