"""Columns of dates, with pandas (and the format said explicitly) as oracle."""

import math

import pandas as pd
import pytest

from mt_core.sdk import date_format

COMPACT = {13: "%Y%m%dT%H%M", 14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M"}


def seconds(cells: list[str], **options) -> list[float]:
    found = date_format(cells, **options)
    assert found is not None
    return [found.parse(cell) for cell in cells]


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        (["2020-01-31", "1969-12-31"], "%Y-%m-%d"),
        (["2020-01-01 0:00", "2020-01-01 13:00"], "%Y-%m-%d %H:%M"),
        (["2020-01-01T00:30:15.250", "2020-01-01T00:30:16.500"], "%Y-%m-%dT%H:%M:%S.%f"),
        (["2020-01-01T00:30:15+02:00", "2020-06-01T00:30:15+01:00"], "%Y-%m-%dT%H:%M:%S%z"),
        (["2020-01-01T00:30:15Z"], "%Y-%m-%dT%H:%M:%S%z"),
        (["20200131", "20191224"], "%Y%m%d"),
        (["20200131T0930", "20191224T2359"], None),
        (["20200131093015", "201912242359"], None),
        (["2006/12/16", "2006/12/17"], "%Y/%m/%d"),
        (["16/12/2006", "1/1/2007"], "%d/%m/%Y"),
        (["12/16/2006", "1/1/2007"], "%m/%d/%Y"),
        (["16/12/2006 17:24:00", "16/12/2006 17:25:00"], "%d/%m/%Y %H:%M:%S"),
        (["31.01.2020", "1.2.2020"], "%d.%m.%Y"),
        (["01.02.20", "31.12.19"], "%d.%m.%y"),
        (["31-12-1999"], "%d-%m-%Y"),
        (["1/31/20", "12/1/69"], "%m/%d/%y"),
        (["31-Jan-2020", "1-Feb-2020"], "%d-%b-%Y"),
        (["31-Jan-20", "01-Feb-68"], "%d-%b-%y"),
        (["Jan 31, 2020", "Feb 1, 2020"], "%b %d, %Y"),
        (["January 31, 2020 3:15 PM", "May 1, 2020 12:05 AM"], "%B %d, %Y %I:%M %p"),
        (["1/31/2020 12:00:00 AM", "1/31/2020 12:00:00 PM"], "%m/%d/%Y %I:%M:%S %p"),
        (["Mon, 05 Jan 2015 10:00:00", "Tue, 06 Jan 2015 10:00:00"], "%a, %d %b %Y %H:%M:%S"),
        (["10/Oct/2000:13:55:36 -0700"], "%d/%b/%Y:%H:%M:%S %z"),
        (["Thu Jan  2 03:04:05 2020"], "%a %b %d %H:%M:%S %Y"),
        (["2020-01", "2020-12"], "%Y-%m"),
        (["Jan 2020", "Dec 2020"], "%b %Y"),
        (["20-01-31", "20-02-01", "20-02-02"], "%y-%m-%d"),
    ],
)
def test_dates_are_read_as_pandas_reads_them_when_told_how(cells, written):
    moments = [pd.to_datetime(cell, format=written or COMPACT[len(cell)], utc=True) for cell in cells]
    assert seconds(cells) == [moment.timestamp() for moment in moments]


def test_the_whole_column_tells_whether_the_day_comes_first():
    assert seconds(["03/04/2020", "25/04/2020"])[0] == pd.Timestamp("2020-04-03").timestamp()
    assert seconds(["03/04/2020", "04/25/2020"])[0] == pd.Timestamp("2020-03-04").timestamp()


def test_rows_in_order_of_time_tell_it_too():
    cells = [f"{day:02}/{month:02}/2020" for month in (1, 2) for day in (1, 5, 9, 12)]
    found = date_format(cells)
    assert found is not None and (found.order, found.is_ambiguous) == ("dmy", False)


def test_what_could_be_either_is_ambiguous_and_the_user_can_say_it():
    cells = ["03/04/2020", "05/02/2020"]
    found = date_format(cells)
    assert found is not None and found.is_ambiguous and found.order == "mdy"
    told = date_format(cells, day_first=True)
    assert told is not None and (told.order, told.is_ambiguous) == ("dmy", False)
    same = date_format(["01/01/2020", "05/05/2020"])
    assert same is not None and not same.is_ambiguous


def test_missing_dates_are_missing():
    cells = ["2020-01-01", "", "NA", "-", "0000-00-00", "NaT"]
    assert [math.isnan(value) for value in seconds(cells)] == [False, *[True] * 5]


def test_other_months_names_are_known():
    assert seconds(["1. März 2020", "2. Okt. 2020"]) == [
        pd.Timestamp("2020-03-01").timestamp(),
        pd.Timestamp("2020-10-02").timestamp(),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        [""],
        ["2020-13-01"],
        ["2020-02-30"],
        ["31/31/2020"],
        ["2020-01-01", "soon"],
        ["25/04/2020", "04/25/2020"],
        ["1.2.3", "1.10.12"],
        ["12 34 56"],
        ["2020-01-01 25:00"],
        ["2020-01-01T00:00Z", "2020-01-01T00:00"],
        ["20201399"],
        ["12345678"],
        ["Level 5, 2020"],
        ["10-19", "20-29"],
        ["13:45"],
        ["1.5"],
        ["2020.5", "1234.12"],
        ["1577836800"],
    ],
)
def test_what_is_no_column_of_dates_is_none(cells):
    assert date_format(cells) is None
