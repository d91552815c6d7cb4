"""What stands above the rows of a table, as recorders write it."""

import warnings

import pytest

from mt_core.errors import DataWarning, InputError
from mt_core.sdk import Delimited, Heading, read_heading
from mt_core.sdk.recorders import are_units, stated_rate

ROWS = "".join(f"{row % 5},{row % 7},{row % 3}\n" for row in range(20))


def heading_of(text: str, comments: tuple[str, ...] = ("#", "//")) -> tuple[Heading, list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        heading, lines = read_heading(text.splitlines(keepends=True), "a.csv", separators=",;\t ", comments=comments)
        return heading, list(lines)


@pytest.mark.parametrize(
    ("above", "names", "rate"),
    [
        ("", (), None),
        ("x,y,z\n", ("x", "y", "z"), None),
        ("Device: A\nSample Rate: 100 Hz\nx,y,z\n", ("x", "y", "z"), 100),
        ("Device,A\nSampling interval (ms),20\n\nx,y,z\n", ("x", "y", "z"), 50),
        ("# fs = 64\nx,y,z\n", ("x", "y", "z"), 64),
        ("--- Data File at 30 Hz ---\nSerial Number: 1\n", (), 30),
        ("x,y,z\ns,mV,mV\n", ("x", "y", "z"), None),
        ("# time,x,y\n", ("time", "x", "y"), None),
        ("acc,acc,gyro\nx,y,x\n", ("acc x", "acc y", "gyro x"), None),
        ('"TOA5","CR1000"\nTIMESTAMP,a,b\nTS,Volts,Volts\n,Avg,Avg\n', ("TIMESTAMP", "a", "b"), None),
        ("sep=,\nx,y,z\n", ("x", "y", "z"), None),
    ],
)  # fmt: skip
def test_rows_stay_and_what_is_above_them_is_understood(above: str, names: tuple[str, ...], rate: float | None) -> None:
    heading, lines = heading_of(above + ROWS)
    table = Delimited(lines, "a.csv", separators=heading.separator, comments=("#",), header=bool(heading.has_names))
    values, numbers = table.numbers()
    assert table.names == names and heading.rate("a.csv") == rate
    assert values.tolist() == [[row % 5, row % 7, row % 3] for row in range(20)]
    assert numbers[0] == above.count("\n") + 1


def test_start_and_rate_in_rows_of_their_own_are_no_samples() -> None:
    heading, lines = heading_of("1544027337.0, 1544027337.0, 1544027337.0\n32.0, 32.0, 32.0\n" + ROWS)
    assert (heading.start, heading.rates, heading.has_names) == (1544027337.0, (32.0,), False)
    assert lines[:3] == ["\n", "\n", "0,0,0\n"]


@pytest.mark.parametrize("above", ["1544027337,1544027337,1544027337\n1,2,3\n", "100\n", "5000000,5000000,5000000\n"])
def test_numbers_above_the_rows_are_refused_where_their_meaning_is_not_certain(above: str) -> None:
    with pytest.raises(InputError, match=r"a.csv, line 1: "):
        heading_of(above + ROWS)


def test_a_row_with_a_mistake_is_no_heading() -> None:
    heading, lines = heading_of("x,y,z\n1,oops,3\n" + ROWS)
    assert heading.has_names is None and lines[1] == "1,oops,3\n"


def test_several_rates_are_refused_where_one_is_asked_for() -> None:
    heading, _ = heading_of("# acc sample rate: 100 Hz\n# gyro sample rate: 50 Hz\nx,y,z\n" + ROWS)
    with pytest.raises(InputError, match="several rates above its rows: 100 Hz, 50 Hz"):
        heading.rate("a.csv")


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("Sampling Frequency (kHz);2", 2000), ("Update Rate: 100.0Hz", 100),
        ("Epoch Period (hh:mm:ss) 00:01:00", 1 / 60),
        ("Measurement Frequency,50 Hz", 50), ("Heart rate: 60", None), ("Baud rate: 115200", None),
        ("Low-pass cutoff frequency: 20 Hz", None), ("Interval: 5 apples", None), ("sample interval = 10 ms", 100),
    ],
)  # fmt: skip
def test_rates_are_told_from_other_settings(line: str, rate: float | None) -> None:
    assert stated_rate(line, line.replace(";", ",").split(",")) == rate


def test_units_are_told_from_names() -> None:
    assert are_units(["hh:mm:ss.mmm", "mV"]) and are_units(["", "m/s^2", "(deg/s)"])
    assert not are_units(["time", "acc", "gyro"])
