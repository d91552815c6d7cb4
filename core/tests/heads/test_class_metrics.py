"""What is measured of classes, held against scikit-learn."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle

from mt_core.contract import MISSING_CLASS, Classification
from mt_core.errors import OptionError
from mt_core.heads import ClassificationHead
from mt_core.training.metrics import values_of


def head_of(*classes, **options):
    return ClassificationHead(8, Classification(classes=classes), ClassificationHead.Options.parse(options))


def measured(head, output, target, batches=3):
    collected = head.metrics()
    for part in torch.arange(len(target)).chunk(batches):
        collected.update(*head.metric_inputs(output[part], target[part]))
    return values_of(collected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("are_tied", [True, False])
def test_two_classes_are_measured_as_scikit_learn_does(seed, positive, are_tied):
    generator = torch.Generator().manual_seed(seed)
    target = (torch.rand(60, generator=generator) < 0.2).long()
    output = torch.randn(60, 2, generator=generator) + 0.5 * torch.nn.functional.one_hot(target, 2)
    if are_tied:
        output = output.round()
    found = measured(head_of("a", "b", positive="ab"[positive]), output, target)
    scores = output.double().softmax(-1)[:, positive].numpy()
    predicted, truth = output.argmax(-1).numpy(), target.numpy()
    assert found["auroc"] == pytest.approx(oracle.roc_auc_score(truth == positive, scores))
    assert found["average_precision"] == pytest.approx(oracle.average_precision_score(truth == positive, scores))
    assert found["f1"] == pytest.approx(oracle.f1_score(truth, predicted, pos_label=positive))
    assert found["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(truth, predicted))
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(truth, predicted))


def test_balanced_accuracy_of_several_classes_leaves_out_those_that_do_not_occur():
    target = torch.tensor([0, 0, 0, 1, 3, MISSING_CLASS])
    output = torch.nn.functional.one_hot(torch.tensor([0, 0, 2, 1, 0, 2]), 4).float()
    found = measured(head_of("a", "b", "c", "d"), output, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class that is predicted alone
        expected = oracle.balanced_accuracy_score([0, 0, 0, 1, 3], [0, 0, 2, 1, 0])
    assert found["balanced_accuracy"] == pytest.approx(expected)
    assert sorted(found) == ["accuracy", "balanced_accuracy", "macro_f1"]


def test_confident_scores_are_still_told_apart():
    output = torch.tensor([[0.0, 20.0], [0.0, 21.0], [0.0, 22.0]])  # all 1 in single precision
    assert measured(head_of("a", "b"), output, torch.tensor([0, 1, 1]))["auroc"] == 1


def test_where_one_class_alone_occurs_what_needs_both_is_not_a_number():
    found = measured(head_of("a", "b"), torch.eye(2)[[0, 0, 0]], torch.tensor([0, 0, 0]))
    assert np.isnan([found["auroc"], found["average_precision"], found["f1"]]).all() and found["accuracy"] == 1


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (("benign", "malignant"), "malignant"),
        (("0", "1"), "1"),
        (("abnormal", "normal"), "abnormal"),
        (("fire", "no_fire"), "fire"),
        (("NORMAL", "PNEUMONIA"), "PNEUMONIA"),
        (("cat", "dog"), "dog"),
        (("a", "b", "c"), None),
        (("no", "normal"), "normal"),
    ],
)
def test_the_positive_class_is_the_second_unless_its_name_says_that_it_is_the_negative_one(classes, positive):
    assert head_of(*classes).positive_class == positive


def test_the_positive_class_can_be_named():
    assert head_of("cat", "dog", positive="cat").positive_class == "cat"
    assert head_of("0", "1", positive=0).positive_class == "0"
    assert head_of("false", "true", positive=False).positive_class == "false"
    with pytest.raises(OptionError, match="positive=mouse is none of two classes; the data has cat, dog"):
        head_of("cat", "dog", positive="mouse")
    with pytest.raises(OptionError, match="positive=a is none of two classes"):
        head_of("a", "b", "c", positive="a")
