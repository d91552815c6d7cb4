"""The weights that a run keeps are those of the epoch that it records, by one rule."""

import json

import pytest
import torch
from safetensors.torch import load_file

import mt_core as mt
from mt_core.plugins import get
from mt_core.training.module import TrainingModule
from mt_core.training.run import kept_epoch
from mt_core.training.selection import best_row

pytestmark = pytest.mark.usefixtures("toy")
SETTINGS = {"epochs": 4, "batch_size": 8, "lr": 1e-2, "num_workers": 0}


class Accuracy:
    primary, higher_is_better = "accuracy", True


class Error:
    primary, higher_is_better = "mae", False


def rows(name, *values):
    return [{"epoch": n, f"val_{name}": metric, "val_loss": loss} for n, (metric, loss) in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("head", "name", "values", "best"),
    [
        (Accuracy, "accuracy", [(0.5, 0.1), (0.8, 0.9), (0.7, 0.2)], 2),
        (Accuracy, "accuracy", [(0.8, 0.9), (0.8, 0.3), (0.8, 0.4)], 2),  # equal: the lower loss
        (Accuracy, "accuracy", [(0.5, 0.9), (0.8, 0.3), (0.8, 0.3)], 2),  # equal in both: the earlier epoch
        (Accuracy, "accuracy", [(0.8, 0.567125123), (0.8, 0.567125122)], 2),  # which float32 does not tell apart
        (Accuracy, "accuracy", [(float("nan"), 0.1), (0.1, 9.0), (0.2, float("nan"))], 3),
        (Error, "mae", [(3.0, 0.1), (2.0, 0.5), (2.0, 0.4)], 3),
    ],
)
def test_the_better_metric_then_the_lower_loss_then_the_earlier_epoch_is_the_best(head, name, values, best):
    assert best_row(rows(name, *values), head)["epoch"] == best


def weights_at(encoder, folder, monkeypatch, **settings):
    """The weights of tokenizer and head at the end of each epoch, and the run's record and history."""
    at_end, end = {}, TrainingModule.on_validation_epoch_end

    def watched(self):
        end(self)
        parts = {"tokenizer": self.model.tokenizer, "head": self.head}
        at_end[self.current_epoch + 1] = {
            f"{part}.{name}": tensor.clone()
            for part, module in parts.items()
            for name, tensor in module.state_dict().items()
        }

    dataset = get("toy").dataset
    with monkeypatch.context() as patch:
        patch.setattr(TrainingModule, "on_validation_epoch_end", watched)
        model = mt.load("toy", encoder=encoder)
        result = mt.fit(model, dataset.demo(size=16), dataset.demo("val", size=8), out=folder, **SETTINGS, **settings)
    return at_end, json.loads((folder / "run.json").read_text()), result


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("is_tie", [True, False])
def test_the_weights_are_those_of_the_epoch_that_is_recorded(small_encoder, tmp_path, monkeypatch, keep, is_tie):
    if is_tie:  # the loss and the metric of every epoch are equal, the weights are not
        monkeypatch.setattr("mt_core.training.metrics.Meter.compute", lambda self: {"accuracy": 0.75, "loss": 0.5671})
    at_end, record, result = weights_at(small_encoder, tmp_path / "run", monkeypatch, keep=keep)
    kept = record["kept_epoch"]
    assert kept == (4 if keep == "last" else 1 if is_tie else best_row(result.history, Accuracy)["epoch"])
    saved = load_file(tmp_path / "run" / "weights.safetensors")
    assert all(torch.equal(saved[name], tensor) for name, tensor in at_end[kept].items())
    assert kept_epoch(tmp_path / "run") == kept
    row = result.history[kept - 1]
    assert record["val_metrics"] == {"accuracy": row["val_accuracy"], "loss": row["val_loss"]} or not is_tie


def test_two_runs_that_keep_the_same_epoch_keep_the_same_weights(small_encoder, tmp_path, monkeypatch):
    better = iter([0.1, 0.2, 0.3, 0.4] * 2)  # the last is the best
    monkeypatch.setattr("mt_core.training.metrics.Meter.compute", lambda self: {"accuracy": next(better), "loss": 1.0})
    for keep in ("best", "last"):
        weights_at(small_encoder, tmp_path / keep, monkeypatch, keep=keep)
    best, last = ((tmp_path / keep / "weights.safetensors").read_bytes() for keep in ("best", "last"))
    assert best == last
