"""When rows were recorded: several columns together, times of the day, coarse stamps, daylight saving."""

import numpy as np
import pytest

from mt_core.errors import InputError
from mt_core.sdk import (
    find_clock,
    is_row_number,
    rows_per_stamp,
    spread_stamps,
    times_of_parts,
    times_of_texts,
    without_daylight_saving,
)

SECOND = 1_000_000


def where(row: int) -> str:
    return f"row {row + 1}"


def micros(*moments: str) -> list[int]:
    return np.array(moments, dtype="M8[us]").astype(np.int64).tolist()


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("Date;Time;P", ("date", "time")),
        ("No;year;month;day;hour;T", ("year", "month", "day", "hour")),
        ("YY;MM;DD;hh;mm;WDIR", ("year", "month", "day", "hour", "minute")),
        ("year;doy;T", ("year", "day of year")),
        ("year;value", None), ("time;x", None), ("x;y;s", None),
    ],
)  # fmt: skip
def test_columns_that_tell_the_time_together_are_found_by_name(header: str, parts: tuple[str, ...] | None) -> None:
    clock = find_clock(header.split(";"))
    assert (clock and clock.parts) == parts


def test_date_and_time_of_day_are_one_time() -> None:
    clock = find_clock(["Date", "Time"])
    assert clock is not None
    times = times_of_parts(clock, [["16/12/2006", "17/12/2006"], ["17:24:00", "0:00:30.5"]], "a.csv", where)
    assert times.tolist() == micros("2006-12-16T17:24:00", "2006-12-17T00:00:30.5")


def test_parts_of_a_date_are_one_time_and_wrong_ones_refused() -> None:
    clock = find_clock(["year", "month", "day", "hour"])
    assert clock is not None
    columns = [np.array(column, dtype=float) for column in ([2010, 2010], [1, 12], [2, 31], [0, 24])]
    assert times_of_parts(clock, columns, "a.csv", where).tolist() == micros("2010-01-02", "2011-01-01")
    columns[1][1] = 13
    with pytest.raises(InputError, match=r"a.csv, row 2: 13 is no month"):
        times_of_parts(clock, columns, "a.csv", where)


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["0:00.000", "1:05.250"], [0, 65.25]), (["23:59:59.5", "00:00:00"], [86399.5, 86400]),
        (["10:00:00:250", "10:00:01:000"], [36000.25, 36001]), (["12:00:00 AM", "1:00:00 PM"], [0, 46800]),
        (["100:00:00", "101:00:00"], [360000, 363600]), (["10:00:00,5", "10:00:01,0"], [36000.5, 36001]),
    ],
)  # fmt: skip
def test_times_of_the_day(texts: list[str], seconds: list[float]) -> None:
    times, is_dated = times_of_texts(texts, "the time", "a.csv", where)
    assert (times / SECOND).tolist() == seconds and not is_dated


def test_a_cell_that_is_no_time_is_named() -> None:
    with pytest.raises(InputError, match=r"a.csv, row 3: 'later' in the time is no time like the others"):
        times_of_texts(["10:00:00", "10:00:01", "later"], "the time", "a.csv", where)


def test_rows_of_whole_seconds_are_spread_also_where_the_ends_are_cut() -> None:
    true = np.arange(1600) / 50 + 0.24
    stamps = np.floor(true)
    assert rows_per_stamp(stamps) == 50
    assert np.allclose(spread_stamps(stamps, 50), true - true[0] + spread_stamps(stamps, 50)[0])


@pytest.mark.parametrize("stamps", [[0, 1, 2, 3], [0, 0, 1, 2, 3], [0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 3, 4], [5, 5, 5]])
def test_stamps_without_a_regular_number_of_rows_are_left_alone(stamps: list[float]) -> None:
    assert rows_per_stamp(np.array(stamps, dtype=float)) == 1


def test_hours_that_daylight_saving_skips_and_repeats_are_undone() -> None:
    pandas = pytest.importorskip("pandas")
    true = pandas.date_range("2023-01-01", "2024-01-01", freq="15min", tz="UTC", inclusive="left")
    local = true.tz_convert("Europe/Berlin").tz_localize(None)
    times = local.to_numpy().astype("M8[us]").astype(np.int64)
    undone = without_daylight_saving(times)
    assert undone is not None
    winter = true.tz_convert("Etc/GMT-1").tz_localize(None)
    assert undone.tolist() == winter.to_numpy().astype("M8[us]").astype(np.int64).tolist()
    utc = true.tz_localize(None).to_numpy().astype("M8[us]").astype(np.int64)
    assert without_daylight_saving(utc) is None
    assert without_daylight_saving(np.delete(utc, [500])) is None


def test_only_columns_that_count_are_row_numbers() -> None:
    assert is_row_number("No", np.arange(3.0)) and is_row_number("Unnamed: 0", np.arange(5.0, 9))
    assert not is_row_number("No", np.array([1.0, 3, 2])) and not is_row_number("load", np.arange(3.0))
