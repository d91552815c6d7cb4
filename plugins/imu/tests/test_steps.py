"""Recordings whose steps have classes: a column of the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.cli import main
from mt_core.errors import InputError, OptionError
from mt_plugin_imu.dataset import ImuDataset
from mt_plugin_imu.tokenizer import ImuOptions, ImuTokenizer

HZ = 25
STEPS = ImuDataset.Options(labels="steps", window=64)


def recording(path: Path, labels: list[str], *, seed: int = 0, column: str = "activity") -> Path:
    """Three axes at 25 Hz, of which x trembles where the label is "shake"."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(len(labels), 3)) * 0.1
    times = np.arange(len(labels)) / HZ
    values[:, 0] += np.where(np.array(labels) == "shake", 2 * np.sin(2 * np.pi * 5 * times), 0)
    rows = [
        f"{time:.2f},{','.join(f'{x:.4f}' for x in row)},{label}"
        for time, row, label in zip(times, values, labels, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"time_s,acc_x,acc_y,acc_z,{column}\n" + "\n".join(rows) + "\n")
    return path


def runs(count: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(20, 60, count)
    return [("rest", "shake")[number % 2] for number, length in enumerate(lengths) for _ in range(length)][:count]


def labels_of(dataset: ImuDataset) -> list[str]:
    return [dataset.task.classes[code] for target in (each.target for each in dataset) for code in target.tolist()]


@pytest.mark.parametrize("rate", [0, 10, 50])
@pytest.mark.parametrize("count", [90, 333])
def test_the_label_of_each_row_comes_back_in_order(tmp_path, count, rate):
    path = recording(tmp_path / "a.csv", runs(count))
    dataset = ImuDataset.open(path, "all", options=STEPS.model_copy(update={"rate_hz": rate}))
    assert labels_of(dataset) == runs(count)
    assert dataset.tokenizer_options() == {"labels": "steps"}
    assert dataset[0].sample.values.shape[1] == 3 and dataset[0].sample.rate == pytest.approx(HZ)


@pytest.mark.parametrize("cell", ["", "None"])
def test_numbers_are_classes_too_and_cells_without_a_class_are_not_known_and_reported(tmp_path, cell):
    path = recording(tmp_path / "a.csv", ["1"] * 30 + [cell] * 10 + ["2.0"] * 30)
    with pytest.warns(match="the class of 10 of"):
        dataset = ImuDataset.open(path, "all", options=STEPS)
    assert dataset.task.classes == ("1", "2")
    assert np.concatenate([each.target for each in dataset]).tolist() == [0] * 30 + [-1] * 10 + [1] * 30


def test_rows_that_are_missing_get_the_label_of_the_nearest(tmp_path):
    lines = recording(tmp_path / "a.csv", ["rest"] * 50 + ["shake"] * 50).read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join(lines[:31] + lines[35:]) + "\n")  # four rows of rest
    with pytest.warns(match="4 of 100 steps are missing"):
        dataset = ImuDataset.open(tmp_path / "b.csv", "all", options=STEPS)
    assert labels_of(dataset) == ["rest"] * 50 + ["shake"] * 50


def test_one_table_is_divided_in_time_and_several_are_not(tmp_path):
    path = recording(tmp_path / "a.csv", runs(400))
    assert [len(labels_of(ImuDataset.open(path, split, options=STEPS))) for split in ("train", "val", "test")] == [
        280, 40, 80,
    ]  # fmt: skip
    recording(tmp_path / "b.csv", runs(400, 1))
    chosen = STEPS.model_copy(update={"folds": 2})
    assert {name for split in ("train", "test") for name in ImuDataset.open(tmp_path, split, options=chosen).groups()}
    assert not set(ImuDataset.open(tmp_path, "train", options=chosen).groups()) & set(
        ImuDataset.open(tmp_path, "test", options=chosen).groups()
    )


def test_another_column_is_named(tmp_path):
    path = recording(tmp_path / "a.csv", runs(200), column="mode")
    with pytest.raises(OptionError, match="no column of labels; it has time_s, acc_x, acc_y, acc_z, mode"):
        ImuDataset.open(path, "all", options=STEPS)
    dataset = ImuDataset.open(path, "all", options=STEPS.model_copy(update={"label": "mode"}))
    assert labels_of(dataset) == runs(200)
    with pytest.raises(InputError, match="different values, which are no classes"):
        many = recording(tmp_path / "b.csv", [str(number) for number in range(300)])
        ImuDataset.open(many, "all", options=STEPS)


def test_groups_of_steps_are_files(tmp_path):
    path = recording(tmp_path / "a.csv", runs(200))
    with pytest.raises(OptionError, match="group=file"):
        ImuDataset.open(path, "all", options=STEPS.model_copy(update={"group": "folder"}))
    with pytest.raises(OptionError, match="view=picture"):
        ImuOptions.parse({"view": "picture", "labels": "steps"})


@pytest.mark.parametrize("rate", [0, 10, 50])
def test_places_lie_where_the_steps_are(tmp_path, rate):
    """A patch and the steps that it is of are at one time, whatever the rate."""
    path = recording(tmp_path / "a.csv", runs(300))
    tokenizer = ImuTokenizer(8, ImuOptions(labels="steps", rate_hz=rate, window=64))
    windows = list(tokenizer.stream(path))
    items = [tokenizer.prepare(window) for window in windows]
    starts = np.concatenate([item["when"][:, 0].numpy() for item in items])
    np.testing.assert_allclose(starts, np.arange(300) * 1e6 / HZ, atol=1)
    for item, window in zip(items, windows, strict=True):
        middle_s = (item["when"].float().mean(1).numpy() / 1e6) - window.part.at / HZ
        np.testing.assert_allclose((item["places"][:, 0] + 0.5) / (rate or HZ), middle_s, atol=0.5 / (rate or HZ))
    tokens = tokenizer(tokenizer.collate(items))
    assert tokens.coords[0, :2, 0].tolist() == [7.5, 15.5]  # patches of 16 steps, 8 apart
    assert tokens.side["places_mask"].sum() == 300


def test_training_moves_no_step():
    tokenizer = ImuTokenizer(8, ImuOptions(labels="steps", rotate_degrees=0, scale=0, jitter=0, rate_hz=0))
    values = np.random.default_rng(0).normal(size=(200, 3))
    plain = tokenizer.prepare(next(tokenizer.stream(values)))
    trained = tokenizer.prepare(next(tokenizer.stream(values)), torch.Generator().manual_seed(0))
    assert all(torch.equal(plain[name], trained[name]) for name in plain)


@pytest.mark.slow
def test_shaking_is_found_by_a_short_training_and_predicted_in_seconds(tmp_path, capsys):
    for number in range(6):
        labels = ["rest"] * 200 + ["shake"] * 100 + runs(300, number)
        recording(tmp_path / "data" / f"{number}.csv", labels, seed=number)
    new = recording(tmp_path / "new.csv", ["rest"] * 150 + ["shake"] * 100 + ["rest"] * 150, seed=99)
    run, written = str(tmp_path / "run"), tmp_path / "segments.jsonl"
    data = ["-D", "labels=steps", "-D", "window=128", "--num-workers", "0"]
    settings = ["--epochs", "6", "--batch-size", "8", "-q"]
    assert main(["train", "imu", "--data", str(tmp_path / "data"), "--out", run, *data, *settings]) == 0
    (record,) = mt.predict(mt.load_run(run), [new])
    (found,) = [each for each in record["prediction"] if each["class"] == "shake"]
    assert (found["start"], found["end"]) == (pytest.approx(6.0, abs=0.3), pytest.approx(10.0, abs=0.3))
    assert record["time"] == "s" and found["probability"] > 0.5
    capsys.readouterr()
    assert main(["predict", run, str(new), "--num-workers", "0"]) == 0
    assert "new.csv:0  rest 0.0 to " in capsys.readouterr().out
    assert main(["predict", run, str(new), "-o", str(written), "--num-workers", "0"]) == 0
    assert json.loads(written.read_text()) == {**record, "source": str(new)}
