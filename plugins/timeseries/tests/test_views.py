"""A forecast as a table and a plot."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from mt_core.contract import Classification, Forecasting
from mt_plugin_timeseries.views import write

TASK = Forecasting(channels=("b", "a"), horizon=2, mean=(0, 0), scale=(1, 1))
RECORD = {"source": "load.csv", "row": 0, "prediction": {"b": [1.5, 2.5], "a": [3.0, -4.0]}}


def load(folder: Path, dated: bool) -> Path:
    path = folder / "load.csv"
    rows = [f"2024-01-01 {hour:02d}:00,{hour},{hour * 2}" if dated else f"{hour},{hour * 2}" for hour in range(24)]
    path.write_text("\n".join(["date,a,b" if dated else "a,b", *rows]))
    return path


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_times_are_continued_in_the_table_and_a_plot_lies_beside_it(tmp_path: Path):
    table, plot = write(load(tmp_path, dated=True), [RECORD], TASK, tmp_path / "out")
    assert (table.name, plot.name) == ("load_forecast.csv", "load_forecast.png")
    assert rows_of(table) == [
        ["date", "b", "a"],
        ["2024-01-02 00:00:00", "1.5", "3"],
        ["2024-01-02 01:00:00", "2.5", "-4"],
    ]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_steps_are_counted_where_there_are_no_times(tmp_path: Path):
    table, _ = write(str(load(tmp_path, dated=False)), [RECORD], TASK, tmp_path)
    assert [row[0] for row in rows_of(table)] == ["step", "1", "2"]


def test_more_channels_than_fit_and_objects_in_memory_are_drawn(tmp_path: Path):
    record = {"prediction": {f"channel_{number}": [0.0] for number in range(1, 11)}}
    task = Forecasting(channels=tuple(record["prediction"]), horizon=1, mean=(0,) * 10, scale=(1,) * 10)
    table, plot = write(np.zeros((30, 10)), [record], task, tmp_path)
    assert table.name == "series_forecast.csv" and len(rows_of(table)[0]) == 11 and plot.is_file()


def test_classes_are_no_picture(tmp_path: Path):
    assert write(load(tmp_path, dated=True), [{"prediction": "x"}], Classification(classes=("x",)), tmp_path) == []
