import math

import pytest
import torch

from mt_core.contract import MISSING_CLASS, Classification, Features, Multilabel, Regression
from mt_core.errors import OptionError
from mt_core.heads import ClassificationHead, MultilabelHead, RegressionHead, default_head

THREE = Classification(classes=("a", "b", "c"))
LABELS = Multilabel(labels=("x", "y"))
NUMBER = Regression(names=("price",))


def features(rows: int = 4) -> Features:
    return Features(torch.randn(rows, 5, 8), cls=torch.randn(rows, 8))


@pytest.mark.parametrize(
    ("head", "task", "outputs"),
    [
        (ClassificationHead, THREE, 3),
        (MultilabelHead, LABELS, 2),
        (RegressionHead, NUMBER, 1),
    ],
)
@pytest.mark.parametrize("pool", ["cls", "mean", "max", "cls+mean+max"])
def test_every_head_takes_every_pooling(head, task, outputs, pool):
    assert head(8, task, head.Options(pool=pool, hidden=6))(features()).shape == (4, outputs)


@pytest.mark.parametrize("task", [THREE, LABELS, NUMBER])
def test_a_task_gets_a_head_that_takes_its_kind(task):
    assert task.kind in default_head(8, task, preferred=ClassificationHead).kinds


@pytest.mark.parametrize("option", [{"dropout": 1}, {"class_weights": "fair"}, {"hidden": -1}, {"pool": "median"}])
def test_a_value_that_an_option_does_not_take_is_refused(option):
    (name,) = option
    with pytest.raises(OptionError, match=f"option {name}="):
        default_head(8, THREE, options=option)


def test_an_option_that_the_head_does_not_have_is_refused():
    with pytest.raises(OptionError, match="depth"):
        default_head(8, THREE, options={"depth": 3})


def test_a_head_refuses_a_task_of_another_kind():
    with pytest.raises(OptionError, match="regression"):
        ClassificationHead(8, NUMBER)


def test_missing_classes_add_nothing_to_the_loss():
    head, output = ClassificationHead(8, THREE), torch.randn(3, 3)
    with_missing = head.loss(output, torch.tensor([0, MISSING_CLASS, 2]))
    torch.testing.assert_close(with_missing, head.loss(output[[0, 2]], torch.tensor([0, 2])))


@pytest.mark.parametrize(
    ("head", "target"),
    [
        (ClassificationHead(8, THREE), torch.full((2,), MISSING_CLASS)),
        (MultilabelHead(8, LABELS), torch.full((2, 2), math.nan)),
        (RegressionHead(8, NUMBER), torch.full((2, 1), math.nan)),
    ],
)
def test_a_batch_without_a_known_target_gives_a_zero_loss_with_zero_gradients(head, target):
    output = head(features(2))
    loss = head.loss(output, target)
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or (p.grad.isfinite().all() and not p.grad.any()) for p in head.parameters())


def test_balanced_classes_weigh_inversely_to_their_frequency():
    head = ClassificationHead(
        8, Classification(classes=("a", "b", "never")), ClassificationHead.Options(class_weights="balanced")
    )
    head.calibrate([0, 0, 0, 1, None])
    # four known targets in two classes: 4 / (2 * 3), 4 / (2 * 1)
    torch.testing.assert_close(head.weight_K, torch.tensor([2 / 3, 2.0, 1.0]))


def test_balanced_labels_weigh_absent_over_present():
    head = MultilabelHead(8, LABELS, MultilabelHead.Options(class_weights="balanced"))
    head.calibrate([[1, 1], [0, 1], [0, math.nan]])
    assert head.weight_L.tolist() == [2.0, 1.0]


def test_class_weights_change_the_loss():
    plain, weighted = (
        ClassificationHead(8, THREE, ClassificationHead.Options(class_weights=how)) for how in ("none", "balanced")
    )
    weighted.calibrate([0, 0, 0, 1, 2])
    output, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    expected = torch.nn.functional.cross_entropy(output, target, weight=torch.tensor([5 / 9, 5 / 3, 5 / 3]))
    torch.testing.assert_close(weighted.loss(output, target), expected)
    assert not torch.isclose(plain.loss(output, target), expected)


def test_regression_learns_on_the_standardised_scale_and_answers_in_the_unit():
    head = RegressionHead(8, NUMBER)
    head.calibrate([100.0, 300.0, math.nan])
    assert head.decode(torch.tensor([[0.0], [1.0]])) == [{"prediction": 200.0}, {"prediction": 300.0}]
    torch.testing.assert_close(head.loss(torch.tensor([[1.0]]), torch.tensor([[100.0]])), torch.tensor(4.0))


def test_a_constant_regression_target_keeps_a_finite_loss():
    head = RegressionHead(8, NUMBER)
    head.calibrate([7.0, 7.0])
    assert head.loss(torch.zeros(2, 1), torch.full((2, 1), 7.0)).item() == 0


def test_several_quantities_are_named_in_the_prediction():
    head = RegressionHead(8, Regression(names=("x", "y")))
    assert head.decode(torch.tensor([[1.0, 2.0]])) == [{"prediction": {"x": 1.0, "y": 2.0}}]


def test_classification_decodes_the_likeliest_class_and_all_probabilities():
    (decoded,) = ClassificationHead(8, THREE).decode(torch.tensor([[0.0, math.log(3.0), 0.0]]))
    assert decoded["prediction"] == "b"
    assert decoded["probability"] == pytest.approx(0.6)
    assert decoded["probabilities"] == pytest.approx({"a": 0.2, "b": 0.6, "c": 0.2})


def test_multilabel_decodes_labels_of_at_least_a_half():
    (decoded,) = MultilabelHead(8, LABELS).decode(torch.tensor([[2.0, -2.0]]))
    assert decoded["prediction"] == ["x"]


def test_metrics_leave_missing_targets_out():
    head = ClassificationHead(8, THREE)
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(torch.eye(3), torch.tensor([0, MISSING_CLASS, 1])))
    assert metrics.compute()["accuracy"].item() == 0.5


def test_multilabel_metrics_leave_unknown_labels_out():
    head = MultilabelHead(8, LABELS)
    metrics = head.metrics()
    output = torch.tensor([[2.0, 2.0], [-2.0, 2.0], [2.0, -2.0]])
    metrics.update(*head.metric_inputs(output, torch.tensor([[1.0, math.nan], [0.0, 1.0], [1.0, 0.0]])))
    assert metrics.compute()["auroc"].item() == 1.0
    assert metrics.compute()["accuracy"].item() == 1.0


def test_regression_metrics_are_in_the_targets_unit():
    head = RegressionHead(8, NUMBER)
    head.calibrate([0.0, 200.0])
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(torch.zeros(2, 1), torch.tensor([[90.0], [110.0]])))
    assert metrics.compute()["rmse"].item() == pytest.approx(10.0)


def test_a_label_that_never_or_always_occurs_does_not_count_in_the_mean_over_labels():
    head = MultilabelHead(8, Multilabel(labels=("x", "never", "always", "unknown")))
    logits = torch.tensor([[2.0, 0, 0, 0], [1.0, 0, 0, 0], [0.0, 0, 0, 0]])
    target = torch.tensor([[1.0, 0, 1, math.nan], [0.0, 0, 1, math.nan], [0.0, 0, 1, math.nan]])
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(logits, target))
    assert metrics["auroc"].compute() == 1 and metrics["average_precision"].compute() == 1


def test_without_a_label_that_can_be_measured_the_mean_is_nan():
    from mt_core.training.metrics import values_of

    head = MultilabelHead(8, LABELS)
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(torch.ones(2, 2), torch.ones(2, 2)))
    assert math.isnan(values_of(metrics)["auroc"]) and values_of(metrics)["accuracy"] == 1


def test_an_input_that_an_item_lacks_is_nothing_to_a_head_that_reads_inputs_side_by_side():
    head = RegressionHead(8, NUMBER, RegressionHead.Options(pool="cls+mean", parts=2)).eval()
    with torch.no_grad():
        head.readout[0].bias.normal_()  # as training moves it
    vectors = torch.randn(1, 24)
    without = torch.cat([vectors[:, :16], torch.zeros(1, 8)], 1)
    of_second = torch.nn.functional.layer_norm(vectors[:, 16:], (8,)) + head.readout[0].bias[16:]
    weight = head.readout[-1].weight
    torch.testing.assert_close(
        head.from_pooled(vectors) - head.from_pooled(without), of_second @ weight[:, 16:].T, atol=1e-5, rtol=1e-5
    )
