"""What a user has at hand is taken for what it is: one source, several, a batch, or samples with their targets."""

import array
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import mt_core as mt
from mt_core.contract import Classification, Example, Multilabel, Regression
from mt_core.data.in_memory import in_memory
from mt_core.data.inputs import as_sources
from mt_core.errors import DataWarning, InputError, OptionError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


@pytest.fixture
def files(tmp_path, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for number in range(4):
        np.save(f"data/{number}.npy", np.linspace(0, number, 12, dtype=np.float32))
    return [f"data/{number}.npy" for number in range(4)]


@pytest.mark.parametrize(
    "given",
    [
        list,
        tuple,
        iter,
        np.array,
        pd.Series,
        pd.Index,
        lambda files: pd.DataFrame({"path": files})["path"],
        lambda files: np.array(files, dtype=object),
        lambda files: (file for file in files),
        lambda files: [Path(file) for file in files],
        lambda files: dict.fromkeys(files).keys(),
        lambda files: "data",
        lambda files: Path("data"),
        lambda files: "data/*.npy",
        lambda files: ["data/0.npy", "data/[123].npy"],
        lambda files: [Example(file, 0) for file in files],
    ],
)
def test_paths_in_any_form_are_as_many_sources(model, files, given):
    assert [str(source) for source in as_sources(model, given(files))] == files
    assert mt.embed(model, given(files)).shape == (4, 64)


def test_embedding_to_a_file_takes_the_same(model, files, tmp_path):
    for name, given in (("a", "data"), ("b", "data/*.npy"), ("c", pd.Series(files))):
        assert mt.embed_files(model, given, tmp_path / f"{name}.parquet", num_workers=0).rows == 4


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_an_array_that_is_no_sample_is_a_batch_of_them(model, kind):
    batch = kind(np.random.default_rng(0).normal(size=(3, 2, 12)).astype(np.float32))
    assert len(as_sources(model, batch)) == 3  # each of them is two series, as a file of two axes is
    one = kind(np.ones(12, np.float32))
    assert len(as_sources(model, one)) == 1 and len(as_sources(model, [one, one])) == 2


def test_numbers_of_an_array_module_are_one_source(model):
    assert len(as_sources(model, array.array("f", [0.0] * 12))) == 1


def test_a_mapping_a_frame_and_bytes_are_one_source(model):
    for given in ({"a": 1}, pd.DataFrame({"a": [1, 2]}), b"1234", bytearray(b"1234")):
        assert len(as_sources(model, given)) == 1


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        (["b", "a", None, "a"], Classification(classes=("a", "b"))),
        ([True, False, True, True], Classification(classes=("False", "True"))),
        ([1, 0, 10, 2], Classification(classes=("0", "1", "2", "10"))),
        ([1.0, 0.0, float("nan"), 1.0], Classification(classes=("0", "1"))),
        (np.array([1, 0, 1, 0]), Classification(classes=("0", "1"))),
        (pd.Series(["x", "y", None, "x"]), Classification(classes=("x", "y"))),
        (pd.Series(["x", "y", "y", "x"], dtype="category"), Classification(classes=("x", "y"))),
        (torch.tensor([0.5, 1.5, 2.0, 1.0]), Regression(names=("target",))),
        (pd.DataFrame({"price": [0.5, 1.5, 2.0, 1.0]}), Regression(names=("price",))),
        (np.eye(4)[:, :3], Multilabel(labels=("0", "1", "2"))),
        (pd.DataFrame({"rain": [0, 1, 1, 0], "wind": [1, 1, 0, 0]}), Multilabel(labels=("rain", "wind"))),
        (np.arange(8).reshape(4, 2) + 0.5, Regression(names=("0", "1"))),
    ],
)
def test_the_targets_tell_the_task(targets, task):
    dataset = in_memory(np.zeros((4, 12)), targets)
    assert dataset.task == task
    assert len(task.stack(dataset.targets())) == len(dataset) == 4


def test_classes_that_are_equal_as_numbers_are_the_same():
    assert in_memory(range(4), [0.0, 1.0, 1.0, 0.0]).task == in_memory(range(4), [0, 1, 1, 0]).task


@pytest.mark.parametrize(
    ("samples", "targets", "said"),
    [
        (range(3), [0, 1], "3 samples and 2 targets"),
        (range(3), ["a", "a", "a"], "all targets are a"),
        (range(40), list(range(40)), "classes, or quantities"),
        (range(3), None, "no targets"),
        (range(3), [None, None, None], "no target is known"),
        (range(2), np.zeros((2, 3, 3)), "more than two axes"),
        ([], [], "there are no samples"),
    ],
)
def test_what_tells_no_task_is_refused(samples, targets, said):
    with pytest.raises(OptionError, match=said):
        in_memory(samples, targets)


def test_many_whole_numbers_are_what_is_said():
    assert in_memory(range(40), list(range(40)), task="regression").task.kind == "regression"
    assert in_memory(range(40), list(range(40)), task="classification").task.num_outputs == 40


def test_samples_and_targets_train_measure_and_predict(model):
    X = np.linspace(-1, 1, 12) * np.resize([1, -1], 24)[:, None]
    y = pd.Series(["up", "down"] * 12)
    settings = {"epochs": 2, "num_workers": 0}
    result = mt.fit(model, X, y, val=(X[:4], y[:4]), **settings)
    assert result.metrics and model.require_head().task.classes == ("down", "up")
    assert mt.evaluate(model, X, y, num_workers=0)["samples"] == 24
    assert {record["prediction"] for record in mt.predict(model, list(X))} <= {"up", "down"}
    with pytest.raises(OptionError, match="sideways"):
        mt.evaluate(model, X[:2], ["up", "sideways"])
    examples = [Example(series, label) for series, label in zip(X, y, strict=True)]
    assert mt.fit(model, examples, **settings).history


def test_masked_targets_are_not_known():
    hidden = np.ma.masked_array([0.5, -999.0, 1.5], mask=[False, True, False])
    assert in_memory([1, 2, 3], hidden).targets() == [0.5, None, 1.5]


def test_decimals_are_quantities():
    found = in_memory([1, 2, 3], [Decimal("0.25"), Decimal("1.5"), None])
    assert isinstance(found.task, Regression) and found.targets() == [0.25, 1.5, None]


def test_infinite_targets_are_not_known_and_that_is_reported():
    with pytest.warns(DataWarning, match="infinite numbers"):
        found = in_memory([1, 2, 3], [0.25, float("inf"), 1.5])
    assert [np.isfinite(target) for target in found.targets()] == [True, False, True]


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        ([b"p", b"q", b"p"], ("p", "q")),
        (np.array([b"p", b"q", b"p"]), ("p", "q")),
        ([" p", "q", "p "], ("p", "q")),
        (["caf\u00e9", "q", "cafe\u0301"], ("caf\u00e9", "q")),
        (["007", "7a", " "], ("007", "7a")),
    ],
)
def test_classes_are_texts_without_blanks_around(targets, classes):
    assert in_memory([1, 2, 3], targets).task.classes == classes


def test_classes_that_differ_in_capitals_are_reported():
    with pytest.warns(DataWarning, match="Yes and yes as two classes"):
        in_memory([1, 2, 3], ["Yes", "yes", "no"])


@pytest.mark.parametrize(("given", "place"), [("007", 1), (7, 1), ("2.0", 0), (True, 2)])
def test_a_class_of_a_run_is_known_however_it_is_written(given, place):
    assert in_memory([1], [given], task=Classification(classes=("2", "7", "True"))).targets() == [place]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({0: 1.5, 1: 2.5}, "dict is no sequence"),
        ({1.5, 2.5}, "set is no sequence"),
        ("ab", r"frame\['ab'\]"),
        (pd.date_range("2020", periods=2), "date"),
        (np.array(["2020-01-01", "2020-01-02"], "M8[ns]"), "date"),
        (pd.to_timedelta([1, 2], unit="s").to_list(), "Timedelta"),
        ([1 + 1j, 2j], "complex"),
    ],
)
def test_what_is_no_sequence_of_targets_is_refused(targets, message):
    with pytest.raises(OptionError, match=message):
        in_memory([1, 2], targets)


def test_a_mapping_is_no_sequence_of_samples():
    with pytest.raises(InputError, match="dict is no sequence of samples"):
        in_memory({"a": [1, 2], "b": [3, 4]}, [0, 1])
