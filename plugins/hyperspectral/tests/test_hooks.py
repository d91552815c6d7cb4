"""Mean intersection over union of maps."""

import torch

from mt_core.contract import Classification, Regression
from mt_plugin_hyperspectral.hooks import mt_metrics

CLASSES = Classification(classes=("water", "grass", "roof"))


def test_miou_is_the_mean_over_classes_of_hits_by_all_pixels_that_are_or_are_said_to_be_of_one():
    metric = (mt_metrics("hyperspectral", CLASSES) or {})["miou"]
    said, true = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([0, 1, 1, 2, 2, 0])
    metric.update(torch.nn.functional.one_hot(said, 3).double(), true)
    assert abs(float(metric.compute()) - (1 / 3 + 1 / 2 + 2 / 3) / 3) < 1e-6


def test_other_modalities_and_tasks_get_no_metric():
    assert mt_metrics("image", CLASSES) is None
    assert mt_metrics("hyperspectral", Regression(names=("depth",))) is None
