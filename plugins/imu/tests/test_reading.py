"""Recordings as they are found: every format, and every way in which a file can be broken."""

import io
import os
import pickle
import tracemalloc
import warnings
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt_core.errors import DataWarning, InputError
from mt_plugin_imu.reading import only_recording, read_recordings
from mt_plugin_imu.recording import Recording
from mt_plugin_imu.resampling import resample
from mt_plugin_imu.times import Ticks, is_time_column, seconds_per_unit

ROWS = np.arange(1, 61).reshape(20, 3) ** 2 % 17 / 4.0
"""20 steps of 3 axes, no column of which rises."""


def written(folder: Path, content: str | bytes, name: str = "walk.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(rows: Any, header: str = "", separator: str = ",") -> str:
    lines = [separator.join(map(str, row)) for row in np.asarray(rows).tolist()]
    return "\n".join([header, *lines] if header else lines) + "\n"


def timed(ticks: Any, header: str, rows: Any = ROWS) -> str:
    return table(np.column_stack([ticks, rows]), header)


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


# text


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "|", "   "])
@pytest.mark.parametrize("header", ["", "ax{0}ay{0}az"])
def test_text_is_a_row_a_step_whatever_stands_between(tmp_path: Path, separator: str, header: str) -> None:
    recording = only_recording(written(tmp_path, table(ROWS, header.format(separator), separator), "walk.txt"))
    assert np.array_equal(recording.values, ROWS.astype(np.float32))
    assert recording.values.dtype == np.float32 and recording.rate is None


@pytest.mark.parametrize("axes", [1, 3, 6, 9])
def test_files_of_any_number_of_axes_are_read(tmp_path: Path, axes: int) -> None:
    rows = np.random.default_rng(0).normal(size=(10, axes)).round(3)
    assert only_recording(written(tmp_path, table(rows))).values.shape == (10, axes)


def test_comments_blank_lines_byte_order_marks_and_quotes_are_understood(tmp_path: Path) -> None:
    text = '\ufeff# phone on the table\r\n\r\n"Time (s)","Acceleration x (m/s^2)"\r\n0,1\r\n\r\n"0.5",2\r\n1,4\r\n'
    recording = only_recording(written(tmp_path, text))
    assert recording.values[:, 0].tolist() == [1, 2, 4] and recording.rate == 2


def test_bytes_of_a_file_are_as_the_file(tmp_path: Path) -> None:
    content = timed(np.arange(20) / 10, "t,x,y,z").encode()
    of_bytes, of_file = only_recording(content), only_recording(written(tmp_path, content))
    assert np.array_equal(of_bytes.values, of_file.values) and of_bytes.rate == of_file.rate == pytest.approx(10)


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("t", 1), ("time", 1), ("Time (s)", 1), ("seconds_elapsed", 1), ("elapsed time [sec]", 1),
        ("ms", 1e3), ("time_ms", 1e3), ("Timestamp (ms)", 1e3), ("ts", 1e3), ("timestamp", 1e6), ("time_us", 1e6),
        ("epoch", 1e9), ("timestamp_ns", 1e9),
    ],
)  # fmt: skip
def test_column_of_time_gives_the_rate_in_its_unit(tmp_path: Path, header: str, unit: float) -> None:
    ticks = 1_000 * unit + np.arange(20) / 50 * unit
    is_guessed = header in ("ts", "timestamp", "epoch")
    told = pytest.warns(DataWarning, match="without a unit taken for") if is_guessed else nullcontext()
    with told:
        recording = only_recording(written(tmp_path, timed(ticks, f"{header},x,y,z")))
    assert recording.values.shape == (20, 3) and recording.rate == pytest.approx(50)


def test_time_may_stand_anywhere_and_is_no_axis(tmp_path: Path) -> None:
    rows = np.column_stack([ROWS[:, 0], np.arange(20) * 20, ROWS[:, 1:]])
    recording = only_recording(written(tmp_path, table(rows, "x,time_ms,y,z")))
    assert np.array_equal(recording.values, ROWS.astype(np.float32)) and recording.rate == pytest.approx(50)


def test_names_of_axes_are_no_names_of_time() -> None:
    assert not any(map(is_time_column, ["x", "ax", "acc_x", "s", "ms2", "temperature", "times_walked", "gyro (rad/s)"]))


def test_step_of_one_without_a_unit_counts_rows_and_tells_no_time() -> None:
    assert seconds_per_unit(Ticks.of_column(np.arange(10.0), "t"), "a.csv") is None
    assert seconds_per_unit(Ticks.of_column(np.arange(10.0), "t_ms"), "a.csv") == 1e-3


def test_dates_are_a_time_too(tmp_path: Path) -> None:
    moments = [f"2024-02-29T12:00:{tenth / 10:06.3f}" for tenth in range(20)]
    lines = [f"{moment},{x},{y},{z}" for moment, (x, y, z) in zip(moments, ROWS, strict=True)]
    recording = only_recording(written(tmp_path, "\n".join(["timestamp,x,y,z", *lines])))
    assert recording.rate == pytest.approx(10) and recording.values.shape == (20, 3)


def test_rising_first_column_without_a_name_is_the_time(tmp_path: Path) -> None:
    recording = only_recording(written(tmp_path, timed(np.arange(20) * 0.02, "")))
    assert recording.rate == pytest.approx(50) and recording.values.shape == (20, 3)
    assert only_recording(written(tmp_path, table(ROWS))).values.shape == (20, 3)


def test_uneven_steps_are_made_even(tmp_path: Path) -> None:
    ticks = np.delete(np.arange(40) / 10, [5, 6, 20])
    line = np.column_stack([2 * ticks, 1 - ticks, 3 + 0 * ticks])
    with pytest.warns(DataWarning, match="3 of 40 steps are missing, and interpolated"):
        recording = only_recording(written(tmp_path, timed(ticks, "time,x,y,z", line)))
    times = np.arange(40) / 10
    assert recording.rate == pytest.approx(10)
    assert np.allclose(recording.values, np.column_stack([2 * times, 1 - times, 3 + 0 * times]), atol=1e-6)


def test_rows_of_the_same_time_count_once(tmp_path: Path) -> None:
    text = "time_s,x\n0,1\n0.1,2\n0.1,9\n0.2,3\n"
    with pytest.warns(DataWarning, match="1 of 4 rows with the time of the row before"):
        assert only_recording(written(tmp_path, text)).values[:, 0].tolist() == [1, 2, 3]


def test_labels_people_and_row_numbers_are_no_axes(tmp_path: Path) -> None:
    text = ",user,activity,ax,ay\n" + "".join(f"{row},33,Jogging,{row % 3},{row % 2}\n" for row in range(8))
    assert only_recording(written(tmp_path, text)).values.tolist() == [[row % 3, row % 2] for row in range(8)]


def test_columns_can_be_named_and_numbered_in_any_order(tmp_path: Path) -> None:
    path = written(tmp_path, timed(np.arange(20) / 5, "t,x,y,z"))
    recording = only_recording(path, ("z", "X"))
    assert np.array_equal(recording.values, ROWS[:, [2, 0]].astype(np.float32)) and recording.rate == pytest.approx(5)
    path = written(tmp_path, timed(np.arange(20) / 5, ""))
    recording = only_recording(path, ("4", "2"))
    assert np.array_equal(recording.values, ROWS[:, [2, 0]].astype(np.float32)) and recording.rate == pytest.approx(5)
    with pytest.raises(InputError, match=r"'5' is none of its 4"):
        only_recording(path, ("5",))
    with pytest.raises(InputError, match=r"no column 'w'; it has a, b"):
        only_recording(written(tmp_path, "a,b\n1,2\n3,4\n"), ("w",))


@pytest.mark.parametrize("cell", ["", "?", "NA", "nan", "inf", "-Infinity", "1e40"])
def test_missing_and_infinite_values_are_interpolated(tmp_path: Path, cell: str) -> None:
    values = only_recording(written(tmp_path, f"x,y\n0,1\n2,{cell}\n{cell},3\n6,4\n")).values
    assert values.tolist() == [[0, 1], [2, 2], [4, 3], [6, 4]]


# arrays


def test_arrays_mappings_and_tensors_are_recordings() -> None:
    values = ROWS.astype(np.float32)
    for source in (ROWS, values, torch.from_numpy(values), {"values": ROWS}, {"anything": ROWS}, ROWS.tolist()):
        recording = only_recording(source)
        assert np.array_equal(recording.values, values) and recording.rate is None
    assert only_recording({"values": ROWS, "rate": 50}).rate == 50
    assert only_recording({"data": ROWS, "time": np.arange(20) / 25}).rate == pytest.approx(25)
    assert only_recording(ROWS[:, 0]).values.shape == (20, 1)


def test_sensors_by_name_stand_side_by_side() -> None:
    recording = only_recording({"gyro": 10 + ROWS, "acc": ROWS, "fs": 100, "label": "walking"})
    assert np.array_equal(recording.values, np.hstack([ROWS, 10 + ROWS]).astype(np.float32))
    with pytest.raises(InputError, match=r"parts of the shapes \(20, 3\), \(19, 3\)"):
        only_recording({"acc": ROWS, "gyro": ROWS[1:]})


@pytest.mark.parametrize("content", [npy(ROWS), npz(imu=ROWS), npz(some=ROWS), npz(acc=ROWS[:, :2], mag=ROWS[:, 2])])
def test_numpy_files_are_told_by_what_they_hold(tmp_path: Path, content: bytes) -> None:
    for source in (content, written(tmp_path, content, "walk.bin")):
        assert np.array_equal(only_recording(source).values, ROWS.astype(np.float32))


def test_npz_may_hold_its_rate_or_time(tmp_path: Path) -> None:
    assert only_recording(written(tmp_path, npz(values=ROWS, rate=12.5), "a.npz")).rate == 12.5
    assert only_recording(npz(x=ROWS, ms=np.arange(20) * 40)).rate == pytest.approx(25)


def test_data_frames_are_as_files_with_a_header() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=["x", "y", "z"])
    frame["time"] = pandas.date_range("2024-01-01", periods=20, freq="40ms")
    frame["label"] = "walking"
    recording = only_recording(frame)
    assert np.array_equal(recording.values, ROWS.astype(np.float32)) and recording.rate == pytest.approx(25)


def test_what_was_read_is_read_again_and_survives_pickling() -> None:
    recording = only_recording({"values": ROWS, "rate": 50})
    assert only_recording(recording) is recording
    again = pickle.loads(pickle.dumps(recording))
    assert np.array_equal(again.values, recording.values) and (again.rate, again.name) == (50, recording.name)
    again.values[3, 0] = np.nan
    filled = only_recording(again).values
    assert filled[3, 0] == pytest.approx((filled[2, 0] + filled[4, 0]) / 2)


# sources of many recordings


def test_stack_of_recordings_is_streamed() -> None:
    stack = np.stack([ROWS, ROWS + 1, ROWS + 2])
    found = list(read_recordings(npz(values=stack, rate=20)))
    assert [recording.values[0, 0] for recording in found] == [ROWS[0, 0], ROWS[0, 0] + 1, ROWS[0, 0] + 2]
    assert {recording.rate for recording in found} == {20}
    with pytest.raises(InputError, match="more than one recording"):
        only_recording(stack)


def test_series_of_a_ts_file_are_recordings(tmp_path: Path) -> None:
    path = written(tmp_path, "@classLabel true a b\n@data\n1,2,3:4,5,6:a\n7,8:9,10:b\n", "x.ts")
    first, second = read_recordings(path)
    assert first.values.tolist() == [[1, 4], [2, 5], [3, 6]] and second.values.tolist() == [[7, 9], [8, 10]]
    assert first.rate is None and first.name == f"{path}, series 1"


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data sets")
def test_real_files_hold_their_cases() -> None:
    root = Path(os.environ["MT_DATA"]) / "imu"
    racket, epilepsy = "RacketSports/RacketSports_TEST.arff", "Epilepsy/Epilepsy_TRAIN.ts"
    for name, cases, shape in ((racket, 152, (30, 6)), (epilepsy, 137, (206, 3))):
        found = list(read_recordings(root / name))
        assert len(found) == cases and {recording.values.shape for recording in found} == {shape}


# what is broken


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", r"a.csv is empty"),
        ("a.csv", "\n \n# nothing\n", r"a.csv has no rows"),
        ("a.csv", "x,y,z\n", r"a header but no rows"),
        ("a.csv", "x,y,z\n1,2,3\n", r"has 1 step; a recording has 2"),
        ("a.csv", "x,y,z\n1,2,3\n4,5\n6,7,8\n", r"line 3: 2 fields, where there are 3 columns"),
        ("a.txt", "1 2 3\n4 5 6 7\n", r"line 2: 4 fields, where there are 3 columns"),
        ("a.csv", "x,y\n1,2\n\n3,four\n", r"line 4: 'four' in column 'y' is no number"),
        ("a.csv", "1,2\n3,4\nfive,6\n", r"line 3: 'five' in column 1"),
        ("a.csv", "x,y\n1,1_000\n2,3\n", r"line 2: '1_000'"),
        ("a.csv", "x,y\n1,\n2,\n3,\n4,5\n", r"75% of axis 2 is missing"),
        ("a.csv", "t,label\n1,a\n2,b\n", r"no column that is an axis"),
        ("a.csv", "time,x\n0,1\n0.1,2\n0.05,3\n0.2,4\n", r"line 4: the time column 'time' runs backwards, 1 time"),
        ("a.csv", "time,x\n0,1\n,2\n0.2,4\n", r"line 3: the time column 'time' has no value"),
        ("a.csv", "time,x\n5,1\n5,2\n5,4\n", r"'time' stands still"),
        ("a.csv", "time_s,x\n0,1\n0.1,2\n0.2,3\n1e12,4\n", r"leaves gaps, the longest of 1e\+12 s"),
        ("a.csv", "time,x\n2024-13-01,1\nnow,2\n", r"line 2: '2024-13-01' in the time column 'time'"),
        ("a.csv", "1" + ",1" * 2000 + "\n", r"2,001 columns, and 1,024 are the most"),
        ("a.csv", bytes(range(256)) * 40, r"a.csv"),
        ("a.npy", npy(ROWS)[:-8], r"a.npy"),
        ("a.npy", npy(ROWS)[:40], r"a.npy"),
        ("a.npy", npy(ROWS).replace(b"(20, 3)", b"(9**9,)"), r"a.npy"),
        ("a.npy", npy(np.array(["x", "y"])), r"holds <U1 values, not real numbers"),
        ("a.npy", npy(ROWS + 1j), r"complex128 values"),
        ("a.npy", npy(np.zeros((2, 2, 2, 2))), r"shape \(2, 2, 2, 2\)"),
        ("a.npy", npy(np.zeros((0, 3))), r"shape \(0, 3\)"),
        ("a.npy", npy(np.full((9, 3), np.nan)), r"100% of axis 1 is missing"),
        ("a.npz", npz(values=ROWS)[:-30], r"a.npz"),
        ("a.npz", b"PK\x03\x04" + b"\0" * 100, r"a.npz"),
        ("a.npz", npz(one=ROWS, two=ROWS), r"holds one, two"),
        ("a.npz", npz(values=ROWS, rate=0), r"a rate of 0.0 steps a second"),
        ("a.npz", npz(values=ROWS, rate="fast"), r"rate is fast, not a number"),
        ("a.npz", npz(values=ROWS, time=np.arange(3)), r"'time' is \(3,\)"),
        ("a.ts", "no header", r"no line says @data"),
    ],
)  # fmt: skip
def test_damaged_file_is_refused_by_name_and_with_a_fix(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = written(tmp_path, content, name)
    with warnings.catch_warnings(), pytest.raises(InputError, match=message) as refused:
        warnings.simplefilter("error")
        list(read_recordings(path))
    assert name in str(refused.value) and refused.value.fix


def test_pickled_objects_are_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy"):
        only_recording(path)


def test_header_that_promises_terabytes_takes_no_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (200000000000, 3), }"
    bomb = npy(ROWS)[:10] + header.ljust(117) + b"\n"
    with pytest.raises(InputError):
        only_recording(bomb)
    with pytest.raises(InputError):
        only_recording(written(tmp_path, bomb, "a.npy"))
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("values.npy", bomb)
    with pytest.raises(InputError, match="would take"):
        only_recording(path)


def test_folder_missing_file_and_other_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        only_recording(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        only_recording(tmp_path / "none.csv")
    for source in (3, None, object(), b"", {}, {"acc": "x"}, [[1, 2], [3]]):
        with pytest.raises(InputError):
            only_recording(source)


# at another rate


def test_slower_rate_averages_and_folds_nothing_back() -> None:
    times = np.arange(400) / 100
    slow, fast = np.sin(2 * np.pi * times), np.sin(2 * np.pi * 49 * times)
    recording = only_recording({"values": np.column_stack([slow, fast]), "rate": 100})
    values = resample(recording, 25)
    middles = (np.arange(100) + 0.5) / 25 - 0.005
    assert values.shape == (100, 2)
    assert np.abs(values[:, 0] - np.sin(2 * np.pi * middles)).max() < 0.02
    assert np.abs(values[:, 1]).max() < 0.05, "taking every fourth step would fold 49 Hz to 1 Hz"


def test_faster_rate_lies_on_straight_lines() -> None:
    recording = only_recording({"values": np.arange(10.0), "rate": 10})
    values = resample(recording, 20)[:, 0]
    assert len(values) == 20
    assert np.allclose(values[1:-1], np.arange(1, 19) / 2 - 0.25) and values[0] == 0 and values[-1] == 9


@pytest.mark.parametrize("rate", [7.0, 20.0, 33.0, 50.0, 128.0])
def test_constant_stays_at_any_rate_and_length_follows_it(rate: float) -> None:
    values = resample(Recording(np.full((100, 2), 9.81, np.float32), 50.0, "x"), rate)
    assert len(values) == round(2 * rate) and np.allclose(values, 9.81)


def test_series_of_unknown_or_the_same_rate_is_taken_as_it_is() -> None:
    for rate in (None, 50.0, 50.2):
        recording = Recording(ROWS.astype(np.float32), rate, "x")
        assert resample(recording, 50) is recording.values
    assert resample(Recording(ROWS.astype(np.float32), 10, "x"), 0).shape == (20, 3)


def test_rate_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(InputError, match="choose a lower rate"):
        resample(Recording(ROWS.astype(np.float32), 1e-6, "x"), 50)


def test_a_small_file_takes_little_memory(tmp_path):
    tracemalloc.start()
    try:
        only_recording(written(tmp_path, table(ROWS)))
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
