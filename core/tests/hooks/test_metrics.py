"""`mt_metrics`: metrics of plugins beside those of the head."""

import numpy as np
import pytest

import mt_core as mt
from mt_core.plugins import get

COUNT = """
import torchmetrics
class Count(torchmetrics.Metric):
    def __init__(self):
        super().__init__()
        self.add_state("n", torch.tensor(0), dist_reduce_fx="sum")
    def update(self, predicted, true):
        self.n += len(true)
    def compute(self):
        return self.n
"""
TWO = """
@hookimpl
def mt_metrics(modality, task):
    seen.append((modality, task.kind))
    return {'n': Count()}
"""


def giving(answer):
    return f"{COUNT}\n@hookimpl\ndef mt_metrics(modality, task):\n    return {answer}"


def test_a_plugins_metric_stands_beside_the_heads_in_training_and_evaluation(hooked, work):
    module = hooked(COUNT + TWO)
    model = work.model()
    result = work.fit(model, epochs=2)
    assert [row["val_n"] for row in result.history] == [8, 8]  # new ones each pass, or the second would have 16
    assert result.metrics["n"] == 8 and "accuracy" in result.metrics
    assert mt.evaluate(model, work.demo("test", size=5), num_workers=0)["n"] == 5
    assert module.seen == [("toy", "classification")] * 3


@pytest.mark.parametrize("name", ["accuracy", "loss", "samples"])
def test_a_metric_cannot_take_a_name_that_there_is(hooked, work, told, name):
    hooked()
    plain = work.evaluate()
    hooked(giving(f"{{'{name}': Count(), 'n': Count()}}"))
    assert work.evaluate() == {**plain, "n": 8}
    assert told() == [
        "warning: toy (mt-plugin-toy 1.0): the hook mt_metrics failed "
        f"(ValueError: there is a metric '{name}' already); the work goes on without it"
    ]


def test_a_metric_cannot_take_the_name_of_the_metric_that_selects_the_epoch(hooked, work, told):
    hooked()
    plain = work.fit().history[-1]["val_accuracy"]
    hooked(giving("{'accuracy': Count()}"))
    assert work.fit().history[-1]["val_accuracy"] == plain
    assert len(told()) == 1


def test_of_two_plugins_metrics_of_one_name_the_first_is_kept(hooked, work, told):
    hooked(giving("{'n': Count()}"), "first")
    hooked(giving("{'n': torchmetrics.SumMetric()}"))
    get("first")
    assert work.evaluate()["n"] == 8
    assert "toy (mt-plugin-toy 1.0): the hook mt_metrics failed" in told()[0]


def test_what_is_no_metric_is_left_out(hooked, work, told):
    hooked(giving("{'n': len}"))
    assert "n" not in work.evaluate()
    assert "'n' is a builtin_function_or_method, not a torchmetrics.Metric" in told()[0]


@pytest.mark.parametrize("step", ["update", "compute"])
def test_a_metric_that_fails_is_nan_and_told(hooked, work, told, step):
    broken = f"type('Broken', (Count,), {{'{step}': lambda self, *_: [][0]}})()"
    hooked(giving(f"{{'n': Count(), 'broken': {broken}}}"))
    values = work.evaluate()
    assert values["n"] == 8 and np.isnan(values["broken"])
    assert told() == [
        "warning: toy (mt-plugin-toy 1.0): the hook mt_metrics failed (IndexError: list index out of range); "
        "the work goes on without it"
    ]
