"""Curves in the tools of others, by name: what TensorBoard reads back is what metrics.csv holds."""

import csv
import io

import pytest

import mt_core as mt
from mt_core.errors import DataWarning, MissingDependencyError, OptionError, RunError
from mt_core.plugins import get
from mt_core.training import loggers
from mt_core.training.loggers import Logged
from mt_core.training.module import TrainingModule

pytestmark = pytest.mark.usefixtures("toy")


def fit(encoder, out, **settings):
    dataset = get("toy").dataset
    given = {"epochs": 3, "batch_size": 8, "num_workers": 0, "loggers": ("tensorboard",), **settings}
    return mt.fit(mt.load("toy", encoder=encoder), dataset.demo(size=16), dataset.demo("val", size=8), out=out, **given)


def rows(folder):
    return list(csv.DictReader(io.StringIO((folder / "metrics.csv").read_text())))


def curve(folder, name):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder / "logs" / "tensorboard"))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def test_tensorboard_has_the_rows_of_the_metrics(small_encoder, tmp_path):
    pytest.importorskip("tensorboard")
    fit(small_encoder, tmp_path / "run")
    for name in ("train_loss", "val_accuracy", "val_loss"):
        assert [value for _, value in curve(tmp_path / "run", name)] == pytest.approx(
            [float(row[name]) for row in rows(tmp_path / "run")]
        )
    assert [step for step, _ in curve(tmp_path / "run", "epoch")] == [2, 4, 6]  # two batches an epoch


def test_a_resumed_run_goes_on_with_its_curve(small_encoder, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    training_step = TrainingModule.training_step

    def stopping(self, batch, index):
        if self.global_step == 3:
            raise KeyboardInterrupt
        return training_step(self, batch, index)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingModule, "training_step", stopping)
        fit(small_encoder, tmp_path / "run")
    fit(small_encoder, tmp_path / "run", resume=True)
    assert [step for step, _ in curve(tmp_path / "run", "train_loss")] == [2, 4, 6]


def test_where_curves_are_shown_is_not_in_the_result(small_encoder, tmp_path):
    pytest.importorskip("tensorboard")
    fit(small_encoder, tmp_path / "with")
    fit(small_encoder, tmp_path / "without", loggers=())
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("with", "without")]
    assert weights[0] == weights[1] and not (tmp_path / "without" / "logs").exists()


def test_a_logger_that_fails_is_left_out_with_a_warning_and_training_goes_on(small_encoder, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    sent = []

    class Failing:
        version = "1"

        def log_hyperparams(self, settings):
            sent.append(settings["modality"])

        def log_metrics(self, row, step):
            raise OSError("no space left")

    monkeypatch.setattr(loggers, "make_logger", lambda *_: Failing())
    with pytest.warns(DataWarning, match=r"tensorboard: left out: the curves from epoch 1 on \(OSError: no space left"):
        result = fit(small_encoder, tmp_path / "run")
    assert sent == ["toy"] and len(result.history) == 3


def test_a_logger_that_cannot_begin_ends_the_command_before_the_first_step(small_encoder, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")

    def refused(*_):
        raise ConnectionError("no server at localhost")

    monkeypatch.setattr(loggers, "make_logger", refused)
    with pytest.raises(RunError, match=r"tensorboard cannot be written to \(ConnectionError: no server"):
        fit(small_encoder, tmp_path / "run")


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_logger_that_is_not_installed_is_refused_at_once(small_encoder, tmp_path, monkeypatch, name):
    monkeypatch.setattr(loggers, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError) as caught:
        fit(small_encoder, tmp_path / "run", loggers=(name,))
    assert caught.value.fix == f"pip install {name}" and not (tmp_path / "run").exists()


def test_a_training_without_epochs_has_no_curve(small_encoder, tmp_path):
    with pytest.raises(OptionError, match="tune=knn has no epochs"):
        fit(small_encoder, tmp_path / "run", tune="knn")


def test_its_numbers_are_kept_in_the_checkpoint(tmp_path):
    logged = Logged(("mlflow",), tmp_path, None, {})
    logged.load_state_dict({"versions": {"mlflow": "a1"}})
    assert logged.state_dict() == {"versions": {"mlflow": "a1"}}
