"""Recordings of others of which nobody can know what they mean: refused, by the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mt_core.errors import InputError
from mt_plugin_imu.reading import only_recording

foreign_file = pytest.mark.foreign_file

STEPS = 320


def rows() -> str:
    return "".join(f"{number % 60},{-number % 50},{number % 7}\n" for number in range(STEPS))


def timed(cell: Callable[[int], str]) -> str:
    """Rows that begin with the time of each."""
    return "".join(f"{cell(number)},{line}" for number, line in enumerate(rows().splitlines(keepends=True)))


REFUSED = [
    pytest.param(
        "1544027337,1544027337,1544027337\n1,2,3\n" + rows(), r"line 1: 1544027337 is no value like those below",
        marks=foreign_file("start times without a rate", "wrist sensors", "refused: names the line"),
    ),
    pytest.param(
        "320\n" + rows(), r"line 1: '320' above rows of 3 cells",
        marks=foreign_file("the number of rows above them", "Fortran, C programs", "refused: names the line"),
    ),
    pytest.param(
        "# Accelerometer rate: 100 Hz\n# Gyroscope rate: 50 Hz\nax,ay,gx\n" + rows(),
        r"several rates above its rows: 100 Hz, 50 Hz",
        marks=foreign_file("two rates in the comments", "boards of several sensors", "refused"),
    ),
    pytest.param(
        "X [s],EMG 1 [V],X [s],ACC X [g]\n"
        + "".join(f"{number * 0.0005:.4f},{number % 7},{number * 0.00675:.5f},{number % 5}\n" for number in range(99)),
        r"several columns of time, of 2000 and 148\.1 Hz",
        marks=foreign_file("each column has times of its own", "Delsys EMGworks", "refused: names both rates"),
    ),
    pytest.param(
        "timestamp,sensor,x,y,z\n"
        + "".join(f"{number // 2 * 10},{('acc', 'gyro')[number % 2]},1,2,{number % 7}\n" for number in range(99)),
        r"the column 'sensor' says that its rows are of several sensors",
        marks=foreign_file("sensors one below the other", "phones, long format", "refused: names the column"),
    ),
    pytest.param(
        "timestamp,device_id,x,y,z\n" + timed(lambda number: f"{number // 2 * 10},{number % 2}"),
        r"the column 'device_id' says that its rows are of several",
        marks=foreign_file("devices by turns, told apart by a number", "gateways", "refused: names the column"),
    ),
    pytest.param(
        "time_s,x,y,z\n" + timed(lambda number: f"{number % 160 / 50}"), r"line 162: .* runs backwards",
        marks=foreign_file("a clock that begins again", "two recordings in a file", "refused: names the line"),
    ),
    pytest.param(
        "time,x,y,z\n" + timed(lambda number: f"{number * number // 700}"),
        r"has the time of the row before, and so in",
        marks=foreign_file("stamps on ever more rows", "buffered loggers", "refused: a share of the rows"),
    ),
    pytest.param(
        "time_ms,x,y,z\n" + timed(lambda number: f"{number / 1000:.4f}"), r"1e\+06 rows a second",
        marks=foreign_file("seconds in a column called milliseconds", "by hand", "refused"),
    ),
    pytest.param(
        "time_s,x,y,z\n" + timed(lambda number: f"{number / 50}" if number != 7 else ""), r"line 9: .* has no value",
        marks=foreign_file("a row without a time", "spreadsheets", "refused: names the line"),
    ),
    pytest.param(
        ("x,y,z\n" + rows()) * 2, r"line 322: 'x' in column 'x' is no number",
        marks=foreign_file("names again in the middle", "files joined by cat", "refused: names the line"),
    ),
    pytest.param(
        "x,y,z\n" + rows() + "End of file\n", r"line 322: 1 fields",
        marks=foreign_file("a line below the rows", "lab software", "refused: names the line"),
    ),
    pytest.param(
        "1544027337.0, IBI\n12.5,0.81\n13.3,0.79\n14.1,0.80\n", r"IBI",
        marks=foreign_file("start time beside a word, then events", "wrist sensor, IBI.csv", "refused"),
    ),
    pytest.param(
        "x,y,z\n1,oops,3\n" + rows(), r"line 2: 'oops' in column 'y' is no number",
        marks=foreign_file("a word in the first row", "serial ports", "refused: names the line"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_known_is_refused_by_the_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "walk.csv").write_text(text)
    with pytest.raises(InputError, match=rf"walk\.csv.*{message}") as refused:
        only_recording(tmp_path / "walk.csv")
    assert refused.value.fix
