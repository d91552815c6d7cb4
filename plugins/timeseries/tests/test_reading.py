"""Series as they are found: every format, columns of time, gaps, and every way in which a file can be broken."""

from __future__ import annotations

import gzip
import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.lib import format as npy

from mt_core.errors import DataWarning, InputError
from mt_plugin_timeseries import reading
from mt_plugin_timeseries.reading import read_series
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.times import format_times, next_times

HOUR = 3_600_000_000
START = 1_704_067_200_000_000  # 2024-01-01, a Monday, in microseconds since 1970: 19,723 days


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(times: Iterable[Any], values: Iterable[Any], header: str = "date,load") -> str:
    return "\n".join([header, *(f"{time},{value}" for time, value in zip(times, values, strict=True))]) + "\n"


def hours(*numbers: int) -> list[str]:
    return [f"2024-01-01 {number:02d}:00" for number in numbers]


def read(source: Any, **options: Any) -> Series:
    (series,) = read_series(source, **options)
    return series


def flat(series: Series) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in series.values[:, 0]]


# formats


def test_csv_with_dates_gives_channels_and_times(tmp_path: Path):
    series = read(written(tmp_path, "date,a,b\n2024-01-01 00:00:00,1,2.5\n2024-01-01 01:00:00,-3,\n"))
    assert series.channels == ("a", "b") and series.values.dtype == np.float32
    np.testing.assert_array_equal(series.values, np.array([[1, 2.5], [-3, np.nan]], np.float32))
    assert series.times is not None and series.times.tolist() == [START, START + HOUR]


def test_every_container_of_the_same_numbers_reads_the_same(tmp_path: Path):
    values = np.array([[1.0, 2], [3, 4], [5, 6]])
    frame = pd.DataFrame(values, columns=["a", "b"])
    text = b"a,b\n1,2\n3,4\n5,6\n"
    np.save(tmp_path / "s.npy", values)
    np.savez(tmp_path / "s.npz", values=values)
    frame.to_parquet(tmp_path / "s.parquet")
    sources: list[Any] = [
        written(tmp_path, text),
        str(written(tmp_path, text)),
        text,
        written(tmp_path, gzip.compress(text[:10]) + gzip.compress(text[10:]), "s.csv.gz"),  # two members
        written(tmp_path, b"\xef\xbb\xbfa;b\r\n1;2\r\n3;4\r\n\r\n5;6", "s.txt"),
        written(tmp_path, b"1\t2\n3\t4\n5\t6\n", "s.tsv"),
        tmp_path / "s.npy",
        (tmp_path / "s.npy").read_bytes(),
        tmp_path / "s.npz",
        tmp_path / "s.parquet",
        values,
        values.tolist(),
        torch.from_numpy(values),
        frame,
    ]
    for source in sources:
        np.testing.assert_array_equal(read(source).values, values)


def test_lstnet_file_has_neither_header_nor_dates(tmp_path: Path):
    series = read(written(tmp_path, gzip.compress(b"0.7855,1.611\n0.7818,1.61\n"), "exchange_rate.txt.gz"))
    assert series.channels == ("channel_1", "channel_2") and series.times is None
    np.testing.assert_allclose(series.values, [[0.7855, 1.611], [0.7818, 1.61]], rtol=1e-6)


def test_header_may_hold_numbers_as_in_autoformers_files(tmp_path: Path):
    series = read(written(tmp_path, "date,0,1,OT\n1990/1/1 0:00,1,2,3\n1990/1/2 0:00,4,5,6\n"))
    assert series.channels == ("0", "1", "OT") and len(series) == 2
    assert series.times is not None and np.diff(series.times).tolist() == [24 * HOUR]


def test_dates_without_a_header_are_times(tmp_path: Path):
    series = read(written(tmp_path, "2024-01-01 00:00,5\n2024-01-01 01:00,6\n"))
    assert flat(series) == [5, 6] and series.times is not None


def test_one_axis_is_one_channel_and_what_is_read_is_read_again():
    series = read(np.arange(4))
    assert series.values.shape == (4, 1)
    again = read(pickle.loads(pickle.dumps(series)))
    np.testing.assert_array_equal(again.values, series.values)
    again.values[2] = np.inf
    with pytest.raises(InputError, match=r"row 3.*infinite"):
        read(again)


def test_ts_file_gives_its_series_one_by_one(tmp_path: Path):
    path = written(
        tmp_path,
        "@problemName X\n@timeStamps false\n@classLabel true up down\n@data\n1,2,3:4,5,6:up\n7,8:9,?:down\n",
        "X_TRAIN.ts",
    )
    first, second = read_series(path)
    np.testing.assert_array_equal(first.values, [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(second.values, np.array([[7, 9], [8, np.nan]], np.float32))


def test_decimal_commas_marks_and_other_encodings_are_read(tmp_path: Path):
    text = "Datum;Wärme;Preis\n2024-01-01;1,5;1.200,5\n2024-01-02;-;7\n2024-01-03;2;8,25\n"
    with (
        pytest.warns(DataWarning, match=r"table\.csv: reinterpreted: text that is not UTF-8"),
        pytest.warns(DataWarning, match=r"decimal commas in the columns Wärme, Preis"),
        pytest.warns(DataWarning, match=r"points between thousands in the column Preis"),
    ):
        series = read(written(tmp_path, text.encode("cp1252")))
    assert series.channels == ("Wärme", "Preis") and series.times is not None
    np.testing.assert_array_equal(series.values, np.array([[1.5, 1200.5], [np.nan, 7], [2, 8.25]], np.float32))


def test_columns_are_taken_in_the_order_asked_for(tmp_path: Path):
    path = written(tmp_path, "date,a,b,c\n2024-01-01,1,2,x\n2024-01-02,3,4,y\n")
    series = read(path, columns=("b", "a"))
    assert series.channels == ("b", "a") and series.values.tolist() == [[2, 1], [4, 3]]
    with pytest.raises(InputError, match=r"table\.csv has no column 'q'[\s\S]*'a', 'b', 'c'"):
        read(path, columns=("q",))


def test_row_numbers_of_a_data_frame_are_left_out(tmp_path: Path):
    pd.DataFrame({"load": [5, 6]}).to_csv(tmp_path / "s.csv")
    assert read(tmp_path / "s.csv").channels == ("load",)


def test_index_of_dates_is_the_time():
    frame = pd.DataFrame({"load": [1.0, 2]}, index=pd.date_range("2024-01-01", periods=2, freq="h"))
    for source in (frame, frame["load"], frame.reset_index()):
        series = read(source)
        assert series.channels == ("load",)
        assert series.times is not None and series.times.tolist() == [START, START + HOUR]


# columns of time


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Timestamp", ["1704067200", "1704070800", "1704074400"]),
        ("time", ["1704067200000", "1704070800000", "1704074400000"]),
        ("ds", ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", "2024-01-01T02:00:00Z"]),
        ("when", ["2024/1/1 0:00", "2024/1/1 1:00", "2024/1/1 2:00"]),
        ("metric_inputs", ["01.01.2024 00:00:00", "01.01.2024 01:00:00", "01.01.2024 02:00:00"]),
        ("time", ["2024-01-01T01:00:00+01:00", "2024-01-01T02:00:00+01:00", "2024-01-01T04:00:00+02:00"]),
    ],
)
def test_column_of_time_is_found_however_it_is_written(tmp_path: Path, header: str, cells: list[str]):
    series = read(written(tmp_path, table(cells, (7, 8, 9), f"{header},load")))
    assert series.channels == ("load",)
    assert series.times is not None and series.times.tolist() == [START, START + HOUR, START + 2 * HOUR]


def test_dots_are_dates_with_the_day_first(tmp_path: Path):
    cells = [f"{day:02d}.02.2024" for day in range(1, 15)]
    series = read(written(tmp_path, table(cells, range(14))))
    assert series.times is not None
    assert format_times(series.times)[:2] == ["2024-02-01", "2024-02-02"] and len(series) == 14


def test_column_that_only_counts_is_neither_time_nor_channel(tmp_path: Path):
    series = read(written(tmp_path, table([0.0, 0.1, 0.2], (7, 8, 9), "time,load")))
    assert series.channels == ("load",) and series.times is None


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pd.date_range("2024-01-01", periods=3, freq="15min"), ["2024-01-01 00:45:00", "2024-01-01 01:00:00"]),
        (pd.date_range("2023-10-31", periods=4, freq="ME"), ["2024-02-29", "2024-03-31"]),
        (pd.date_range("2023-01-01", periods=5, freq="QS"), ["2024-04-01", "2024-07-01"]),
        (pd.date_range("1700-01-01", periods=300, freq="YS"), ["2000-01-01", "2001-01-01"]),
        (pd.bdate_range("2024-01-01", periods=10), ["2024-01-15", "2024-01-16"]),
        (pd.date_range("2024-01-01", periods=9, freq="W-TUE"), ["2024-03-05", "2024-03-12"]),
    ],
)
def test_times_go_on_at_their_own_step(times: pd.DatetimeIndex, expected: list[str]):
    series = read(pd.DataFrame({"load": np.arange(len(times))}, index=times))
    assert series.times is not None
    following_times = next_times(series.times, 2)
    assert following_times is not None and format_times(following_times) == expected


# rows that are not one step after the other


def test_missing_steps_are_steps_without_a_value(tmp_path: Path):
    path = written(tmp_path, table(hours(0, 1, 4, 5, 6), (0, 1, 4, 5, 6)))
    with pytest.warns(DataWarning, match="2 of 7 steps are missing, and have no value"):
        series = read(path)
    assert flat(series) == [0, 1, None, None, 4, 5, 6]
    assert series.times is not None and (np.diff(series.times) == HOUR).all()
    assert flat(read(path, irregular="ignore")) == [0, 1, 4, 5, 6]
    with pytest.raises(InputError, match=r"table\.csv, row 3: 2024-01-01 04:00:00 is not one step after"):
        read(path, irregular="refuse")


def test_holidays_are_missing_and_weekends_are_not(tmp_path: Path):
    days = [day for day in pd.bdate_range("2024-01-01", periods=10) if day.day != 9]
    with pytest.warns(DataWarning, match="1 of 10 steps are missing"):
        series = read(written(tmp_path, table([day.date() for day in days], range(9))))
    assert flat(series) == [0, 1, 2, 3, 4, 5, None, 6, 7, 8]


def test_unsorted_rows_are_sorted(tmp_path: Path):
    path = written(tmp_path, table(hours(2, 1, 0, 3), (2, 1, 0, 3)))
    with pytest.warns(DataWarning, match="rows that were not in order of their times, sorted"):
        assert flat(read(path)) == [0, 1, 2, 3]
    with pytest.raises(InputError, match="row 2: the time 2024-01-01 01:00:00 does not come after 2024-01-01 02:00:00"):
        read(path, irregular="refuse")


def test_rows_of_one_time_are_averaged(tmp_path: Path):
    path = written(tmp_path, table(hours(0, 1, 1, 2), (0, 1, 3, "")))
    told = "1 of . rows have the time of another, and are averaged with it"
    with pytest.warns(DataWarning, match=told), pytest.raises(InputError, match="no value"):
        read(written(tmp_path, table(hours(0, 0), ("", "")), "none.csv"))
    with pytest.warns(DataWarning, match=told):
        assert flat(read(path)) == [0, 2, None]
    with pytest.raises(InputError, match="row 3: the time"):
        read(path, irregular="refuse")


def test_several_series_in_one_table_are_refused(tmp_path: Path):
    path = written(tmp_path, table(hours(0, 1, 2, 0, 1, 2), range(6)))
    with pytest.raises(InputError, match=r"row 4: the time 2024-01-01 is there already[\s\S]*several series"):
        read(path)


def test_times_without_a_step_and_series_of_gaps_are_refused_with_what_to_do(tmp_path: Path):
    jitter = ["2024-01-01 00:00:00", "2024-01-01 00:10:03", "2024-01-01 00:20:01", "2024-01-01 00:30:07"]
    with pytest.raises(InputError, match=r"no regular step[\s\S]*irregular=ignore"):
        read(written(tmp_path, table(jitter, range(4))))
    with pytest.raises(InputError, match="are missing"):
        read(written(tmp_path, table([*hours(0, 1, 2), "2026-01-01 00:00"], range(4))))
    assert len(read(written(tmp_path, table(jitter, range(4))), irregular="ignore")) == 4


def test_counting_that_goes_back_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="row 3: the time 1 does not come after 2"):
        read(written(tmp_path, table([0, 2, 1], range(3), "time,load")))


# text and damage


def test_text_among_numbers_is_told_with_its_row(tmp_path: Path):
    path = written(tmp_path, table(hours(0, 1, 2), (1, "broken", 3)))
    for text in ("refuse", "ignore"):
        with pytest.raises(InputError, match=r"table\.csv, row 2: column 'load' holds 'broken'"):
            read(path, text=text)


def test_column_of_text_is_left_out_when_asked(tmp_path: Path):
    path = written(tmp_path, "date,load,sky\n2024-01-01,1,grey\n2024-01-02,2,blue\n")
    with pytest.raises(InputError, match=r"'sky' holds 'grey'[\s\S]*text=ignore"):
        read(path)
    assert read(path, text="ignore").channels == ("load",)


@pytest.mark.parametrize("token", ["", "NA", "NaN", "?", "null"])
def test_token_for_a_missing_value_is_missing(tmp_path: Path, token: str):
    assert flat(read(written(tmp_path, table(hours(0, 1), (1, token))))) == [1, None]


def npy_header(shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    npy.write_array_header_1_0(content, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return content.getvalue()


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", "<xml/>")
    return content.getvalue()


NOISE = np.random.default_rng(0).bytes(2000)
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty.csv": (b"", "is empty"),
    "blank.csv": ("\n \n", "no rows"),
    "header.csv": ("date,load\n", "a header but no rows"),
    "dates.csv": (table(hours(0, 1, 2), ("", "", "")).replace(",", "").replace("load", ""), "no column of numbers"),
    "noise.csv": (NOISE, "not UTF-8"),
    "zeros.csv": (b"a,b\n1,\x00\n", "zero bytes"),
    "ragged.csv": ("a,b\n1,2\n1,2,3\n", "cannot be read"),
    "long.csv": ("a,b\n1,2,3\n4,5,6\n", "cannot be read"),
    "nan.csv": (table(hours(0, 1), ("", "")), "'load' has no value in any of 2 steps"),
    "inf.csv": (table(hours(0, 1), (1, "-inf")), "row 2: channel 'load' is infinite"),
    "large.csv": (table(hours(0, 1), (1, "1e300")), "row 2: channel 'load' is infinite"),
    "date.csv": (table([*hours(0, 1), "soon"], (1, 2, 3)), "row 3: 'soon' is no date"),
    "renamed.csv": ("@problemName X\n@data\n1,2:up\n", r"\.ts or \.arff"),
    "cut.txt.gz": (gzip.compress(NOISE.hex().encode())[:1000], "truncated"),
    "noise.txt.gz": (b"\x1f\x8b" + NOISE, "cannot be read"),
    "noise.parquet": (b"PAR1" + NOISE, "cannot be read"),
    "noise.npz": (b"PK\x03\x04" + NOISE, "cannot be read"),
    "table.xlsx": (workbook(), "workbook of Excel"),
    "noise.npy": (b"\x93NUMPY" + NOISE, "cannot be read"),
    "huge.npy": (npy_header((1 << 40,)), "more than"),
    "cut.npy": (npy_header((1000, 2)) + bytes(100), "cannot be read"),
    "cube.npy": (npy_header((2, 2, 2)) + bytes(64), "3 axes"),
    "none.npy": (npy_header((0, 3)), "no values"),
    "noise.ts": (NOISE, "no series"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused_with_its_name_and_a_fix(tmp_path: Path, name: str):
    content, message = BROKEN[name]
    path = written(tmp_path, content, name)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert name in caught.value.problem and caught.value.fix


def test_pickled_and_textual_arrays_are_refused(tmp_path: Path):
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "t.npz", values=np.array(["a", "b"]))
    for name in ("o.npy", "t.npz"):
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)


def test_gzip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 1 << 20)
    path = written(tmp_path, gzip.compress(b"1,2\n" * (1 << 20)), "bomb.txt.gz")
    with pytest.raises(InputError, match=r"bomb\.txt\.gz holds more than 1 MiB"):
        read(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("source", [3, None, object(), {"a": [1, 2]}, b"", np.zeros((2, 2, 2)), np.zeros((0, 2)), 1j])
def test_object_that_is_no_series_is_refused(source: object):
    with pytest.raises(InputError):
        read(source)


def test_a_small_file_takes_little_memory(tmp_path):
    tracemalloc.start()
    try:
        read(written(tmp_path, table(hours(0, 1, 2, 3), (1, 2, 3, 4))))
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
