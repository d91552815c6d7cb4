"""Benchmarks in their own folders, and the demonstration."""

import os
import pickle
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.contract import Classification
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, OptionError
from mt_plugin_imu.dataset import ImuDataset
from mt_plugin_imu.layouts import parse_users
from mt_plugin_imu.reading import only_recording

UCI_SIGNALS = [f"{signal}_{axis}" for signal in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]

needs_data = pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data sets")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def values_of(dataset: ImuDataset, index: int) -> np.ndarray:
    return only_recording(dataset[index].sample).values


def lines_of(rows: Any) -> str:
    """As UCI HAR writes them: fixed columns, two blanks in front."""
    return "".join("".join(f"{number: 16.7e}" for number in row) + "\n" for row in rows)


def uci_har(root: Path, **labels: Sequence[int]) -> Path:
    """The signal of axis a in window w is 100 a + w + step / 1000."""
    write(root / "activity_labels.txt", "1 WALKING\n2 WALKING_UPSTAIRS\n3 LAYING\n")
    for part, numbers in labels.items():
        for axis, signal in enumerate(UCI_SIGNALS):
            rows = [100 * axis + window + np.arange(128) / 1000 for window in range(len(numbers))]
            write(root / part / "Inertial Signals" / f"{signal}_{part}.txt", lines_of(rows))
        write(root / part / f"y_{part}.txt", "".join(f"{number}\n" for number in numbers))
    return root


def test_uci_har_has_nine_axes_and_its_two_splits(tmp_path: Path) -> None:
    uci_har(tmp_path, train=[3, 1, 1], test=[2])
    train, test = ImuDataset.open(tmp_path), ImuDataset.open(tmp_path, "test")
    assert train.task == test.task == Classification(classes=("WALKING", "WALKING_UPSTAIRS", "LAYING"))
    assert list(train.targets()) == [2, 0, 0] and list(test.targets()) == [1]
    expected = 100 * np.arange(9) + 1 + np.arange(128)[:, None] / 1000
    assert np.allclose(values_of(train, 1), expected, atol=1e-4)
    assert only_recording(train[1].sample).rate == 50
    assert len(ImuDataset.open(tmp_path, "all")) == 4
    with pytest.raises(MissingSplitError, match="no 'val' split"):
        ImuDataset.open(tmp_path, "val")


def test_incomplete_uci_har_is_refused(tmp_path: Path) -> None:
    uci_har(tmp_path, train=[3, 1, 1])
    write(tmp_path / "train" / "y_train.txt", "1\n2\n")
    with pytest.raises(DatasetError, match=r"have \[3\] and 2 lines"):
        ImuDataset.open(tmp_path)
    write(tmp_path / "train" / "y_train.txt", "1\n2\n7\n")
    with pytest.raises(DatasetError, match="the activity 7"):
        ImuDataset.open(tmp_path)
    (tmp_path / "train" / "Inertial Signals" / "body_gyro_y_train.txt").unlink()
    with pytest.raises(InputError, match=r"body_gyro_y_train\.txt does not exist"):
        ImuDataset.open(tmp_path)
    (tmp_path / "activity_labels.txt").unlink()
    with pytest.raises(DatasetError, match="activity_labels"):
        ImuDataset.open(tmp_path)


def hapt(root: Path) -> Path:
    """In experiment e, step s of the accelerometer is 1000 e + s + (0.1, 0.2, 0.3); the gyroscope's is 0.5 more."""
    write(root / "activity_labels.txt", "1 WALKING           \n2 WALKING_UPSTAIRS  \n7 STAND_TO_SIT\n")
    write(root / "RawData" / "labels.txt", "1 1 1 10 20\n1 1 2 30 39\n2 1 1 1 50\n3 2 7 5 9\n")
    for experiment, user in ((1, 1), (2, 1), (3, 2)):
        for sensor, offset in (("acc", 0.0), ("gyro", 0.5)):
            starts = [1000 * experiment + step + offset for step in range(1, 51)]
            lines = [f"{start + 0.1} {start + 0.2} {start + 0.3}" for start in starts]
            write(root / "RawData" / f"{sensor}_exp{experiment:02d}_user{user:02d}.txt", "\n".join(lines) + "\n")
    write(root / "Test" / "subject_id_test.txt", "2\n2\n")
    return root


def test_hapt_segments_are_samples_of_their_own_length(tmp_path: Path) -> None:
    hapt(tmp_path)
    train, test = ImuDataset.open(tmp_path), ImuDataset.open(tmp_path, "test")
    assert train.task == test.task == Classification(classes=("WALKING", "WALKING_UPSTAIRS", "STAND_TO_SIT"))
    assert (list(train.targets()), list(test.targets())) == ([0, 1, 0], [2])
    first = values_of(train, 0)
    assert first.shape == (11, 6), "steps 10 to 20, both included"
    assert np.allclose(first[0], [1010.1, 1010.2, 1010.3, 1010.6, 1010.7, 1010.8])
    assert [len(values_of(train, index)) for index in range(3)] == [11, 10, 50]
    assert only_recording(train[0].sample).rate == 50


def test_hapt_can_be_split_by_other_users(tmp_path: Path) -> None:
    hapt(tmp_path)
    assert len(ImuDataset.open(tmp_path, "train", options=ImuDataset.Options(test_users="1"))) == 1
    assert len(ImuDataset.open(tmp_path, "test", options=ImuDataset.Options(test_users="1"))) == 3
    with pytest.raises(OptionError, match=r"no user 5[\s\S]*the users are 1, 2"):
        ImuDataset.open(tmp_path, "test", options=ImuDataset.Options(test_users="2,5"))
    with pytest.raises(OptionError, match=r"the test has all users \(1, 2\), and leaves none to train on"):
        ImuDataset.open(tmp_path, "train", options=ImuDataset.Options(test_users="1-2"))


@pytest.mark.foreign_file("HAPT's layout, of which each person is left out once", "own recordings", "read, with group")
def test_people_of_the_benchmarks_are_groups_by_name(tmp_path: Path) -> None:
    hapt(tmp_path / "hapt")
    uci_har(tmp_path / "har", train=[3, 1, 1], test=[2])
    write(tmp_path / "har" / "train" / "subject_train.txt", "4\n4\n6\n")
    write(tmp_path / "har" / "test" / "subject_test.txt", "9\n")
    write(tmp_path / "wisdm" / "WISDM_ar_v1.1_raw.txt", wisdm(33, "Jogging", 400) + wisdm(5, "Walking", 200))
    expected = {
        ("hapt", "user"): ["1", "1", "1", "2"],
        ("hapt", "experiment"): ["1", "1", "2", "3"],
        ("har", "subject"): ["4", "4", "6", "9"],
        ("wisdm", "user"): ["33", "33", "5"],
    }
    for (folder, group), groups in expected.items():
        dataset = ImuDataset.open(tmp_path / folder, "all", options=ImuDataset.Options(group=group))
        assert dataset.groups() == groups
    for split, groups in {"train": ["1", "1", "1"], "test": ["2"]}.items():
        options = ImuDataset.Options(group="user", test_group="2")
        assert ImuDataset.open(tmp_path / "hapt", split, options=options).groups() == groups
    with pytest.raises(OptionError, match=r"have no group=patient[\s\S]*it can be user, experiment"):
        ImuDataset.open(tmp_path / "hapt", options=ImuDataset.Options(group="patient"))


def test_hapt_segment_beyond_the_recording_is_refused(tmp_path: Path) -> None:
    hapt(tmp_path)
    write(tmp_path / "RawData" / "labels.txt", "1 1 1 10 51\n")
    with pytest.raises(DatasetError, match=r"steps 10 to 51 of exp01_user01\.txt, which has 50"):
        ImuDataset.open(tmp_path)
    write(tmp_path / "RawData" / "labels.txt", "1 1 1 ten 20\n")
    with pytest.raises(InputError, match=r"labels\.txt"):
        ImuDataset.open(tmp_path)


def wisdm(user: int, activity: str, steps: int, first: int = 0) -> str:
    return "".join(f"{user},{activity},{49105962326000 + 5 * step},{first + step},9.8,-0.5;\n" for step in range(steps))


def test_wisdm_is_cut_into_windows_of_one_user_and_activity(tmp_path: Path) -> None:
    text = wisdm(33, "Jogging", 450) + wisdm(33, "Walking", 210) + wisdm(5, "Walking", 200) + wisdm(5, "Sitting", 199)
    write(tmp_path / "WISDM_ar_v1.1_raw.txt", text)
    train, test = ImuDataset.open(tmp_path), ImuDataset.open(tmp_path, "test")
    assert train.task == test.task == Classification(classes=("Jogging", "Sitting", "Walking"))
    assert list(train.targets()) == [2] and list(test.targets()) == [0, 0, 2]
    assert values_of(test, 1).shape == (200, 3)
    assert values_of(test, 1)[0].tolist() == pytest.approx([200, 9.8, -0.5])
    assert only_recording(test[0].sample).rate == 20
    assert "cannot be read" not in train.source
    assert len(ImuDataset.open(tmp_path, "test", options=ImuDataset.Options(test_users="5"))) == 1
    assert len(ImuDataset.open(tmp_path / "WISDM_ar_v1.1_raw.txt", "all")) == 4
    with pytest.raises(MissingSplitError):
        ImuDataset.open(tmp_path, "val")


def test_broken_wisdm_records_are_mended_or_counted(tmp_path: Path) -> None:
    lines = [*wisdm(33, "Jogging", 200).splitlines(), *wisdm(33, "Walking", 200).splitlines()]
    lines[3] = lines[3] + ";"  # two semicolons
    lines[5] = lines[5] + lines[6]  # no line break between two records
    lines[6] = ""
    lines[8] = lines[8].replace(";", ",;")
    lines[9] = lines[9].removesuffix(";")  # no semicolon
    lines[20:20] = ["33,Jogging,49105962326000,1.5,;", "33,Jogging,49105962326000,1,2,x;", "33,Jogging;"]
    write(tmp_path / "WISDM_ar_v1.1_raw.txt", "\n".join(lines))
    with pytest.warns(DataWarning, match="3 of 403 records that cannot be read"):
        dataset = ImuDataset.open(tmp_path, "all")
    assert values_of(dataset, 0)[:, 0].tolist() == list(range(200))
    assert "3 of 403 records cannot be read and are left out" in dataset.source
    write(tmp_path / "WISDM_ar_v1.1_raw.txt", "nothing of the kind\n")
    with pytest.raises(DatasetError, match="no record that can be read, of 1"):
        ImuDataset.open(tmp_path, "all")


def test_users_are_numbers_and_ranges() -> None:
    assert parse_users("2, 4,9-12") == {2, 4, 9, 10, 11, 12}
    for text in ("two", "3-", "1,,2", "-4"):
        with pytest.raises(OptionError, match="test_users="):
            parse_users(text)


def test_uea_series_are_samples(tmp_path: Path) -> None:
    for part in ("TRAIN", "TEST"):
        write(tmp_path / f"Strokes_{part}.ts", "@classLabel true b a\n@data\n1,2,3:4,5,6:a\n7,8,9:1,2,3:b\n")
    dataset = ImuDataset.open(tmp_path, "test")
    assert dataset.task == Classification(classes=("b", "a")) and list(dataset.targets()) == [1, 0]
    assert values_of(dataset, 0).tolist() == [[1, 4], [2, 5], [3, 6]]


def test_folders_and_tables_of_recordings(tmp_path: Path) -> None:
    for name in ("walk/1.csv", "walk/2.txt", "run/3.csv"):
        write(tmp_path / "a" / name, "x,y\n1,2\n3,4\n")
    np.savez(tmp_path / "a" / "run" / "4.npz", values=np.ones((5, 2)))
    folders = ImuDataset.open(tmp_path / "a")
    assert folders.task == Classification(classes=("run", "walk")) and list(folders.targets()) == [0, 0, 1, 1]
    assert values_of(folders, 0).tolist() == [[1, 2], [3, 4]] and values_of(folders, 1).shape == (5, 2)
    write(tmp_path / "a" / "labels.csv", "path,label,split\nwalk/1.csv,u,train\nrun/3.csv,v,test\n")
    with pytest.warns(DataWarning, match="train has nothing: v"):
        assert len(ImuDataset.open(tmp_path / "a", "test")) == 1
    with pytest.warns(DataWarning, match="train has nothing: v"):
        assert len(ImuDataset.open(tmp_path / "a" / "labels.csv")) == 1


def test_other_folder_is_told_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no known layout[\s\S]*Inertial Signals[\s\S]*RawData[\s\S]*WISDM"):
        ImuDataset.open(tmp_path)
    with pytest.raises(DatasetError, match=r"notes\.txt is a file, and not a table"):
        ImuDataset.open(write(tmp_path / "notes.txt", "1 2 3\n"))
    with pytest.raises(OptionError, match=r"no option 'users'[\s\S]*test_users=''"):
        ImuDataset.open(tmp_path, options=ImuDataset.Options(users="1"))


def test_demo_is_repeatable_real_files_and_its_splits_share_none() -> None:
    train, again, test = ImuDataset.demo(size=20), ImuDataset.demo(size=20), ImuDataset.demo("test", size=20)
    assert "(synthetic)" in train.source and len(train) == 20
    assert {Path(example.sample).suffix for example in train} == {".csv", ".npz"}
    assert set(train.targets()) == set(range(5))
    first = [values_of(train, index).tobytes() for index in range(20)]
    assert first == [values_of(again, index).tobytes() for index in range(20)]
    assert not set(first) & {values_of(test, index).tobytes() for index in range(20)}
    assert first != [values_of(ImuDataset.demo(size=20, seed=1), index).tobytes() for index in range(20)]
    read = [only_recording(example.sample) for example in train]
    assert {round(recording.rate or 0) for recording in read} == {25, 50, 100}
    assert all(2 <= len(recording.values) / (recording.rate or 1) <= 4.1 for recording in read)


def test_demo_device_feels_gravity_when_it_rests_and_nothing_when_it_falls() -> None:
    dataset = ImuDataset.demo(size=10)
    names = dataset.task.classes
    by_name = {names[target]: values_of(dataset, index) for index, target in enumerate(dataset.targets())}
    forces = {name: np.linalg.norm(values[:, :3], axis=1) for name, values in by_name.items()}
    assert np.abs(forces["resting"] - 9.81).max() < 0.3
    assert forces["jumping"].min() < 0.5 and forces["jumping"].max() > 15
    assert np.abs(by_name["turning"][:, 3:]).max() > 1


def test_all_of_the_demo_is_of_all_splits_and_datasets_survive_pickling() -> None:
    dataset = ImuDataset.demo("all", size=3)
    parts = Counter(Path(example.sample).parent.name for example in dataset)
    assert parts == {"train": 3, "val": 3, "test": 3}
    assert [*pickle.loads(pickle.dumps(dataset))] == [*dataset]
    with pytest.raises(OptionError, match="no split called 'dev'"):
        ImuDataset.demo("dev")


@needs_data
def test_real_data_sets_have_their_cases_and_classes() -> None:
    root = Path(os.environ["MT_DATA"]) / "imu"
    for name, sizes in (("RacketSports", (151, 152)), ("Epilepsy", (137, 138))):
        train, test = ImuDataset.open(root / name), ImuDataset.open(root / name, "test")
        assert (len(train), len(test)) == sizes and train.task == test.task
        assert len(train.task.classes) == 4 and set(train.targets()) == set(range(4))


@pytest.mark.foreign_file(
    "HAPT's layout from one person, nothing but RawData", "own recordings", "read, told: all train"
)
def test_hapt_of_one_person_is_read_at_the_first_command(tmp_path: Path) -> None:
    hapt(tmp_path)
    (tmp_path / "activity_labels.txt").unlink()
    (tmp_path / "Test" / "subject_id_test.txt").unlink()
    for gone in (tmp_path / "RawData").glob("*_user02.txt"):
        gone.unlink()
    with (
        pytest.warns(DataWarning, match="1 of 4 segments, no recording"),
        pytest.warns(DataWarning, match="activities called by their numbers"),
    ):
        train = ImuDataset.open(tmp_path)
    assert train.task == Classification(classes=("1", "2")) and list(train.targets()) == [0, 1, 0]
    assert values_of(train, 0).shape == (11, 6)
    with (
        pytest.warns(DataWarning),
        pytest.raises(OptionError, match=r"leaves none to train on\n  fix: leave the option test_users out"),
    ):
        ImuDataset.open(tmp_path, options=ImuDataset.Options(test_users="1"))


@pytest.mark.foreign_file("HAPT's layout with the accelerometer alone", "own recordings", "read: three axes")
def test_hapt_without_a_gyroscope_has_three_axes(tmp_path: Path) -> None:
    hapt(tmp_path)
    for gone in (tmp_path / "RawData").glob("gyro_*"):
        gone.unlink()
    assert values_of(ImuDataset.open(tmp_path), 0).shape == (11, 3)
