"""Dates as other people's programs write them, against pandas when it is told the format."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mt_core.contract import Example
from mt_core.errors import DataWarning
from mt_plugin_tabular.options import TabularOptions
from mt_plugin_tabular.reading import read_rows
from mt_plugin_tabular.tokenizer import TabularTokenizer

foreign = pytest.mark.foreign_file


def days(cells: list[str], **options: Any) -> list[float]:
    """What the column `c` comes to; NaN where a cell is missing."""
    lines = "\n".join(["c;other", *(f"{cell};{row % 2}" for row, cell in enumerate(cells))])
    rows = list(read_rows(lines.encode()))
    tokenizer = TabularTokenizer(4, TabularOptions(**options))
    tokenizer.calibrate(Example(row) for row in rows)
    column = tokenizer.columns[0]
    assert (column.name, column.kind) == ("c", "date")
    prepared = np.array([tokenizer.prepare(row)["numbers"][0] for row in rows], np.float64)
    return (prepared * column.std + column.mean).tolist()


def days_by_pandas(cells: list[str], written: str) -> list[float]:
    return [pd.to_datetime(cell, format=written, utc=True).timestamp() / 86_400 for cell in cells]


EXACT = [
    pytest.param(["2020-01-31", "2019-12-24"], "%Y-%m-%d", marks=foreign("2020-01-31", "databases", "read")),
    pytest.param(
        ["2020-01-01 0:00", "2020-01-01 13:00"],
        "%Y-%m-%d %H:%M",
        marks=foreign("2020-01-01 0:00", "air-quality stations", "read"),
    ),
    pytest.param(
        ["2020-01-01T10:00:00+02:00", "2020-06-01T10:00:00+01:00"],
        "%Y-%m-%dT%H:%M:%S%z",
        marks=foreign("ISO with zones", "web logs", "read"),
    ),
    pytest.param(
        ["2020-01-01T10:00:00.250Z", "2020-01-02T10:00:00.500Z"],
        "%Y-%m-%dT%H:%M:%S.%f%z",
        marks=foreign("ISO with Z", "JavaScript", "read"),
    ),
    pytest.param(["2006/12/16", "2007/01/02"], "%Y/%m/%d", marks=foreign("2006/12/16", "Japanese tables", "read")),
    pytest.param(["31-Jan-2020", "01-Feb-2020"], "%d-%b-%Y", marks=foreign("31-Jan-2020", "Oracle, SAS", "read")),
    pytest.param(["Jan 31, 2020", "Feb 1, 2020"], "%b %d, %Y", marks=foreign("Jan 31, 2020", "US web exports", "read")),
    pytest.param(["31-Jan-20", "01-Feb-21"], "%d-%b-%y", marks=foreign("31-Jan-20", "Excel", "read")),
    pytest.param(
        ["Mon, 06 Jan 2020 10:00:00", "Tue, 07 Jan 2020 11:00:00"],
        "%a, %d %b %Y %H:%M:%S",
        marks=foreign("mail dates", "e-mail", "read"),
    ),
]

TOLD = [
    pytest.param(
        ["25/04/2020", "03/04/2020"],
        "%d/%m/%Y",
        "day/month/year",
        marks=foreign("dd/mm/yyyy", "Excel in Europe", "read, told: the order"),
    ),
    pytest.param(
        ["04/25/2020", "03/04/2020"],
        "%m/%d/%Y",
        "month/day/year",
        marks=foreign("mm/dd/yyyy", "Excel in the US", "read, told: the order"),
    ),
    pytest.param(
        ["31.01.2020", "1.2.2020"],
        "%d.%m.%Y",
        "day/month/year",
        marks=foreign("31.01.2020", "German tables", "read, told: the order"),
    ),
    pytest.param(
        ["16/12/2006 17:24:00", "1/1/2007 00:01:00"],
        "%d/%m/%Y %H:%M:%S",
        "day/month",
        marks=foreign("dd/mm with time", "UCI", "read, told: the order"),
    ),
    pytest.param(
        ["1/31/2020 12:00:00 AM", "2/1/2020 1:30:00 PM"],
        "%m/%d/%Y %I:%M:%S %p",
        "month/day",
        marks=foreign("AM and PM", "Access", "read, told: the order"),
    ),
    pytest.param(
        ["1/31/20", "12/1/69"],
        "%m/%d/%y",
        "month/day/year",
        marks=foreign("years of two digits", "Excel in the US", "read, told: the order"),
    ),
    pytest.param(
        ["20200131", "20191224"],
        "%Y%m%d",
        "20200131 as dates",
        marks=foreign("20200131", "SAS, GDELT, sensors", "read, told: the order"),
    ),
]


@pytest.mark.parametrize(("cells", "written"), EXACT)
def test_what_can_be_one_date_only_is_read_without_a_word(cells: list[str], written: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(days(cells), days_by_pandas(cells, written), rtol=0, atol=2e-4)


@pytest.mark.parametrize(("cells", "written", "told"), TOLD)
def test_what_the_whole_column_decides_is_told(cells: list[str], written: str, told: str) -> None:
    with pytest.warns(DataWarning, match=f"{told}.* in the column c"):
        found = days(cells)
    np.testing.assert_allclose(found, days_by_pandas(cells, written), rtol=0, atol=2e-3)


@foreign("12/06/2018 after 13/06/2018", "any; pandas once read it as December", "read, told: June, by the other rows")
def test_one_column_has_one_order() -> None:
    with pytest.warns(DataWarning, match="day/month/year"):
        found = days(["13/06/2018", "12/06/2018"])
    assert found[0] - found[1] == pytest.approx(1)


@foreign("03/04/2020 and nothing that tells", "any", "read, told: month first, as pandas; option day_first")
def test_what_nothing_decides_is_told_and_can_be_said() -> None:
    cells = ["03/04/2020", "05/02/2020"]
    with pytest.warns(DataWarning, match=r"could be day/month/year \(option day_first\)"):
        np.testing.assert_allclose(days(cells), days_by_pandas(cells, "%m/%d/%Y"), atol=2e-3)
    with pytest.warns(DataWarning, match="dates as day/month/year in the column c"):
        np.testing.assert_allclose(days(cells, day_first=True), days_by_pandas(cells, "%d/%m/%Y"), atol=2e-3)


@foreign("0000-00-00 and empty dates", "MySQL", "read: missing")
def test_dates_that_are_none_are_missing() -> None:
    found = days(["2020-01-31", "0000-00-00", "", "2019-12-24"])
    assert np.isnan(found).tolist() == [False, True, True, False]


@foreign("a word among dates (TBD)", "people", "read, told: missing")
def test_a_word_among_dates_is_missing_and_told() -> None:
    cells = [*(f"2020-01-{day:02}" for day in range(1, 31)), "TBD"]
    with pytest.warns(DataWarning, match=r"1 of 31 cells that are no dates \('TBD'\) in the column c"):
        found = days(cells)
    np.testing.assert_allclose(found[:-1], days_by_pandas(cells[:-1], "%Y-%m-%d"), atol=2e-4)
    assert np.isnan(found[-1])


@foreign("both orders in one column", "Excel, after a change of locale", "read, told: categories, or left out")
def test_two_orders_in_one_column_are_no_dates() -> None:
    cells = [*(f"{day}/01/2020" for day in range(13, 28)), *(f"01/{day}/2020" for day in range(13, 28))]
    lines = "\n".join(["c;other", *(f"{cell};{row % 2}" for row, cell in enumerate(cells))])
    tokenizer = TabularTokenizer(4)
    with pytest.warns(DataWarning, match=r"left out: the column c \(names, keys or free text\)"):
        tokenizer.calibrate(Example(row) for row in read_rows(lines.encode()))
