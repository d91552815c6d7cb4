"""Tables of several series: a series by itself for each group, trained on or tested as a whole."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mt_core as mt
from mt_core.contract import Forecasting
from mt_core.data.training_data import open_training_data
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, OptionError
from mt_plugin_timeseries.dataset import TimeSeriesDataset

foreign = pytest.mark.foreign_file
STEPS = {"north": 40, "south": 55, "east": 31, "west": 47}
SIZE = {"lookback": 16, "horizon": 4}
FIRST = {shop: 1000 * (at + 1) for at, shop in enumerate(STEPS)}
"""What the first step of each shop sells; every step one more, so that a value tells shop and step."""


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    """The rows of all shops in the order of their days, as exports have them."""
    days = pd.date_range("2020-01-01", periods=max(STEPS.values()))
    frames = [
        pd.DataFrame({"date": days[:steps], "shop": shop, "sales": FIRST[shop] + np.arange(steps)})
        for shop, steps in STEPS.items()
    ]
    pd.concat(frames).sort_values("date", kind="stable").to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def opened(path: Path, split: str = "train", **options: Any) -> TimeSeriesDataset:
    return TimeSeriesDataset.open(path, split, options=TimeSeriesDataset.Options(**{**SIZE, **options}))


def first_values(dataset: TimeSeriesDataset) -> list[float]:
    return [float(dataset[at].sample.values[0, 0]) for at in range(len(dataset))]


@foreign("a row for each shop and day (panels)", "retail, meters, fleets", "read, with group: a series for each shop")
def test_each_group_is_a_series_by_itself_and_no_window_reaches_over_its_end(shops: Path):
    dataset = opened(shops, group="shop")
    expected = [FIRST[shop] + step for shop, steps in STEPS.items() for step in range(steps - 20 + 1)]
    assert first_values(dataset) == expected
    assert dataset.groups() == [shop for shop, steps in STEPS.items() for _ in range(steps - 20 + 1)]
    for sample, target in (dataset[at] for at in range(len(dataset))):
        assert sample.channels == ("sales",), "the group is no channel"
        together = np.concatenate([sample.values[:, 0], target[:, 0]])
        assert (np.diff(together) == 1).all() and sample.times is not None and len(sample.times) == 16
    assert dataset[25].sample.name == f"{shops}, shop south, steps 4 to 19"
    with pytest.raises(MissingSplitError):
        opened(shops, "test", group="shop")


def test_over_all_folds_each_window_is_tested_once_and_no_series_is_on_both_sides(shops: Path):
    tested: list[float] = []
    for fold in (1, 2, 3):
        train, test = (opened(shops, split, group="shop", folds=3, fold=fold) for split in ("train", "test"))
        assert not {*(train.groups() or ())} & {*(test.groups() or ())}
        assert {*(train.groups() or ())} | {*(test.groups() or ())} == set(STEPS)
        tested += first_values(test)
    assert sorted(tested) == sorted(first_values(opened(shops, "all", group="shop")))


def test_the_scale_is_that_of_the_series_that_are_trained_on(shops: Path):
    trained = np.concatenate([FIRST[shop] + np.arange(STEPS[shop]) for shop in ("north", "east")])
    for split in ("train", "test"):
        task = opened(shops, split, group="shop", test_group="south,west").task
        assert isinstance(task, Forecasting)
        assert task.mean[0] == pytest.approx(trained.mean()) and task.scale[0] == pytest.approx(trained.std())


def test_the_stride_thins_what_is_trained_on_alone(shops: Path):
    options = {"group": "shop", "test_group": "south", "window_stride": 5}
    assert first_values(opened(shops, "test", **options)) == [2000 + step for step in range(36)]
    train = opened(shops, "train", **options)
    assert first_values(train)[:6] == [1000, 1005, 1010, 1015, 1020, 3000]
    assert float(train.targets()[1][0, 0]) == 1021
    assert len(pickle.loads(pickle.dumps(train))) == len(train)


def test_what_is_held_out_is_whole_series(shops: Path):
    parts = open_training_data(
        TimeSeriesDataset, shops, TimeSeriesDataset.Options(group="shop", **SIZE), val_fraction=0.25,
        test_fraction=0.25, seed=0,
    )  # fmt: skip
    assert parts.test is not None
    groups = [{*(part.groups() or ())} for part in (parts.train, parts.val, parts.test)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 4


def test_a_run_is_trained_and_measured_on_other_series(shops: Path):
    model = mt.load("timeseries", purpose="train", lookback=16, patch=8, stride=8)
    options = {"lookback": 16, "horizon": 4, "group": "shop", "test_group": "west", "window_stride": 8}
    mt.fit(model, shops, data_options=options, epochs=1, num_workers=0)
    assert np.isfinite(mt.evaluate(model, shops, num_workers=0)["mse"])


def test_numbers_of_series_and_counters_of_their_rows_are_no_channels(tmp_path: Path):
    engines = [(engine, cycle, cycle + engine / 10) for engine in (1, 2, 3) for cycle in range(1, 31)]
    frame = pd.DataFrame(engines, columns=["engine", "index", "heat"])
    frame.to_csv(tmp_path / "engines.csv", index=False)
    dataset = opened(tmp_path / "engines.csv", "test", group="engine", test_group="2.0")
    assert dataset[0].sample.channels == ("heat",) and set(dataset.groups() or ()) == {"2"}
    assert dataset[0].sample.values[:, 0] == pytest.approx(np.arange(1, 17) + 0.2)
    frame.to_parquet(tmp_path / "engines.parquet")
    assert len(opened(tmp_path / "engines.parquet", "test", group="engine", test_group="2")) == 11


@foreign("rows without a shop, and a shop of few days", "retail", "read, told, with group: left out")
def test_rows_without_a_group_and_short_series_are_told(shops: Path):
    lines = shops.read_text().splitlines()
    shops.write_text("\n".join([*lines, "2020-01-01,,5", "2020-01-02,,6", "2020-01-01,new,7"]))
    with pytest.warns(DataWarning) as told:
        dataset = opened(shops, group="shop")
    assert {*(dataset.groups() or ())} == set(STEPS)
    said = [str(warning.message) for warning in told]
    assert any("2 of 176 rows have no shop" in text for text in said)
    assert any("1 of 5 series, which have no window of 16 steps" in text for text in said)


@foreign("a row for each shop and day, without the option", "retail", "refused: names the option group")
def test_several_series_without_the_option_are_refused_with_its_name(shops: Path):
    with pytest.raises(InputError, match=r"several series in one table: name the column .* by the data option group"):
        opened(shops, text="ignore")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "town"}, r"no column group=town[\s\S]*date, shop, sales"),
        ({"group": "sales", "columns": "sales"}, "'sales' is both group and channel"),
        ({"group": "shop", "folds": 5}, "4 groups are too few for 5 folds"),
        ({"group": "shop", "test_group": "mars"}, r"no group 'mars'[\s\S]*east, north, south, west"),
        ({"group": "shop", "test_group": "north,south,east,west"}, "leaves none to train on"),
    ],
)
def test_groups_that_there_are_not_are_refused(shops: Path, options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        opened(shops, **options)


def test_a_column_of_groups_without_a_value_is_refused(shops: Path):
    frame = pd.read_csv(shops)
    frame.assign(town=np.nan).to_csv(shops, index=False)
    with pytest.raises(OptionError, match="none of the 173 rows has a value of the column group=town"):
        opened(shops, group="town")


def test_one_series_has_no_folds_and_an_array_no_groups(tmp_path: Path):
    np.save(tmp_path / "series.npy", np.arange(300.0))
    with pytest.raises(OptionError, match=r"windows share values[\s\S]*option group"):
        opened(tmp_path / "series.npy", folds=2)
    with pytest.raises(OptionError, match="holds an array, which has no column group=shop"):
        opened(tmp_path / "series.npy", group="shop")


def test_series_that_are_tested_and_too_short_are_refused(shops: Path):
    with pytest.raises(DatasetError, match="the series that are tested have no window of 30 steps with 4"):
        opened(shops, "test", group="shop", test_group="east", lookback=30)


def test_cases_of_the_uea_archive_have_folds_by_class_and_no_groups(tmp_path: Path):
    rows = "".join(f"{at},{at + 1},{at + 2}:{'ab'[at % 2]}\n" for at in range(12))
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"Toy_{part}.ts").write_text(f"@classLabel true a b\n@data\n{rows}")
    targets = list(opened(tmp_path, "test", folds=3).targets())
    assert (targets.count(0), targets.count(1)) == (4, 4)
    with pytest.raises(OptionError, match=r"\(uea\) have no group=person[\s\S]*leave the option group out"):
        opened(tmp_path, group="person")
