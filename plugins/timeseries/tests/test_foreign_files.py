"""Series as other people's programs write them; the oracle is pandas, or what the file was written from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mt_core.errors import DataWarning, InputError
from mt_plugin_timeseries.reading import read_groups, read_series

foreign_file = pytest.mark.foreign_file

HOURS = pd.date_range("2010-01-01", periods=100, freq="h")
MONTHS = pd.date_range("1958-03-01", periods=60, freq="MS")
LOAD = np.arange(100) % 11 + 0.5
"""One value an hour."""


def table(header: str, row: Any, times: Any = HOURS) -> str:
    """A line for each time, by a function of its number and the time."""
    return header + "".join(f"{row(number, time)}\n" for number, time in enumerate(times))


def load(number: int) -> str:
    return f"{LOAD[number % 100]:g}"


def micros(times: Any) -> list[int]:
    return np.asarray(times).astype("M8[us]").astype(np.int64).tolist()


READ = [
    pytest.param(
        table("Date;Time;load\n", lambda n, t: f"{t.day}/{t.month}/{t.year};{t:%H:%M:%S};{load(n)}"), None,
        marks=foreign_file("date and time in columns of their own, few days", "UCI household power", "read"),
    ),
    pytest.param(
        table("No,year,month,day,hour,load\n", lambda n, t: f"{n + 1},{t.year},{t.month},{t.day},{t.hour},{load(n)}"),
        None,
        marks=foreign_file("year, month, day, hour, and a number of the row", "UCI Beijing PM2.5", "read: one channel"),
    ),
    pytest.param(
        table("Date;Time;load;;\n", lambda n, t: f"{t:%d/%m/%Y};{t:%H.%M.%S};{load(n).replace('.', ',')};;")
        + ";;;;\n" * 9,
        "decimal commas in the column load",
        marks=foreign_file("18.00.00, decimal commas, empty columns and rows", "UCI Air Quality", "read, told"),
    ),
    pytest.param(
        table("date,hour,load\n", lambda n, t: f"{t:%Y%m%d},{t.hour},{load(n)}"), None,
        marks=foreign_file("20100101 and a column of hours", "electricity markets", "read"),
    ),
    pytest.param(
        table("#YY  MM DD hh mm load\n#yr  mo dy hr mn degC\n", lambda n, t: f"{t:%Y %m %d %H %M}  {load(n)}"), None,
        marks=foreign_file("names and units in comments, blanks between", "NOAA buoys", "read"),
    ),
    pytest.param(
        table('"TOA5","CR1000","123"\n"TIMESTAMP","RECORD","load"\n"TS","RN","Volts"\n"","","Avg"\n',
              lambda n, t: f'"{t}",{n},{load(n)}'),
        "1 lines above the table",
        marks=foreign_file("four rows above the data, a counter", "Campbell loggers, TOA5", "read, told"),
    ),
    pytest.param(
        table("Data Source,World\nLast Updated,2020-01-01\n\ndate,load\n", lambda n, t: f"{t},{load(n)}"),
        "2 lines above the table",
        marks=foreign_file("key and value above the names", "World Bank", "read, told"),
    ),
    pytest.param(
        table("Datum;load\n", lambda n, t: f"{t:%d.%m.%Y %H:%M};{load(n).replace('.', ',')}"),
        "decimal commas in the column load",
        marks=foreign_file("01.02.2010 and decimal commas", "German exports", "read, told"),
    ),
    pytest.param(
        table("Unnamed: 0,date,load\n", lambda n, t: f"{n},{t},{load(n)}"), None,
        marks=foreign_file("the index of a data frame", "pandas, to_csv", "read: no channel"),
    ),
    pytest.param(
        table("datetime,year,month,day,hour,load\n", lambda n, t: f"{t},{t.year},{t.month},{t.day},{t.hour},{load(n)}"),
        "columns that repeat parts of the time",
        marks=foreign_file("a date, and its parts as columns", "Kaggle", "read, told"),
    ),
    pytest.param(
        table("", lambda n, t: f"{t:%d/%m/%Y}  {t:%H:%M:%S} {load(n)}"), None,
        marks=foreign_file("date and time between blanks, no names", "instruments, Fortran", "read"),
    ),
    pytest.param(
        table("unix,date,load\n", lambda n, t: f"{int(t.timestamp())},{t},{load(n)}"),
        "a column that repeats the time",
        marks=foreign_file("the time twice", "crypto exchanges", "read, told"),
    ),
    pytest.param(
        table("date,load\n", lambda n, t: f"{40_179 + n / 24:.9f},{load(n)}"), "a time in days",
        marks=foreign_file("dates as numbers of days", "Excel", "read, told"),
    ),
    pytest.param(
        table("timestamp,load\n", lambda n, t: f"{int(t.timestamp() * 1000)},{load(n)}"), None,
        marks=foreign_file("milliseconds since 1970", "web services", "read"),
    ),
    pytest.param(
        table("time,load\nUTC,MW\n", lambda n, t: f"{t},{load(n)}"), None,
        marks=foreign_file("units below the names", "ERA5, Open-Meteo", "read"),
    ),
    pytest.param(
        table("Time (UTC), load\n", lambda n, t: f"{t:%m/%d/%Y %I:%M:%S %p}, {load(n)}"), None,
        marks=foreign_file("AM and PM, days that may be months, blanks behind commas", "US loggers", "read"),
    ),
    pytest.param(
        table("date,load\n", lambda n, t: f"{t},{load(n)}", HOURS[::-1]).replace("\n", "\n"), "sorted",
        marks=foreign_file("the newest first", "finance, web tables", "read, told: sorted"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), READ)
def test_series_of_others_have_the_times_and_values_that_they_were_written_with(
    tmp_path: Path, text: str, told: str | None
) -> None:
    (tmp_path / "load.csv").write_text(text)
    if told is None:
        (series,) = read_series(tmp_path / "load.csv")
    else:
        with pytest.warns(DataWarning, match=told):
            (series,) = read_series(tmp_path / "load.csv")
    assert series.channels in (("load",), ("channel_1",)) and series.times is not None
    assert series.times.tolist() == micros(HOURS)
    wanted = LOAD[::-1] if told == "sorted" else LOAD
    assert np.array_equal(series.values[:, 0], wanted.astype(np.float32))


@foreign_file("? for a missing value, day first", "UCI household power", "read: missing")
def test_household_power_as_it_is_published() -> None:
    times = pd.date_range("2006-12-16 17:24", periods=600, freq="min")
    text = table(
        "Date;Time;Global_active_power;Voltage\n",
        lambda n, t: f"{t.day}/{t.month}/{t.year};{t:%H:%M:%S};{'?' if n == 7 else f'{n % 9}.5'};234.{n % 7}",
        times,
    )
    (series,) = read_series(text.encode())
    assert series.channels == ("Global_active_power", "Voltage") and series.times is not None
    assert series.times.tolist() == micros(times) and np.isnan(series.values[7, 0])
    assert np.allclose(series.values[:, 1], [234 + n % 7 / 10 for n in range(600)])


@foreign_file("an hour twice in autumn", "local times with daylight saving", "read, told: one clock")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney"])
def test_hours_that_are_there_twice_or_not_at_all(zone: str) -> None:
    true = pd.date_range("2023-01-01", periods=8760, freq="h", tz="UTC")
    local = true.tz_convert(zone).tz_localize(None)
    text = table("date,load\n", lambda n, t: f"{t},{n % 11}", local)
    with pytest.warns(DataWarning, match="local times with daylight saving"):
        (series,) = read_series(text.encode())
    assert series.times is not None and set(np.diff(series.times)) == {3_600_000_000}
    assert series.values[:, 0].tolist() == [n % 11 for n in range(8760)]


@foreign_file("offsets that change with daylight saving", "pandas, to_csv of aware times", "read: in UTC")
def test_times_with_changing_offsets_are_in_utc() -> None:
    true = pd.date_range("2023-10-28", periods=60, freq="h", tz="Europe/Berlin")
    text = table("date,load\n", lambda n, t: f"{t.isoformat()},{n % 11}", true)
    (series,) = read_series(text.encode())
    assert series.times is not None
    assert series.times.tolist() == micros(true.tz_convert("UTC").tz_localize(None))


@foreign_file("-9999 among the values", "weather stations, FLUXNET", "read, told: missing")
def test_mark_far_beyond_all_values_is_missing() -> None:
    text = table("date,load\n", lambda n, t: f"{t},{-9999 if n in (5, 50) else load(n)}")
    with pytest.warns(DataWarning, match="-9999 taken for a missing value"):
        (series,) = read_series(text.encode())
    oracle = pd.Series(LOAD).mask(np.isin(np.arange(100), (5, 50))).to_numpy(np.float32)
    np.testing.assert_array_equal(series.values[:, 0], oracle)


def with_marks(mark: str, values: Any, rows: tuple[int, ...]) -> bytes:
    cells = [mark if number in rows else f"{value:g}" for number, value in enumerate(values)]
    return table("date,v\n", lambda n, t: f"{t},{cells[n]}").encode()


@pytest.mark.parametrize(
    ("mark", "values"),
    [
        pytest.param("-99.99", 315 + np.arange(100.0),
                     marks=foreign_file("-99.99 among the values", "NOAA Mauna Loa", "read, told: missing")),
        pytest.param("-9.99", np.arange(100) % 7 / 10,
                     marks=foreign_file("-9.99 among the values", "NOAA, uncertainties", "read, told: missing")),
        pytest.param("-99.0", np.arange(100) % 5 / 10,
                     marks=foreign_file("-99.0 among the values", "USCRN, soil moisture", "read, told: missing")),
    ],
)  # fmt: skip
def test_small_marks_that_are_repeated_far_from_all_values_are_missing(mark: str, values: Any) -> None:
    with pytest.warns(DataWarning, match=f"{float(mark):g} taken for a missing value"):
        (series,) = read_series(with_marks(mark, values, (5, 50)))
    oracle = pd.Series(values).mask(np.isin(np.arange(100), (5, 50))).to_numpy(np.float32)
    np.testing.assert_array_equal(series.values[:, 0], oracle)


@pytest.mark.parametrize(("values", "rows"), [(np.arange(100) % 60 - 20.0, (5, 50)), (LOAD, (5,))])
def test_small_marks_of_which_it_is_not_clear_are_values_and_told(values: Any, rows: tuple[int, ...]) -> None:
    with pytest.warns(DataWarning, match=r"-99\.9 in v, apart from all others, taken for a value"):
        (series,) = read_series(with_marks("-99.9", values, rows))
    assert np.flatnonzero(series.values[:, 0] == np.float32(-99.9)).tolist() == list(rows)


def test_small_marks_in_a_column_that_goes_there_are_values() -> None:
    (series,) = read_series(with_marks("-9.99", np.arange(100) / 5 - 9.8, (5, 50)))
    assert np.isfinite(series.values).all()


@foreign_file("start and rate above one column", "wrist sensor, TEMP.csv", "read, told: times of 4 Hz")
def test_start_and_rate_of_a_wristband_give_the_times() -> None:
    text = "1544027337.00\n4.000000\n" + "".join(f"{value:.2f}\n" for value in LOAD)
    with pytest.warns(DataWarning, match="the first row taken for the start time and the second for the rate"):
        (series,) = read_series(text.encode())
    wanted = pd.date_range(pd.Timestamp(1544027337, unit="s"), periods=100, freq="250ms")
    assert series.times is not None and series.times.tolist() == micros(wanted)
    assert np.array_equal(series.values[:, 0], LOAD.astype(np.float32))


@pytest.mark.parametrize(
    ("cells", "first", "last"),
    [
        pytest.param([f"{2000 + n // 4}Q{n % 4 + 1}" for n in range(30)], "2000-01-01", "2007-04-01",
                     marks=foreign_file("2000Q1", "Eurostat, FRED", "read: quarters")),
        pytest.param([f"{2000 + n // 12}{n % 12 + 1:02d}" for n in range(30)], "2000-01-01", "2002-06-01",
                     marks=foreign_file("200001", "climate indices", "read: months")),
        pytest.param([f"{t:%d-%b-%y}" for t in pd.date_range("2020-01-30", periods=30)], "2020-01-30", "2020-02-28",
                     marks=foreign_file("30-Jan-20", "Oracle, stock quotes", "read: days")),
        pytest.param([f"{t:%d/%m/%Y}" for t in pd.date_range("2020-01-01", periods=30)], "2020-01-01", "2020-01-30",
                     marks=foreign_file("01/01/2020, 02/01/2020, … 30/01/2020", "British exports", "read: days")),
        pytest.param([f"{t:%Y-%m-%d} 0:00" for t in pd.date_range("2020-01-01", periods=30)], "2020-01-01",
                     "2020-01-30",
                     marks=foreign_file("2020-01-01 0:00", "Excel", "read: days")),
    ],
)  # fmt: skip
def test_dates_of_statistics_offices_and_programs(cells: list[str], first: str, last: str) -> None:
    text = "date,load\n" + "".join(f"{cell},{number % 7}\n" for number, cell in enumerate(cells))
    (series,) = read_series(text.encode())
    assert series.times is not None and series.channels == ("load",)
    assert series.times[[0, -1]].tolist() == micros(pd.to_datetime([first, last]))


@foreign_file("01/01/2020 to 10/01/2020: days or months", "exports without a country", "read, told: month first")
def test_dates_that_may_be_either_are_told() -> None:
    text = table("date,load\n", lambda n, t: f"{t:%m/%d/%Y},{n}", pd.date_range("2020-01-01", periods=10))
    with pytest.warns(DataWarning, match="dates like 1/2/2024 taken for the second of January"):
        (series,) = read_series(text.encode())
    assert len(series) == 10


@pytest.mark.parametrize(
    ("header", "cell", "expected"),
    [
        pytest.param(
            "TIME_PERIOD", lambda n: f"{2000 + n // 12}M{n % 12 + 1:02d}",
            pd.date_range("2000-01-01", periods=100, freq="MS"),
            marks=foreign_file("2000M01", "World Bank, Eurostat", "read: months"),
        ),
        pytest.param(
            "quarter", lambda n: f"{2000 + n // 4}-Q{n % 4 + 1}", pd.date_range("2000-01-01", periods=100, freq="QS"),
            marks=foreign_file("2000-Q1 in a column called quarter", "OECD, ECB", "read: quarters"),
        ),
        pytest.param(
            "week", lambda n: f"2020-W{n + 1:02d}", pd.date_range("2019-12-30", periods=52, freq="7D"),
            marks=foreign_file("2020-W01 in a column called week", "health offices", "read: weeks"),
        ),
    ],
)  # fmt: skip
def test_periods_are_times_whatever_their_column_is_called(
    tmp_path: Path, header: str, cell: Any, expected: Any
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(f"{header},load\n", lambda n, t: f"{cell(n)},{load(n)}", expected))
    (series,) = read_series(path)
    assert series.channels == ("load",) and series.times is not None
    assert series.times.tolist() == micros(expected)


@pytest.mark.parametrize("header", ["minutes", "t", "elapsed_s", "Step"])
@foreign_file("minutes that count from 0, in the first column", "instruments, simulations", "read, told: no channel")
def test_a_first_column_that_counts_the_time_is_no_channel(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(f"{header},load\n", lambda n, t: f"{5 * n},{load(n)}"))
    with pytest.warns(DataWarning, match=f"the first column, {header}, which counts the time"):
        (series,) = read_series(path)
    assert series.channels == ("load",)


@foreign_file("a .tsf file", "Monash archive", "refused: says what it is")
def test_files_of_the_monash_archive_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tsf"
    path.write_text("@relation a\n@attribute series_name string\n@frequency hourly\n@data\nT1:1,2,3\n")
    with pytest.raises(InputError, match=r"a \.tsf file of the Monash archive"):
        list(read_series(path))


@foreign_file("3.018,90 in the only column beside the date", "SMARD, German exports", "read, told: exact values")
def test_thousands_and_decimals_in_the_only_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table("Datum;Wert\n", lambda n, t: f"{t:%d.%m.%Y %H:%M};{n % 7 + 1}.018,9{n % 10}"))
    with (
        pytest.warns(DataWarning, match="points between thousands in the column Wert"),
        pytest.warns(DataWarning, match="decimal commas in the column Wert"),
    ):
        (series,) = read_series(path)
    expected = [(n % 7 + 1) * 1000 + 18.9 + n % 10 / 100 for n in range(100)]
    assert series.channels == ("Wert",) and series.values[:, 0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    "header",
    ["", pytest.param("Wert\n", marks=foreign_file("one column of decimal commas", "German exports", "read, told"))],
)
def test_one_column_of_decimal_commas_is_one_channel(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(header + "".join(f"{n % 7},{n % 10}5\n" for n in range(100)))
    with pytest.warns(DataWarning, match="decimal commas"):
        (series,) = read_series(path)
    assert series.values[:, 0].tolist() == pytest.approx([n % 7 + n % 10 / 10 + 0.05 for n in range(100)])


@foreign_file("1.100 beside 0,5", "German exports", "read, told: a thousand")
def test_points_are_thousands_where_commas_are_decimals() -> None:
    text = table("Datum;a;b\n", lambda n, t: f"{t:%d.%m.%Y %H:%M};0,{n % 7}5;1.{n % 9}00")
    with (
        pytest.warns(DataWarning, match="decimal commas in the column a"),
        pytest.warns(DataWarning, match="points between thousands in the column b"),
    ):
        (series,) = read_series(text.encode())
    assert np.allclose(series.values[:, 1], [1000 + 100 * (n % 9) for n in range(100)])
    assert np.allclose(series.values[:, 0], [n % 7 / 10 + 0.05 for n in range(100)])


REFUSED = [
    pytest.param(
        f"Lat,{','.join(f'{t:%Y-%m-%d}' for t in HOURS[::24])}\n" + "".join(f"{n}.5,1,2,3,4,5\n" for n in range(9)),
        "called by dates, 2010-01-01 to 2010-01-05: each row is a series",
        marks=foreign_file("a column for each day", "case counts of the pandemic", "refused: to be transposed"),
    ),
    pytest.param(
        "".join(f"{t:%Y-%m-%d},{store},{store + n}\n" for n, t in enumerate(HOURS[:10]) for store in range(50)),
        "the time 2010-01-01 is there already, and so for",
        marks=foreign_file("a row for each shop and day", "retail panels", "refused: several series"),
    ),
    pytest.param(
        table("date,load\n", lambda n, t: f"{t},{load(n)}") + "Source: Ministry\n",
        "row 101: 'Source: Ministry' is no date",
        marks=foreign_file("a source below the rows", "statistics offices", "refused: names the row"),
    ),
    pytest.param(
        table("date,load\n", lambda n, t: f"{t},{'n/a (storm)' if n == 9 else load(n)}"),
        r"row 10: column 'load' holds 'n/a \(storm\)', which is no number",
        marks=foreign_file("a remark instead of a value", "by hand", "refused: names the row"),
    ),
    pytest.param(
        table("date,load\n", lambda n, t: f"{t + pd.Timedelta(seconds=n * n % 41)},{load(n)}"),
        "the times have no regular step",
        marks=foreign_file("times that jitter by seconds", "loggers", "refused: names a row"),
    ),
    pytest.param(
        table("year,month,load\n", lambda n, t: f"2010,{n + 1},{load(n)}", HOURS[:13]), "row 13: 13 is no month",
        marks=foreign_file("thirteen months", "by hand", "refused: names the row"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_series_is_refused_by_the_row(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "load.csv").write_text(text)
    with pytest.raises(InputError, match=rf"load\.csv.*{message}") as refused:
        next(read_series(tmp_path / "load.csv"))
    assert refused.value.fix


@foreign_file("two files of one stem", "exchange_rate.csv beside exchange_rate.txt.gz", "refused: asks which")
def test_stem_that_two_tables_share_is_asked_about(tmp_path: Path) -> None:
    from mt_core.errors import DatasetError
    from mt_plugin_timeseries.layouts import find_table

    for name in ("exchange_rate.csv", "exchange_rate.txt.gz", "traffic.csv"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=r"2 tables called 'exchange_rate'[\s\S]*file=exchange_rate\.csv"):
        find_table(tmp_path, "exchange_rate")
    assert find_table(tmp_path, "exchange_rate.csv") == tmp_path / "exchange_rate.csv"
    assert find_table(tmp_path, "traffic") == tmp_path / "traffic.csv"


@foreign_file("times as one number, 2024022913", "weather services", "read, told: hourly times")
def test_date_and_hour_as_one_number_are_the_time(tmp_path):
    hours = pd.date_range("2020-01-01", periods=96, freq="h")
    rows = [f"{at:%Y%m%d%H},{value}" for value, at in enumerate(hours)]
    (tmp_path / "h.csv").write_text("d,v\n" + "\n".join(rows) + "\n")
    with pytest.warns(DataWarning, match="the first column, d, taken for the time"):
        (series,) = read_series(tmp_path / "h.csv")
    assert series.channels == ("v",) and series.values[:, 0].tolist() == list(range(96))
    assert series.times.tolist() == micros(hours)


@foreign_file("days since the year 0, in a column called t", "MATLAB", "read, told")
def test_a_first_column_that_rises_evenly_is_the_time(tmp_path):
    rows = [f"{737791 + hour / 24:.8f},{hour}" for hour in range(96)]
    (tmp_path / "dn.csv").write_text("t,v\n" + "\n".join(rows) + "\n")
    with pytest.warns(DataWarning):
        (series,) = read_series(tmp_path / "dn.csv")
    assert series.channels == ("v",) and set(np.diff(series.times)) == {3_600_000_000}


@foreign_file("1e20 for what was not measured", "netCDF, climate models", "read, told: missing")
def test_the_fill_value_of_netcdf_is_missing(tmp_path):
    days = pd.date_range("2020-01-01", periods=60)
    rows = [f"{day:%Y-%m-%d},{'1e20' if number == 5 else number}" for number, day in enumerate(days)]
    (tmp_path / "f.csv").write_text("date,v\n" + "\n".join(rows) + "\n")
    with pytest.warns(DataWarning, match=r"1e\+20 taken for a missing value"):
        (series,) = read_series(tmp_path / "f.csv")
    assert np.nanmax(series.values) == 59


@foreign_file("further arrays beside the series", "scripts, .npz", "read, told: which are left out")
def test_arrays_beside_the_series_are_told(tmp_path: Path):
    np.savez(tmp_path / "a.npz", series=LOAD, dates=np.arange(100))
    with pytest.warns(DataWarning, match="left out: the arrays dates"):
        (series,) = read_series(tmp_path / "a.npz")
    assert np.array_equal(series.values[:, 0], LOAD)


def decimal_years(times: Any) -> list[str]:
    return [f"{t.year + (t.day_of_year - 1) / (366 if t.is_leap_year else 365):.4f}" for t in times]


@pytest.mark.parametrize(
    ("header", "times", "wanted"),
    [
        pytest.param("decimal date", MONTHS + pd.Timedelta(days=14), MONTHS,
                     marks=foreign_file("1958.2027, 1958.2877: middles of months", "NOAA Mauna Loa",
                                        "read, told: months")),
        pytest.param("Time", MONTHS + pd.Timedelta(days=15), MONTHS,
                     marks=foreign_file("1880.0417 in a column called Time", "CSIRO sea level", "read, told: months")),
        ("decimal_year", MONTHS, MONTHS),
        ("decimal_year", MONTHS + pd.offsets.MonthEnd(), MONTHS),
        pytest.param("year", HOURS[::24], HOURS[::24],
                     marks=foreign_file("2010.0000, 2010.0027, 2010.0055: days", "GNSS stations", "read, told: days")),
    ],
)  # fmt: skip
def test_decimal_years_are_times(header: str, times: Any, wanted: Any) -> None:
    rows = [f"{year},{300 + number % 7}" for number, year in enumerate(decimal_years(times))]
    with pytest.warns(DataWarning, match="a time in decimal years"):
        (series,) = read_series("\n".join([f"{header},co2", *rows]).encode())
    assert series.channels == ("co2",) and series.times is not None and series.times.tolist() == micros(wanted)


def test_decimal_years_of_several_series_and_from_the_newest_on_are_times(tmp_path: Path) -> None:
    rows = [f"{place},{year},{at}" for place in "ab" for at, year in enumerate(decimal_years(MONTHS)[::-1])]
    (tmp_path / "co2.csv").write_text("\n".join(["site,decimal date,co2", *rows]))
    with pytest.warns(DataWarning):
        groups = read_groups(tmp_path / "co2.csv", "site")
    for _, series in groups:
        assert series.times is not None and series.times.tolist() == micros(MONTHS)
        assert series.values[:, 0].tolist() == list(range(len(MONTHS)))[::-1]


@foreign_file("year, month and decimal date", "NOAA Mauna Loa", "read, told: one channel")
def test_a_decimal_year_beside_a_date_is_no_channel() -> None:
    years = decimal_years(MONTHS)
    text = table("year,month,decimal date,co2\n", lambda n, t: f"{t.year},{t.month},{years[n]},{load(n)}", MONTHS)
    with pytest.warns(DataWarning, match="a column that repeats the time"):
        (series,) = read_series(text.encode())
    assert series.channels == ("co2",) and series.times is not None and series.times.tolist() == micros(MONTHS)


def test_decimal_years_under_another_name_are_a_channel_and_told() -> None:
    rows = [f"{year},{300 + number % 7}" for number, year in enumerate(decimal_years(MONTHS))]
    with pytest.warns(DataWarning, match="rises as decimal years do: call it decimal date"):
        (series,) = read_series("\n".join(["when,co2", *rows]).encode())
    assert series.channels == ("when", "co2")


def test_hours_from_a_number_that_may_be_a_year_are_no_years() -> None:
    text = "time,v\n" + "".join(f"{1600 + number / 2},{number % 7}\n" for number in range(60))
    (series,) = read_series(text.encode())
    assert series.channels == ("v",) and series.times is None


ZONED = pd.date_range("2024-03-30 12:00", periods=48, freq="h", tz="UTC")  # the night in which summer time begins


@pytest.mark.parametrize(
    "zone",
    [
        pytest.param("Europe/Berlin",
                     marks=foreign_file("2024-03-31 03:00:00 CEST", "R, PostgreSQL", "read: UTC")),
        "America/New_York",
    ],
)  # fmt: skip
def test_names_of_time_zones_that_mean_one_are_read(zone: str) -> None:
    local = ZONED.tz_convert(zone)
    text = table("time,v\n", lambda n, t: f"{t:%Y-%m-%d %H:%M:%S %Z},{load(n)}", local)
    (series,) = read_series(text.encode())
    assert series.times is not None and series.times.tolist() == micros(ZONED.tz_localize(None))


@foreign_file("2024-01-01 00:00:00 CST: Chicago, Shanghai or Havana", "logs", "refused: names the zone")
@pytest.mark.parametrize("zone", ["CST", "IST", "XYZT"])
@pytest.mark.parametrize("text", ["refuse", "ignore"])
def test_a_time_zone_of_several_meanings_is_the_cause_that_is_named(zone: str, text: Any) -> None:
    rows = table("time,v\n", lambda n, t: f"{t:%Y-%m-%d %H:%M:%S} {zone},{load(n)}")
    with pytest.raises(InputError, match=f"times in the zone {zone}, which is not known or has several meanings"):
        list(read_series(rows.encode(), text=text))


@foreign_file("10.0* in the first row", "statistics offices, stations", "refused: names row and column")
def test_a_number_with_a_mark_in_the_first_row_is_named() -> None:
    text = table("time,v,w\n", lambda n, t: f"{t},{10 + n}.0{'*' if n == 0 else ''},{load(n)}")
    with pytest.raises(InputError, match=r"row 1: column 'v' holds '10\.0\*', which is no number"):
        list(read_series(text.encode()))


@foreign_file("bars between the cells", "databases", "read")
def test_bars_separate_cells() -> None:
    (series,) = read_series(table("time|temp|hum\n", lambda n, t: f"{t}|{load(n)}|{n}").encode())
    assert series.channels == ("temp", "hum") and series.times is not None and series.times.tolist() == micros(HOURS)
    assert np.array_equal(series.values[:, 0], LOAD.astype(np.float32))
