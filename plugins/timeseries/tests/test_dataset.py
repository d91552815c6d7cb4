"""Windows of the public benchmarks, their borders, and the series of the UEA archive."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mt_core.contract import Classification, Forecasting
from mt_core.errors import DatasetError, MissingSplitError, OptionError
from mt_plugin_timeseries.dataset import TimeSeriesDataset
from mt_plugin_timeseries.tokenizer import TimeSeriesOptions, TimeSeriesTokenizer

CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


def counting(path: Path, rows: int, channels: tuple[str, ...] = ("a", "b"), freq: str = "h") -> Path:
    """A table whose value in row i, channel c is i + c / 10: every value tells where it stands."""
    values = np.arange(rows)[:, None] + np.arange(len(channels)) / 10
    frame = pd.DataFrame(values, columns=list(channels))
    frame.insert(0, "date", pd.date_range("2016-07-01", periods=rows, freq=freq))
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return path


def first_and_last_target(dataset: TimeSeriesDataset) -> tuple[float, float]:
    targets = dataset.targets()
    return float(targets[0][0, 0]), float(targets[len(targets) - 1][-1, 0])


@pytest.fixture(scope="module")
def ett(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return counting(tmp_path_factory.mktemp("ett") / "ETTh1.csv", 17_420, CHANNELS).parent


def test_ett_has_months_for_borders_and_windows_reach_back(ett: Path):
    # 12, 4 and 4 months of 30 days; as many windows as in Informer's loader: rows - lookback - horizon + 1
    expected = {"train": (8640 - 336 - 96 + 1, 336, 8639), "val": (2785, 8640, 11519), "test": (2785, 11520, 14399)}
    for split, (count, first, last) in expected.items():
        dataset = TimeSeriesDataset.open(ett, split)
        assert len(dataset) == len(dataset.targets()) == count
        assert first_and_last_target(dataset) == (first, last)
    test = TimeSeriesDataset.open(ett, "test")
    sample, target = test[0]
    assert sample.values.shape == (336, 7) and target.shape == (96, 7)
    assert sample.values[-1, 0] == 11519 and target[0, 0] == 11520
    assert sample.channels == CHANNELS and sample.times is not None


def test_scale_is_that_of_the_training_rows_alone(ett: Path):
    for split in ("train", "test"):
        task = TimeSeriesDataset.open(ett, split, options=TimeSeriesDataset.Options(columns="OT")).task
        assert isinstance(task, Forecasting) and task.channels == ("OT",)
        assert task.mean == (pytest.approx(np.arange(8640).mean() + 0.6, rel=1e-6),)
        assert task.scale == (pytest.approx(np.arange(8640).std(), rel=1e-6),)


def test_quarter_hours_have_four_times_as_many_rows(tmp_path: Path):
    path = counting(tmp_path / "ETTm2.csv", 4 * 14_400, ("OT",), "15min")
    assert first_and_last_target(TimeSeriesDataset.open(path, "val")) == (4 * 8640, 4 * 11_520 - 1)


def test_truncated_ett_file_is_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"ETTh2\.csv has 500 rows"):
        TimeSeriesDataset.open(counting(tmp_path / "ETTh2.csv", 500))


@pytest.mark.parametrize("name", ["weather.csv", "national_illness.csv", "exchange_rate.txt.gz", "mine.parquet"])
def test_other_tables_are_divided_at_70_and_80_percent(tmp_path: Path, name: str):
    rows = 1003
    path = counting(tmp_path / "table.csv", rows)
    if name.endswith("gz"):
        body = "\n".join(f"{row},{row}.1" for row in range(rows))
        (tmp_path / name).write_bytes(gzip.compress(body.encode()))
        path.unlink()
    elif name.endswith("parquet"):
        pd.read_csv(path, parse_dates=["date"]).to_parquet(tmp_path / name)
        path.unlink()
    else:
        path.rename(tmp_path / name)
    # num_train = int(0.7 n) = 702, num_test = int(0.2 n) = 200, the rest is val
    expected = {"train": (48, 701), "val": (702, 802), "test": (803, 1002), "all": (48, 1002)}
    for split, targets in expected.items():
        dataset = TimeSeriesDataset.open(tmp_path, split, options=TimeSeriesDataset.Options(lookback=48, horizon=12))
        assert first_and_last_target(dataset) == targets
    assert name.endswith("gz") == ("(lstnet)" in dataset.source)


def test_stride_thins_training_windows_alone(ett: Path):
    train = TimeSeriesDataset.open(ett, "train", options=TimeSeriesDataset.Options(window_stride=10))
    assert len(train) == 821 and train.targets()[1][0, 0] == 346
    assert len(TimeSeriesDataset.open(ett, "test", options=TimeSeriesDataset.Options(window_stride=10))) == 2785


def test_windows_are_views_of_one_array_and_a_window_alone_is_pickled(ett: Path):
    dataset = TimeSeriesDataset.open(ett, "train")
    assert np.shares_memory(dataset[0].sample.values, dataset[1].sample.values)
    assert len(pickle.dumps(dataset[5])) < 50_000
    assert dataset.task.stack([dataset[0].target, dataset[1].target]).shape == (2, 96, 7)
    assert len(pickle.loads(pickle.dumps(dataset))) == len(dataset)


def test_targets_with_gaps_are_not_known_and_windows_without_a_value_are_left_out(tmp_path: Path):
    path = counting(tmp_path / "mine.csv", 400, ("a",))
    frame = pd.read_csv(path)
    frame.loc[100:129, "a"] = np.nan
    frame.to_csv(path, index=False)
    dataset = TimeSeriesDataset.open(path, "all", options=TimeSeriesDataset.Options(lookback=20, horizon=4))
    starts = [int(dataset[index].sample.values[~np.isnan(dataset[index].sample.values)][0]) for index in (0, 1)]
    assert starts == [0, 1]
    assert len(dataset) == 400 - 24 + 1 - 11  # windows 100 to 110 have no value
    assert any(np.isnan(target).any() for target in dataset.targets())


def test_task_of_an_earlier_run_brings_its_horizon_and_channels(ett: Path):
    task = TimeSeriesDataset.open(ett, "train", options=TimeSeriesDataset.Options(horizon=24, columns="OT,HUFL")).task
    dataset = TimeSeriesDataset.open(ett, "test", task=task)
    assert dataset.task == task and dataset[0].sample.channels == ("OT", "HUFL")
    assert dataset[0].target.shape == (24, 2)
    with pytest.raises(OptionError, match="horizon 48"):
        TimeSeriesDataset.open(ett, "test", task=task, options=TimeSeriesDataset.Options(horizon=48))
    with pytest.raises(OptionError, match="classification"):
        TimeSeriesDataset.open(ett, "test", task=Classification(classes=("a",)))


def test_one_of_several_tables_is_named(tmp_path: Path):
    for name in ("weather", "traffic"):
        counting(tmp_path / f"{name}.csv", 300)
    with pytest.raises(DatasetError, match=r"2 tables: traffic\.csv, weather\.csv[\s\S]*file=traffic"):
        TimeSeriesDataset.open(tmp_path)
    options = {"lookback": 16, "horizon": 4}
    assert len(TimeSeriesDataset.open(tmp_path, options=TimeSeriesDataset.Options(file="weather", **options))) > 0
    assert len(TimeSeriesDataset.open(tmp_path / "traffic.csv", options=TimeSeriesDataset.Options(**options))) > 0
    with pytest.raises(DatasetError, match="no table called 'ecl'"):
        TimeSeriesDataset.open(tmp_path, options=TimeSeriesDataset.Options(file="ecl"))


def test_series_too_short_for_a_window_says_what_it_needs(tmp_path: Path):
    path = counting(tmp_path / "mine.csv", 120)
    with pytest.raises(
        DatasetError, match=r"120 steps, and its train part no window of 336 steps with 96[\s\S]*lookback"
    ):
        TimeSeriesDataset.open(path)
    with pytest.raises(MissingSplitError, match="val part"):  # 12 rows: training goes on without
        TimeSeriesDataset.open(path, "val", options=TimeSeriesDataset.Options(lookback=16, horizon=20))


def test_constant_channel_of_the_training_part_has_a_scale_of_one(tmp_path: Path):
    path = tmp_path / "mine.csv"
    pd.DataFrame({"a": np.arange(100.0), "b": np.full(100, 7.0)}).to_csv(path, index=False)
    task = TimeSeriesDataset.open(path, options=TimeSeriesDataset.Options(lookback=16, horizon=4)).task
    assert isinstance(task, Forecasting) and task.scale[1] == 1 and task.mean[1] == 7


def test_unknown_options_splits_and_layouts_are_refused(tmp_path: Path, ett: Path):
    for options in (
        {"horizon": 0},
        {"lookback": "long"},
        {"window_stride": -1},
        {"irregular": "mend"},
        {"text": "read"},
        {"x": 1},
    ):
        with pytest.raises(OptionError):
            TimeSeriesDataset.open(ett, options=TimeSeriesDataset.Options(**options))
    with pytest.raises(OptionError, match="dev"):
        TimeSeriesDataset.open(ett, "dev")
    with pytest.raises(DatasetError) as caught:
        TimeSeriesDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in TimeSeriesDataset.layouts.values())
    with pytest.raises(DatasetError, match="does not exist"):
        TimeSeriesDataset.open(tmp_path / "nowhere")


def test_uea_folder_is_classification(tmp_path: Path):
    head = "@problemName Racket\n@timestamps false\n@univariate false\n@classLabel true clear smash\n@data\n"
    (tmp_path / "Racket_TRAIN.ts").write_text(head + "1,2,3:4,5,6:smash\n1,2:3,4:clear\n")
    (tmp_path / "Racket_TEST.ts").write_text(head + "7,8,9:1,1,2:clear\n")
    train, test = (TimeSeriesDataset.open(tmp_path, split) for split in ("train", "test"))
    assert train.task == test.task == Classification(classes=("clear", "smash"))
    assert list(train.targets()) == [1, 0] and list(test.targets()) == [0]
    tokenizer = TimeSeriesTokenizer(8, TimeSeriesOptions(lookback=8, patch=2, stride=1))
    tokenizer.calibrate(train[index] for index in range(2))
    items = [tokenizer.prepare(tokenizer.read(train[index].sample)) for index in range(2)]
    assert tokenizer(tokenizer.collate(items)).views == 2
    with pytest.raises(MissingSplitError):
        TimeSeriesDataset.open(tmp_path, "val")


def test_demo_is_the_same_each_time_short_in_tokens_and_its_splits_differ():
    train, again, test = (TimeSeriesDataset.demo(split, size=20) for split in ("train", "train", "test"))
    assert len(train) == 20 and "(synthetic)" in train.source
    assert all(np.array_equal(train[i].sample.values, again[i].sample.values) for i in range(20))
    assert train.task == test.task and isinstance(train.task, Forecasting) and train.task.horizon == 12
    assert not {train[i].sample.times[0] for i in range(20)} & {test[i].sample.times[0] for i in range(20)}
    torch.manual_seed(0)
    tokenizer = TimeSeriesTokenizer(8, TimeSeriesOptions.parse(TimeSeriesDataset.demo_options))
    found = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(train[0].sample))]))
    assert found.values.shape[0] * found.values.shape[1] <= 40


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_real_etth1_is_divided_as_in_the_literature():
    root = Path(os.environ["MT_DATA"]) / "time_series" / "ETT-small"
    lengths = [
        len(TimeSeriesDataset.open(root, split, options=TimeSeriesDataset.Options(file="ETTh1")))
        for split in ("train", "val", "test")
    ]
    assert lengths == [8209, 2785, 2785]
    task = TimeSeriesDataset.open(root, options=TimeSeriesDataset.Options(file="ETTh1")).task
    assert isinstance(task, Forecasting) and task.channels == CHANNELS
