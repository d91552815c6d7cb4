"""Labelled series as the UEA and UCR archives ship them."""

import os
from pathlib import Path

import numpy as np
import pytest

from mt_core.errors import DatasetError, InputError, MissingSplitError
from mt_core.sdk import is_uea, list_uea, read_uea

TS = """#A comment: with a colon
@problemName Strokes
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true Smash Clear
@data
1,2,3:4,5,6:Clear
-1.5,2e1,0:7,8,9:Smash
"""

ARFF = """%A comment

@relation Strokes

@attribute relationalAtt relational
@attribute att0 numeric
@attribute att1 numeric
@attribute att2 numeric
@end relationalAtt
@attribute activity {Smash,Clear}

@data
'1,2,3\\n4,5,6',Clear
'-1.5,2e1,0\\n7,8,9',Smash
"""

FIRST = [[1, 4], [2, 5], [3, 6]]
SECOND = [[-1.5, 7], [20, 8], [0, 9]]

needs_data = pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data sets")


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(("name", "text"), [("s.ts", TS), ("s.arff", ARFF), ("S.TS", TS.replace("\n", "\r\n"))])
def test_series_are_steps_by_channels_with_their_classes(tmp_path: Path, name: str, text: str) -> None:
    file = read_uea(written(tmp_path / name, text))
    assert [case.tolist() for case in file.series] == [FIRST, SECOND]
    assert all(case.dtype == np.float32 for case in file.series)
    assert file.labels == ("Clear", "Smash")
    assert file.classes == ("Smash", "Clear"), "in the order of the header"


def test_univariate_arff_of_the_ucr_archive(tmp_path: Path) -> None:
    header = "@relation x\n@attribute att0 numeric\n@attribute att1 numeric\n@attribute target {1, 2}\n@data\n"
    file = read_uea(written(tmp_path / "x.arff", header + ".5,?,2\n3,4,1\n"))
    assert [case.tolist() for case in file.series] == [[[0.5]], [[3], [4]]]
    assert file.labels == ("2", "1") and file.classes == ("1", "2")


def test_quoted_label_of_arff_does_not_become_part_of_the_series(tmp_path: Path) -> None:
    text = ARFF.replace("{Smash,Clear}", "{'Big Smash',Clear}").replace(",Smash", ",'Big Smash'")
    file = read_uea(written(tmp_path / "s.arff", text))
    assert file.labels == ("Clear", "Big Smash")
    assert file.series[1].tolist() == SECOND


def test_series_of_different_lengths_and_gaps(tmp_path: Path) -> None:
    text = TS.replace("1,2,3:4,5,6", "1,?,3,?,?:NaN,5,6,?,?").replace("-1.5,2e1,0:7,8,9", "1:2")
    file = read_uea(written(tmp_path / "s.ts", text))
    assert np.array_equal(file.series[0], [[1, np.nan], [np.nan, 5], [3, 6]], equal_nan=True)
    assert file.series[1].tolist() == [[1, 2]]


def test_file_without_classes_has_none(tmp_path: Path) -> None:
    text = TS.replace("@classLabel true Smash Clear", "@classLabel false").replace(":Clear", "").replace(":Smash", "")
    file = read_uea(written(tmp_path / "s.ts", text))
    assert file.labels == (None, None) and file.classes == ()
    assert file.series[0].tolist() == FIRST


def test_unknown_class_of_one_case_is_none(tmp_path: Path) -> None:
    assert read_uea(written(tmp_path / "s.ts", TS.replace(":Clear", ":?"))).labels == (None, "Smash")


def test_classes_that_the_header_does_not_name_are_those_that_occur(tmp_path: Path) -> None:
    text = TS.replace("true Smash Clear", "true").replace(":Clear", ":10").replace(":Smash", ":9")
    assert read_uea(written(tmp_path / "s.ts", text)).classes == ("9", "10")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.ts", "", "is empty"),
        ("s.ts", TS[: TS.index("@data")], "no line says @data"),
        ("s.ts", TS[: TS.index("1,2,3")], "no line says @data with cases below"),
        (
            "s.ts",
            TS[: TS.index("8,9:Smash")],
            "cases of 1, 2 channels",
        ),  # its last is taken for the class
        ("s.ts", TS[:-3], "the class 'Sma' is not in its header"),
        ("s.ts", TS.replace("2e1", "two"), r"line 12: could not convert string to float: 'two'"),
        ("s.ts", TS.replace("2e1", "1e39"), "line 12: an infinite number"),
        ("s.ts", TS.replace("4,5,6", "4,5"), "line 11: channels of 2, 3 steps"),
        ("s.ts", TS.replace(":7,8,9", ""), "cases of 1, 2 channels"),
        ("s.ts", TS.replace(":Smash", ":Lob"), "'Lob' is not in its header"),
        ("s.ts", TS.replace("@timeStamps false", "@timeStamps true"), "time stamps beside its values"),
        ("s.arff", ARFF[: ARFF.index("8,9',Smash")], "line 14: a series does not end"),
        ("s.ts", bytes(range(256)) * 20, "no line says @data"),
        ("s.ts", b"@data\n" + bytes(range(128, 256)) * 20, "line 2"),
    ],
)
def test_damaged_file_is_refused(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    path = written(tmp_path / name, text)
    with pytest.raises(InputError, match=message) as refused:
        read_uea(path)
    assert str(path) in str(refused.value) and refused.value.fix


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_uea(tmp_path / "none.ts")
    with pytest.raises(InputError, match="is a folder"):
        read_uea(tmp_path)


def test_folder_has_the_splits_of_its_files(tmp_path: Path) -> None:
    written(tmp_path / "Strokes_TRAIN.ts", TS)
    written(tmp_path / "Strokes_TEST.ts", TS.replace("1,2,3:4,5,6:Clear\n", ""))
    written(tmp_path / "Strokes.txt", "About the data.")
    train, test, both = (list_uea(tmp_path, split) for split in ("train", "test", "all"))
    assert train is not None and test is not None and both is not None
    assert (train.labels, test.labels) == (["Clear", "Smash"], ["Smash"])
    assert len(both.samples) == 3 and both.classes == ("Smash", "Clear")
    assert train.layout == "uea"
    with pytest.raises(MissingSplitError, match="no 'val' split; it has train, test"):
        list_uea(tmp_path, "val")


def test_ts_is_taken_before_arff_and_single_channels_are_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "Strokes_TRAIN.arff", "not read")
    written(tmp_path / "StrokesDimension1_TRAIN.arff", "not read")
    written(tmp_path / "Strokes_TRAIN.ts", TS)
    listing = list_uea(tmp_path, "train")
    assert listing is not None and len(listing.samples) == 2


def test_folder_of_several_data_sets_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "Strokes_TRAIN.ts", TS)
    written(tmp_path / "Steps_TEST.ts", TS)
    with pytest.raises(DatasetError, match="several data sets: Steps, Strokes"):
        list_uea(tmp_path, "train")


def test_one_file_is_everything(tmp_path: Path) -> None:
    path = written(tmp_path / "Strokes_TEST.ts", TS)
    for split in ("train", "all"):
        listing = list_uea(path, split)
        assert listing is not None and listing.labels == ["Clear", "Smash"]
    with pytest.raises(MissingSplitError, match="no splits of its own"):
        list_uea(path, "test")


def test_other_folders_and_files_are_not_this_layout(tmp_path: Path) -> None:
    assert list_uea(tmp_path, "train") is None
    assert list_uea(written(tmp_path / "a.csv", "1,2"), "train") is None


@needs_data
def test_real_racket_sports_is_the_same_in_both_formats() -> None:
    root = Path(os.environ["MT_DATA"]) / "imu" / "RacketSports"
    for part, cases in (("TRAIN", 151), ("TEST", 152)):
        ts, arff = (read_uea(root / f"RacketSports_{part}{suffix}") for suffix in (".ts", ".arff"))
        assert len(ts.series) == cases and ts.labels == arff.labels and ts.classes == arff.classes
        assert {case.shape for case in ts.series} == {(30, 6)}
        assert np.array_equal(np.stack(ts.series), np.stack(arff.series))
    assert ts.classes == ("Badminton_Smash", "Badminton_Clear", "Squash_ForehandBoast", "Squash_BackhandBoast")


@needs_data
def test_real_epilepsy_has_the_documented_cases() -> None:
    root = Path(os.environ["MT_DATA"]) / "imu" / "Epilepsy"
    train, test = (list_uea(root, split) for split in ("train", "test"))
    assert train is not None and test is not None
    assert (len(train.samples), len(test.samples)) == (137, 138)
    assert {case.shape for case in train.samples} == {(206, 3)}
    assert train.classes == test.classes == ("EPILEPSY", "WALKING", "RUNNING", "SAWING")


@pytest.mark.foreign_file(
    "a class and its series a row, no names, NaN at the end", "UCR archive, .tsv", "read: with its class"
)
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("Gun_TRAIN.tsv", "1\t0.5\t1.5\tNaN\n-2\t2.5\t3.5\t4.5\n"),
        ("Gun_TRAIN.txt", "   1.0000000e+00   5.0e-01   1.5e+00   NaN\n  -2.0000000e+00   2.5   3.5   4.5\n"),
        ("Gun_TEST.txt", "1,0.5,1.5,NaN\n-2,2.5,3.5,4.5\n"),
    ],
)
def test_rows_of_a_class_and_a_series(tmp_path, name, rows):
    (tmp_path / name).write_text(rows)
    found = read_uea(tmp_path / name)
    assert [case.tolist() for case in found.series] == [[[0.5], [1.5]], [[2.5], [3.5], [4.5]]]
    assert found.labels == ("1", "-2") and set(found.classes) == {"1", "-2"}
    listed = list_uea(tmp_path, name[4:-4].lower())
    assert listed is not None and list(listed.labels) == ["1", "-2"]


def test_a_table_by_such_a_name_is_refused(tmp_path):
    (tmp_path / "Gun_TRAIN.tsv").write_text("date\tload\n2020-01-01\t5\n")
    with pytest.raises(InputError, match="line 1: no class and its series"):
        read_uea(tmp_path / "Gun_TRAIN.tsv")


def test_names_in_small_letters_are_no_name_of_the_archive(tmp_path):
    assert not is_uea(tmp_path / "y_train.txt") and is_uea(tmp_path / "a.ARFF")
