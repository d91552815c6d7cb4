"""Series whose steps have classes: a column of the table, or the windows of the Numenta benchmark."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import mt_core as mt
from mt_core.contract import Segmentation
from mt_core.data.batches import features_of
from mt_core.embedding.memory import answers_of, records_of
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, OptionError
from mt_core.heads import default_head
from mt_plugin_timeseries.dataset import TimeSeriesDataset
from mt_plugin_timeseries.tokenizer import TimeSeriesOptions, TimeSeriesTokenizer

STEPS = TimeSeriesDataset.Options(labels="steps", lookback=32)


def table(path: Path, labels: list[str], *, seed: int = 0, dates: bool = True) -> Path:
    """A channel of noise, a row a minute, and the label of each row."""
    values = np.random.default_rng(seed).normal(size=(len(labels), 2))
    times = np.datetime64("2024-01-01 00:00") + np.arange(len(labels))
    rows = [
        (f"{time}".replace("T", " ") + ":00," if dates else "") + f"{x:.4f},{y:.4f},{label}"
        for time, (x, y), label in zip(times, values, labels, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(("time," if dates else "") + "x,y,state\n" + "\n".join(rows) + "\n")
    return path


def drawn_labels(count: int, seed: int = 0) -> list[str]:
    """Runs of three classes."""
    draw = np.random.default_rng(seed)
    runs = [name for name in draw.choice(["idle", "run", "stop"], count) for _ in range(draw.integers(1, 30))]
    return runs[:count]


def labels_of(dataset: TimeSeriesDataset) -> list[str]:
    return [dataset.task.classes[code] for target in (each.target for each in dataset) for code in target.tolist()]


@pytest.mark.parametrize("count", [20, 31, 32, 33, 250])
def test_the_label_of_each_row_comes_back_in_order(tmp_path, count):
    labels = drawn_labels(count)
    dataset = TimeSeriesDataset.open(table(tmp_path / "a.csv", labels), "all", options=STEPS)
    assert labels_of(dataset) == labels
    assert dataset.tokenizer_options() == {"labels": "steps"}
    assert dataset[0].sample.channels == ("x", "y")


def test_one_table_is_divided_in_time(tmp_path):
    labels = drawn_labels(200)
    path = table(tmp_path / "a.csv", labels)
    parts = {split: TimeSeriesDataset.open(path, split, options=STEPS) for split in ("train", "val", "test")}
    assert [len(labels_of(part)) for part in parts.values()] == [140, 20, 40]
    assert [label for part in parts.values() for label in labels_of(part)] == labels
    first = parts["test"][0].sample
    assert str(first.times[0].astype("M8[us]")) == "2024-01-01T02:40:00.000000"  # looks at its own part alone


def test_several_tables_are_a_series_each_and_never_divided(tmp_path):
    for number in range(4):
        table(tmp_path / f"{number}.csv", drawn_labels(80, number), seed=number)
    folds = [
        TimeSeriesDataset.open(
            tmp_path, "test", options=TimeSeriesDataset.Options(labels="steps", lookback=32, folds=4, fold=fold)
        )
        for fold in range(1, 5)
    ]
    assert sorted(name for fold in folds for name in set(fold.groups())) == ["0.csv", "1.csv", "2.csv", "3.csv"]
    chosen = TimeSeriesDataset.Options(labels="steps", lookback=32, group="file", test_group=("2.csv",))
    tested = TimeSeriesDataset.open(tmp_path, "test", options=chosen)
    trained = TimeSeriesDataset.open(tmp_path, "train", options=chosen)
    assert set(tested.groups()) == {"2.csv"} and set(trained.groups()) == {"0.csv", "1.csv", "3.csv"}


def test_tables_in_folders_of_splits_stay_there(tmp_path):
    for split in ("train", "val", "test"):
        table(tmp_path / split / "a.csv", drawn_labels(60, len(split)))
    dataset = TimeSeriesDataset.open(tmp_path, "test", options=STEPS)
    assert labels_of(dataset) == drawn_labels(60, 4)


def test_series_of_one_table_are_told_apart_by_a_column(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{'ab'[row % 2]},{row * 0.37 % 1:.3f},{'off' if row % 2 else 'on'}" for row in range(80)]
    path.write_text("machine,x,label\n" + "\n".join(rows) + "\n")
    options = TimeSeriesDataset.Options(labels="steps", lookback=16, group="machine", test_group=("b",))
    assert set(labels_of(TimeSeriesDataset.open(path, "test", options=options))) == {"off"}
    assert set(labels_of(TimeSeriesDataset.open(path, "train", options=options))) == {"on"}


@pytest.mark.parametrize("cell", ["", "None", "NA", "null"])
def test_cells_without_a_class_are_steps_whose_class_is_not_known_and_are_reported(tmp_path, cell):
    labels = ["a"] * 10 + [cell] * 5 + ["b"] * 10
    with pytest.warns(DataWarning, match="the class of 5 of"):
        dataset = TimeSeriesDataset.open(table(tmp_path / "a.csv", labels), "all", options=STEPS)
    assert np.concatenate([each.target for each in dataset]).tolist() == [0] * 10 + [-1] * 5 + [1] * 10


def test_labels_stay_with_their_rows_when_rows_are_put_in_order(tmp_path):
    lines = table(tmp_path / "a.csv", drawn_labels(50)).read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    with pytest.warns(DataWarning, match="times do not increase"):
        dataset = TimeSeriesDataset.open(tmp_path / "b.csv", "all", options=STEPS)
    assert labels_of(dataset) == drawn_labels(50)[::-1]
    options = STEPS.model_copy(update={"irregular": "repair"})
    with pytest.warns(match="sorted"):
        dataset = TimeSeriesDataset.open(tmp_path / "b.csv", "all", options=options)
    assert labels_of(dataset) == drawn_labels(50)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label": "nothing"}, OptionError, "no column label=nothing"),
        ({"label": "x"}, DatasetError, "'x' has 299 different values"),
        ({"folds": 2}, OptionError, "fold"),
    ],
)
def test_options_that_do_not_fit_a_table_are_refused(tmp_path, options, error, message):
    path = table(tmp_path / "a.csv", drawn_labels(300))
    with pytest.raises(error, match=message):
        TimeSeriesDataset.open(path, "train", options=TimeSeriesDataset.Options(labels="steps", **options))


def test_a_table_without_labels_and_one_of_a_single_class_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    with pytest.raises(OptionError, match="no column of labels; it has x, y"):
        TimeSeriesDataset.open(tmp_path / "a.csv", "train", options=STEPS)
    with pytest.raises(DatasetError, match="one class only"):
        TimeSeriesDataset.open(table(tmp_path / "b.csv", ["on"] * 90), "train", options=STEPS)


def test_steps_have_no_pictures():
    with pytest.raises(OptionError, match="view=picture"):
        TimeSeriesOptions.parse({"view": "picture", "labels": "steps"})


@pytest.mark.parametrize("count", [20, 32, 100])
def test_the_windows_of_a_file_have_its_steps_as_places(tmp_path, count):
    path = table(tmp_path / "a.csv", drawn_labels(count))
    tokenizer = TimeSeriesTokenizer(8, TimeSeriesOptions(labels="steps", lookback=32))
    tokenizer.restore({"channels": ["x", "y"]})
    windows = list(tokenizer.stream(path))
    items = [tokenizer.prepare(tokenizer.read(window)) for window in windows]
    starts = np.concatenate([item["when"][:, 0].numpy() for item in items]).astype("M8[us]")
    np.testing.assert_array_equal(starts, np.datetime64("2024-01-01 00:00") + np.arange(count))
    assert all((item["when"][:, 1] - item["when"][:, 0] == 60_000_000).all() for item in items)
    tokens = tokenizer(tokenizer.collate(items))
    assert tokens.side["places"].shape[0] == len(items)
    for item, window in zip(items, windows, strict=True):  # the newest step is 0, where patches count from as well
        newest = window.times[-1]
        np.testing.assert_array_equal(item["when"][:, 0].numpy() - newest, item["places"][:, 0].numpy() * 60_000_000)


def nab(root: Path, windows: object, *, count: int = 400) -> Path:
    """Two series of the benchmark, a value each five minutes."""
    for name in ("real/a.csv", "real/b.csv"):
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        times = (np.datetime64("2014-04-01 00:00:00") + 300 * np.arange(count)).astype(str)
        values = np.random.default_rng(len(name)).normal(size=count)
        rows = [f"{time.replace('T', ' ')},{value}" for time, value in zip(times, values, strict=True)]
        path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    (root / "labels").mkdir(exist_ok=True)
    (root / "labels" / "combined_windows.json").write_text(windows if isinstance(windows, str) else json.dumps(windows))
    return root


WINDOW = ["2014-04-01 01:00:00.000000", "2014-04-01 02:00:00.000000"]


def test_steps_within_a_window_of_the_benchmark_are_anomalies(tmp_path):
    dataset = TimeSeriesDataset.open(nab(tmp_path, {"real/a.csv": [WINDOW], "real/b.csv": []}), "train")
    assert dataset.task == Segmentation(classes=("normal", "anomaly"), background=0)
    of_series = {}
    for target, group in zip((each.target for each in dataset), dataset.groups(), strict=True):
        of_series.setdefault(group, []).extend(target.tolist())
    assert set(of_series) == {"real/a", "real/b"}
    # the first and the last moment are within it: 12 steps of five minutes, and one
    assert np.flatnonzero(of_series["real/a"]).tolist() == list(range(12, 25))
    assert not any(of_series["real/b"]) and len(of_series["real/b"]) == 400
    with pytest.raises(MissingSplitError):
        TimeSeriesDataset.open(tmp_path, "test")


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ("[", "is no list of windows"),
        ({"real/a.csv": [[WINDOW[0]]], "real/b.csv": []}, "is no list of windows"),
        ({"real/a.csv": [WINDOW[::-1]], "real/b.csv": []}, r"a\.csv: anomaly from 2014-04-01 02:00:00 .* ends before"),
        ({"real/a.csv": [[WINDOW[0], "2015-01-01"]], "real/b.csv": []}, r"is not within .*a\.csv"),
        ({"real/a.csv": [["soon", WINDOW[1]]], "real/b.csv": []}, "'soon' is no time"),
        ({"real/c.csv": [WINDOW]}, r"files that do not exist.*c\.csv"),
    ],
)
def test_windows_that_cannot_be_are_refused(tmp_path, windows, message):
    with pytest.raises(DatasetError, match=message):
        TimeSeriesDataset.open(nab(tmp_path, windows))


def test_series_that_the_list_does_not_name_are_left_out_and_reported(tmp_path):
    with pytest.warns(match=r"series without labels: real/b\.csv"):
        dataset = TimeSeriesDataset.open(nab(tmp_path, {"real/a.csv": [WINDOW]}), "train")
    assert set(dataset.groups()) == {"real/a"}


def test_a_series_without_any_value_is_refused(tmp_path):
    nab(tmp_path, {"real/a.csv": [], "real/b.csv": [WINDOW]})
    (tmp_path / "data/real/a.csv").write_text("timestamp,value\n2014-04-01 00:00:00,\n2014-04-01 00:05:00,\n")
    with pytest.raises((DatasetError, InputError), match=r"a\.csv"):
        TimeSeriesDataset.open(tmp_path)


@pytest.mark.slow
def test_a_planted_burst_is_found_by_a_short_training(tmp_path):
    draw = np.random.default_rng(0)

    def burst(path: Path, start: int, seed: int) -> None:
        values = np.random.default_rng(seed).normal(size=600) * 0.3
        values[start : start + 60] += 3 * np.sin(np.arange(60))
        times = (np.datetime64("2024-01-01") + np.arange(600).astype("m8[m]")).astype("M8[s]").astype(str)
        inside = (np.arange(600) >= start) & (np.arange(600) < start + 60)
        rows = [
            f"{time},{value:.4f},{'burst' if is_in else 'quiet'}"
            for time, value, is_in in zip(times, values, inside, strict=True)
        ]
        path.write_text("time,x,label\n" + "\n".join(rows) + "\n")

    for number in range(8):
        burst(tmp_path / f"{number}.csv", int(draw.integers(50, 500)), number)
    model = mt.load("timeseries", purpose="train", labels="steps", lookback=128)
    mt.fit(model, tmp_path, batch_size=8, epochs=6, lr=5e-3, data_options={"labels": "steps"}, num_workers=0)
    burst(tmp_path / "new.csv", 333, 99)
    (record,) = mt.predict(model, [tmp_path / "new.csv"])
    (found,) = [each for each in record["prediction"] if each["class"] == "burst"]
    expected = [np.datetime64("2024-01-01") + np.timedelta64(at, "m") for at in (333, 393)]
    for said, true in zip((found["start"], found["end"]), expected, strict=True):
        assert abs((np.datetime64(said) - true) / np.timedelta64(1, "m")) <= 6
    assert found["probability"] > 0.5 and record["time"] == "date"


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_the_real_benchmark_has_its_nineteen_windows():
    root = Path(os.environ["MT_DATA"]) / "time_series" / "NAB"
    with pytest.warns(DataWarning, match="times do not increase") as told:
        dataset = TimeSeriesDataset.open(root, "all")
    assert {Path(each.message.source).stem.partition("_")[0] for each in told} == {"ec2", "machine"}
    of_series: dict[str, list[int]] = {}
    for target, group in zip((each.target for each in dataset), dataset.groups(), strict=True):
        of_series.setdefault(group, []).extend(target.tolist())
    assert sum(map(len, of_series.values())) == sum(
        len(path.read_text().splitlines()) - 1 for path in (root / "data").rglob("*.csv")
    )
    starts = [int((np.diff(labels, prepend=0) == 1).sum()) for labels in of_series.values()]
    assert len(starts) == 7 and sum(starts) == 19


def test_tables_beside_folders_of_splits_are_refused(tmp_path):
    table(tmp_path / "a.csv", drawn_labels(60))
    table(tmp_path / "test" / "b.csv", drawn_labels(60))
    with pytest.raises(DatasetError, match=r"a\.csv is of no split"):
        TimeSeriesDataset.open(tmp_path, "test", options=STEPS)


def test_a_recording_is_one_prediction_however_its_windows_fall_into_batches(tmp_path):
    path = table(tmp_path / "a.csv", drawn_labels(150))
    model = mt.load("timeseries", purpose="train", labels="steps", lookback=32, encoder="none/vit_tiny_patch16_224")
    model.tokenizer.restore({"channels": ["x", "y"]})
    task = Segmentation(classes=("off", "on", "idle"))
    model.head = default_head(model.encoder.width, task)
    (whole,) = mt.predict(model, [path])
    (halved,) = mt.predict(model, [path], batch_size=2)
    assert [(each["start"], each["class"]) for each in halved["prediction"]] == [
        (each["start"], each["class"]) for each in whole["prediction"]
    ]
    # without a background the segments cover the recording, each where the one before ends
    ends = [each["end"] for each in whole["prediction"]]
    assert [each["start"] for each in whole["prediction"]] == ["2024-01-01 00:00:00", *ends[:-1]]
    assert ends[-1] == "2024-01-01 02:30:00"
    # as a server answers, window by window
    items = [model.tokenizer.prepare(sample) for sample in model.tokenizer.stream(path)]
    answers = [answer for item in items for answer in answers_of(model, features_of(model, [item]), [item], "32")]
    assert len(answers) > 2
    (record,) = records_of(model, [("a.csv", row) for row in range(len(answers))], answers)
    assert (record["source"], record["row"], record["time"]) == ("a.csv", 0, "date")
    assert [(each["start"], each["end"]) for each in record["prediction"]] == [
        (each["start"], each["end"]) for each in whole["prediction"]
    ]
