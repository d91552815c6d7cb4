"""What is explained of a prediction."""

import math

import pytest
import torch

from mt_core.contract import Classification, Detection, Multilabel, Regression, Segmentation
from mt_core.errors import OptionError
from mt_core.heads import ClassificationHead, DetectionHead, MultilabelHead, RegressionHead, SegmentationHead
from mt_explain.target import target_of


def test_of_classes_the_predicted_one_in_log_odds():
    head = ClassificationHead(4, Classification(classes=("cat", "dog", "owl")))
    output = torch.tensor([[1.0, 3.0, 0.0]])
    target = target_of(head, output, torch.zeros_like(output))
    probability = math.exp(3) / (math.exp(1) + math.exp(3) + 1)
    assert target.name == "dog" and target.is_signed
    assert float(target.value(output)[0]) == pytest.approx(probability)
    assert float(target.score(output)[0]) == pytest.approx(math.log(probability / (1 - probability)), abs=1e-5)
    assert target_of(head, output, output, "owl").name == "owl"


def test_a_class_that_there_is_not_is_refused_with_those_that_there_are():
    head = ClassificationHead(4, Classification(classes=("cat", "dog")))
    with pytest.raises(OptionError, match="no class called 'cow'") as caught:
        target_of(head, torch.zeros(1, 2), torch.zeros(1, 2), "cow")
    assert "cat, dog" in caught.value.fix


def test_of_labels_the_likeliest():
    head = MultilabelHead(4, Multilabel(labels=("warm", "wet")))
    output = torch.tensor([[-1.0, 0.5]])
    assert target_of(head, output, output).name == "wet"
    assert float(target_of(head, output, output, "warm").score(output)) == -1.0


def test_a_number_is_explained_in_its_own_unit():
    head = RegressionHead(4, Regression(names=("price",)))
    head.calibrate([100.0, 300.0])  # a mean of 200, a deviation of 100
    output = torch.tensor([[1.5]])
    target = target_of(head, output, torch.zeros_like(output))
    assert target.unit == "units of price" and not target.is_signed
    assert float(target.score(output)[0]) == pytest.approx(350)
    assert float(target.value(output)[0]) == 1.0
    assert float(target.value(output - 1)[0]) == pytest.approx(0.5)  # one deviation away


def test_several_numbers_are_explained_together_or_one_by_its_name():
    head = RegressionHead(4, Regression(names=("height", "width")))
    whole, nothing = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    target = target_of(head, whole, nothing)
    assert target.name == "" and target.unit == "share of the prediction"
    assert target.score(torch.tensor([[2.0, 0.0], [0.0, 0.0], [1.0, 5.0]])).tolist() == [1.0, 0.0, 0.5]
    assert target_of(head, whole, nothing, "width").name == "width"


def test_of_places_the_class_that_most_have_where_they_have_it():
    head = SegmentationHead(4, Segmentation(classes=("road", "tree")))
    logits = torch.tensor([[[2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [torch.nan, torch.nan]]])
    target = target_of(head, logits, torch.zeros_like(logits))
    assert target.name == "road"
    assert float(target.score(logits)[0]) == pytest.approx(2.5)


def test_of_objects_the_likeliest_in_its_own_cell():
    head = DetectionHead(4, Detection(classes=("cat", "dog")))
    output = torch.zeros(1, 3, 14)
    output[0, :, :2] = torch.tensor([[-4.0, -2.0], [-1.0, 0.5], [torch.nan, torch.nan]])
    target = target_of(head, output, output)
    assert target.name == "dog" and float(target.score(output)[0]) == 0.5
    assert float(target.value(output)[0]) == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert float(target_of(head, output, output, "cat").score(output)[0]) == -1.0
