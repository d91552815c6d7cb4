"""Recordings as other people's devices and programs write them; the oracle is what the file was written from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mt_core.errors import DataWarning, InputError
from mt_plugin_imu.reading import only_recording

foreign_file = pytest.mark.foreign_file

STEPS = 320
AXES = np.stack([np.arange(STEPS) % 60, -np.arange(STEPS) % 50, np.arange(STEPS) % 7], axis=1).astype(float)
"""320 steps of three axes, none of which rises; whole numbers, as raw values are."""


def rows(values: Any = AXES, separator: str = ",") -> str:
    return "".join(separator.join(f"{value:g}" for value in row) + "\n" for row in values)


def timed(cell: Callable[[int], str], separator: str = ",", axes: Any = AXES) -> str:
    """Rows that begin with the time of each."""
    lines = rows(axes, separator).splitlines(keepends=True)
    return "".join(f"{cell(number)}{separator}{line}" for number, line in enumerate(lines))


ACTIGRAPH = """\
------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.3 Firmware v3.2.1 date format M/d/yyyy at 30 Hz -----
Serial Number: NEO1F08120001
Start Time 09:00:00
Start Date 10/1/2013
Epoch Period (hh:mm:ss) 00:00:00
Download Time 10:21:07
Download Date 10/9/2013
Current Memory Address: 0
Current Battery Voltage: 4.22     Mode = 12
--------------------------------------------------
"""
XSENS = """\
// Start Time: Unknown
// Update Rate: 100.0Hz
// Filter Profile: human (46.1)
// Firmware Version: 4.3.1
PacketCounter\tSampleTimeFine\tYear\tMonth\tDay\tAcc_X\tAcc_Y\tAcc_Z
"""
OPENBCI = """\
%OpenBCI Raw EXG Data
%Number of channels = 3
%Sample Rate = 250 Hz
%Board = OpenBCI_GUI$BoardCytonSerial
Sample Index, EXG Channel 0, EXG Channel 1, EXG Channel 2, Timestamp, Timestamp (Formatted)
"""


def unix(rate: float, unit: float = 1.0) -> Callable[[int], str]:
    return lambda number: f"{int((1_544_027_337 + number / rate) * unit + 1e-6)}"


READ = [
    pytest.param(
        ACTIGRAPH + "Accelerometer X,Accelerometer Y,Accelerometer Z\n" + rows(),
        30,
        "10 lines above the table",
        marks=foreign_file("ten lines above the names", "ActiGraph, ActiLife export", "read, told: 30 Hz"),
    ),
    pytest.param(
        ACTIGRAPH + rows(),
        30,
        "10 lines above the table",
        marks=foreign_file("ten lines above rows without names", "ActiGraph, raw CSV", "read, told: 30 Hz"),
    ),
    pytest.param(
        "Device Type,GENEActiv\nMeasurement Frequency,50 Hz\nStart Time,2014-01-01\n\n"
        + timed(lambda number: f"2014-01-01 10:00:{number // 50:02d}:{number % 50 * 20:03d}"),
        50,
        "3 lines above the table",
        marks=foreign_file("key and value above the rows, milliseconds behind a colon", "GENEActiv", "read, told"),
    ),
    pytest.param(
        XSENS + timed(lambda number: f"{number}\t\t\t\t", "\t"),
        100,
        None,
        marks=foreign_file("// comments with the rate, empty columns between tabs", "Xsens MTw", "read: 100 Hz"),
    ),
    pytest.param(
        OPENBCI
        + "".join(
            f"{number % 256}, {line.strip().replace(',', ', ')}, {1.6e9 + number / 250:.6f}, 2020-09-13 12:26:"
            f"{number / 250:09.6f}\n"
            for number, line in enumerate(rows().splitlines())
        ),
        250,
        None,
        marks=foreign_file("% comments, a counter that begins again, the time twice", "OpenBCI GUI", "read: 250 Hz"),
    ),
    pytest.param(
        "'Elapsed time','ax','ay','az'\n'hh:mm:ss.mmm','mV','mV','mV'\n"
        + timed(lambda number: f"'{number * 4 // 60_000}:{number * 4 % 60_000 / 1000:06.3f}'"),
        250,
        None,
        marks=foreign_file("single quotes, and units below the names", "PhysioNet, rdsamp", "read: 250 Hz"),
    ),
    pytest.param(
        "sep=;\nTime;Acceleration x;Acceleration y;Acceleration z\ns;m/s^2;m/s^2;m/s^2\n"
        + timed(lambda number: f"{number / 50:.3f}".replace(".", ","), ";"),
        50,
        None,
        marks=foreign_file("sep=; above, a row of units, decimal commas", "phyphox, Shimmer; Excel", "read: 50 Hz"),
    ),
    pytest.param(
        "# t x y z\n" + timed(lambda number: f"{number / 50:.18e}", " "),
        50,
        None,
        marks=foreign_file("names in a comment", "numpy.savetxt", "read: 50 Hz"),
    ),
    pytest.param(
        ",acc,acc,acc\n,x,y,z\ntime,,,\n" + timed(lambda number: f"{number / 50:.3f}"),
        50,
        "1 lines above the table",
        marks=foreign_file("names over three rows", "pandas, columns of two levels", "read, told: 50 Hz"),
    ),
    pytest.param(
        "time,seconds_elapsed,x,y,z\n"
        + timed(lambda number: f"{1_544_027_337_000_000_000 + number * 20_000_000},{number / 50:.4f}"),
        50,
        None,
        marks=foreign_file("nanoseconds since 1970 beside seconds", "Sensor Logger (phones)", "read: 50 Hz"),
    ),
    pytest.param(
        "timestamp,x,y,z\n" + timed(unix(50, 1e3)),
        50,
        None,
        marks=foreign_file("milliseconds since 1970 under a name without a unit", "Android apps", "read: 50 Hz"),
    ),
    pytest.param(
        "timestamp,x,y,z\n" + timed(unix(1)),
        1,
        None,
        marks=foreign_file("seconds since 1970, one a row", "loggers at 1 Hz", "read: 1 Hz"),
    ),
    pytest.param(
        "time,x,y,z\n" + timed(lambda number: f"{43_000.5 + number / 50 / 86_400:.12f}"),
        50,
        "days since 1900",
        marks=foreign_file("times in days", "spreadsheets, MATLAB", "read, told: 50 Hz"),
    ),
    pytest.param(
        "time,x,y,z\n" + timed(lambda number: f"{20 * number}"),
        50,
        "taken for milliseconds",
        marks=foreign_file("times without a unit in steps of 20", "Arduino, millis()", "read, told: 50 Hz"),
    ),
    pytest.param(
        "time,x,y,z\n" + timed(unix(50)),
        50,
        "50 rows with one time stamp, spread evenly",
        marks=foreign_file("whole seconds on 50 rows each", "loggers by time()", "read, told: 50 Hz"),
    ),
    pytest.param(
        "Time,x,y,z\n" + timed(lambda number: f"10:59:{(37 + number) // 50 + 10:02d}"),
        50,
        "50 rows with one time stamp, spread evenly",
        marks=foreign_file("times of the day in whole seconds, begun within one", "spreadsheets", "read, told: 50 Hz"),
    ),
    pytest.param(
        "Date,Time,x,y,z\n" + timed(lambda number: f"16/12/2006,23:59:{55 + number / 50:06.3f}"
                                    if number < 250 else f"17/12/2006,00:00:{number / 50 - 5:06.3f}"),
        50,
        None,
        marks=foreign_file("date and time in columns of their own, over midnight", "LabVIEW, Delsys", "read: 50 Hz"),
    ),
    pytest.param(
        "time,x,y,z\n" + timed(lambda number: f"9/13/2020 1:00:{number / 50:06.3f} PM"),
        50,
        None,
        marks=foreign_file("dates of the United States with AM and PM", "Excel, MbientLab", "read: 50 Hz"),
    ),
    pytest.param(
        timed(lambda number: f"2019-01-01 10:00:{number / 50:06.3f}"),
        50,
        None,
        marks=foreign_file("dates, and no names", "Axivity, OMGUI export", "read: 50 Hz"),
    ),
    pytest.param(
        "time_s,x,y,z\n" + timed(lambda number: f"{number / 50}").replace("\n", ",\n"),
        50,
        None,
        marks=foreign_file("a separator at the end of each row, not of the names", "C programs", "read: 50 Hz"),
    ),
    pytest.param(
        rows().replace("\n", ";\n"),
        None,
        None,
        marks=foreign_file("1,2,3; in each row", "SisFall, WISDM", "read"),
    ),
    pytest.param(
        ".header.stamp.secs,.header.stamp.nsecs,x,y,z\n"
        + timed(lambda number: f"{1_544_027_337 + number // 50},{number % 50 * 20_000_000}"),
        50,
        None,
        marks=foreign_file("seconds and nanoseconds in columns of their own", "ROS bags", "read: 50 Hz"),
    ),
    pytest.param(
        '# OpenSignals Text File Format\n# {"98:D3": {"sensor": ["RAW"], "sampling rate": 1000}}\n# EndOfHeader\n'
        + rows(separator="\t"),
        1000,
        None,
        marks=foreign_file("JSON in a comment", "OpenSignals, BITalino", "read: 1000 Hz"),
    ),
    pytest.param(
        '"","x","y","z"\n' + timed(lambda number: f'"{number + 1}"'),
        None,
        None,
        marks=foreign_file("row numbers in quotes", "R, write.csv", "read"),
    ),
    pytest.param(
        "user,x,y,z\n" + timed(lambda number: f"{33 + number // 160}"),
        None,
        "rows of 2 values of the column user taken for one recording",
        marks=foreign_file("two persons one below the other", "tables of whole studies", "read, told: as one"),
    ),
    pytest.param(
        "x,y,z,remark\n" + "".join(f"{line},walk\n" for line in rows().splitlines()),
        None,
        "columns of text: remark",
        marks=foreign_file("a column of words", "annotation tools", "read, told"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rate", "told"), READ)
def test_recordings_of_others_have_the_axes_and_the_rate_that_they_were_written_with(
    tmp_path: Path, text: str, rate: float | None, told: str | None
) -> None:
    (tmp_path / "walk.csv").write_text(text)
    if told is None:
        recording = only_recording(tmp_path / "walk.csv")
    else:
        with pytest.warns(DataWarning, match=told):
            recording = only_recording(tmp_path / "walk.csv")
    assert np.array_equal(recording.values, AXES.astype(np.float32))
    assert recording.rate == (None if rate is None else pytest.approx(rate, rel=1e-4))


@foreign_file("first row start times, second row the rate", "wrist sensor, CSV", "read, told: 32 Hz, 320 rows")
def test_start_and_rate_of_a_wristband_are_no_samples() -> None:
    text = "1544027337.0, 1544027337.0, 1544027337.0\n32.0, 32.0, 32.0\n" + rows()
    with pytest.warns(DataWarning, match="the first row taken for the start time and the second for the rate"):
        recording = only_recording(text.encode())
    assert recording.rate == 32 and np.array_equal(recording.values, AXES.astype(np.float32))


@foreign_file("first row dates, second row the rate", "wrist sensor, converted", "read, told: 32 Hz, 320 rows")
def test_start_may_be_a_date() -> None:
    text = "2018-12-05 16:28:57," * 2 + "2018-12-05 16:28:57\n32,32,32\n" + rows()
    with pytest.warns(DataWarning, match="the first row taken for the start time and the second for the rate"):
        recording = only_recording(text.encode())
    assert recording.rate == 32 and np.array_equal(recording.values, AXES.astype(np.float32))


@foreign_file("one column under its start time and its rate", "wrist sensor, BVP.csv and EDA.csv", "read, told: 4 Hz")
def test_a_single_column_under_start_and_rate() -> None:
    text = "1544027337.000000\n4.000000\n" + "".join(f"{value / 100:.6f}\n" for value in AXES[:, 0])
    with pytest.warns(DataWarning, match="the first row taken for the start time"):
        recording = only_recording(text.encode())
    assert recording.rate == 4 and np.allclose(recording.values[:, 0], AXES[:, 0] / 100)


@foreign_file("steps that are missing", "radio loss, BLE sensors", "read, told: interpolated")
def test_missing_steps_are_interpolated_and_told() -> None:
    kept = [number for number in range(STEPS) if not 50 < number <= 60]
    line = np.arange(STEPS)[:, None] * np.array([1.0, -2.0])
    text = "time_s,x,y\n" + "".join(f"{number / 50},{line[number, 0]:g},{line[number, 1]:g}\n" for number in kept)
    with pytest.warns(DataWarning, match="10 of 320 steps are missing, and interpolated"):
        recording = only_recording(text.encode())
    oracle = pd.DataFrame(line).drop(index=range(51, 61)).reindex(range(STEPS)).interpolate()
    assert recording.rate == pytest.approx(50) and np.allclose(recording.values, oracle.to_numpy(), atol=1e-3)


@foreign_file("rows that are there twice", "Bluetooth loggers", "read, told: the first is kept")
def test_a_few_rows_of_the_same_time_count_once() -> None:
    text = "time_s,x\n" + "".join(f"{number / 50},{number % 9}\n" * (1 + (number == 70)) for number in range(100))
    with pytest.warns(DataWarning, match="1 of 101 rows with the time of the row before"):
        assert only_recording(text.encode()).values[:, 0].tolist() == [number % 9 for number in range(100)]


@foreign_file("a data frame with its times in the index", "pandas", "read: 25 Hz")
def test_index_of_a_data_frame_is_the_time() -> None:
    index = pd.date_range("2024-01-01", periods=STEPS, freq="40ms")
    recording = only_recording(pd.DataFrame(AXES, index=index, columns=["x", "y", "z"]))
    assert recording.rate == pytest.approx(25) and np.array_equal(recording.values, AXES.astype(np.float32))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            "z,y,x", marks=foreign_file("axes in the order z, y, x", "Sensor Logger", "read, told: as x, y, z")
        ),
        "accel_z_g,accel_y_g,accel_x_g",
        "AccZ (m/s^2),AccY (m/s^2),AccX (m/s^2)",
    ],
)
def test_axes_have_one_order_in_all_files(tmp_path: Path, names: str):
    path = tmp_path / "a.csv"
    path.write_text(f"seconds_elapsed,{names}\n" + timed(lambda number: f"{number / 50:.2f}", axes=AXES[:, ::-1]))
    with pytest.warns(DataWarning, match="put in the order x, y, z"):
        assert np.array_equal(only_recording(path).values, AXES)


def test_axes_that_are_named_keep_their_order(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,z\n" + rows())
    assert np.array_equal(only_recording(path, columns=("z", "y", "x")).values, AXES[:, ::-1])


def test_names_that_differ_otherwise_keep_their_order(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("gyro,acc,mag\n" + rows())
    assert np.array_equal(only_recording(path).values, AXES)


@foreign_file("a counter of microseconds that runs over", "Arduino, micros()", "refused: names the line")
def test_a_counter_that_runs_over_is_no_axis(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("micros,ax,ay,az\n" + timed(lambda number: f"{(2**32 - 10**6 + number * 20_000) % 2**32}"))
    with pytest.raises(InputError, match=r"line 52: the time column 'micros' runs backwards"):
        only_recording(path)


@foreign_file("arrays called x, y and z", "scripts, .npz", "read: three axes")
def test_arrays_of_one_axis_each(tmp_path: Path):
    parts = {"x": AXES[:, 0], "y": AXES[:, 1], "z": AXES[:, 2], "rate": 50}
    np.savez(tmp_path / "a.npz", **parts)
    for source in (parts, tmp_path / "a.npz"):
        found = only_recording(source)
        assert np.array_equal(found.values, AXES) and found.rate == 50


@foreign_file("further arrays beside the values", "scripts, .npz", "read, told: left out")
def test_further_arrays_are_told():
    with pytest.warns(DataWarning, match="the arrays temp, baro"):
        found = only_recording({"acc": AXES, "temp": AXES[:, 0], "baro": AXES[:, 0], "label": 3})
    assert np.array_equal(found.values, AXES)
