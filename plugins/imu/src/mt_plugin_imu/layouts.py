"""The folders that public sets of activities come in.  T steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import reading
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import Listing, left_out, read_text, reinterpreted, select_splits, sorted_names
from mt_plugin_imu.recording import Recording, make_recording

UCI_HAR_HZ = HAPT_HZ = 50.0
WISDM_HZ = 20.0
WISDM_WINDOW = 200
"""Steps: ten seconds, as the authors of the data cut it."""

WISDM_TEST_USERS = "27-36"
"""Ignatov 2018, Applied Soft Computing 62, 915-922: users 1 to 26 train, the rest test."""

_SIGNALS = ("body_acc", "body_gyro", "total_acc")


def find_uci_har(root: Path, split: str) -> Listing | None:
    """UCI HAR: `train/Inertial Signals/body_acc_x_train.txt` and eight more, a window of 128 steps a line.

    The nine axes are body acceleration (without gravity), angular velocity and total acceleration, in g and rad/s. The
    subjects of `train/subject_train.txt` may be the groups.

    Raises:
        DatasetError: files that are missing or do not fit each other.
        MissingSplitError: no such split.
    """
    found = [part for part in ("train", "test") if (root / part / "Inertial Signals").is_dir()]
    if not found:
        return None
    activities = _activities(root / "activity_labels.txt")
    samples: list[Recording] = []
    labels: list[str | None] = []
    subjects: list[int | None] = []
    for part in select_splits(split, found, root):
        folder = root / part / "Inertial Signals"
        files = [folder / f"{signal}_{axis}_{part}.txt" for signal in _SIGNALS for axis in "xyz"]
        axes = [_table(file) for file in files]
        numbers = _whole_numbers(root / part / f"y_{part}.txt")[:, 0].tolist()
        if len({axis.shape for axis in axes}) > 1 or len(numbers) != len(axes[0]):
            raise DatasetError(
                f"{folder}: the nine signals and y_{part}.txt have {sorted({len(axis) for axis in axes})} and "
                f"{len(numbers)} lines",
                fix="check that the download is complete",
            )
        windows_NTC = np.stack(axes, axis=2)
        for row, window_TC in enumerate(windows_NTC, 1):
            samples.append(make_recording(window_TC, UCI_HAR_HZ, f"{folder}, line {row}"))
        labels += [_named(number, activities, root) for number in numbers]
        subjects += _subjects(root / part / f"subject_{part}.txt", len(numbers))
    columns = {"subject": subjects} if any(subjects) else {}
    return Listing(samples, labels, tuple(activities.values()), "uci-har", columns=columns)


def _subjects(path: Path, windows: int) -> Sequence[int | None]:
    """Whose each window is; None where there is no list."""
    if not path.is_file():
        return [None] * windows
    numbers: list[int] = _whole_numbers(path)[:, 0].tolist()
    if len(numbers) != windows:
        raise DatasetError(
            f"{path} has {len(numbers)} lines for {windows} windows", fix="check that the download is complete"
        )
    return numbers


def find_hapt(root: Path, split: str, test_users: str) -> Listing | None:
    """HAPT: `RawData/acc_exp01_user01.txt` and `gyro_…`, cut as `RawData/labels.txt` says (experiment, user, activity,
    first and last step, counted from 1): a sample is a segment, however long.

    Recordings of one's own may lack `activity_labels.txt` (activities then are called by their numbers), the list of
    who is tested (then all are trained on), the gyroscope, and the recordings of some segments. Users and experiments
    may be the groups.

    Args:
        test_users: For instance "2,4,9-12"; "" for those that `Test/subject_id_test.txt` lists.

    Warns:
        DataWarning: segments without a recording, activities without a name.

    Raises:
        DatasetError: files that are missing, or segments beyond their end.
        MissingSplitError: no such split.
        OptionError: `test_users` that do not occur, or that leave nobody to train on.
    """
    raw = root / "RawData"
    if not (raw / "labels.txt").is_file():
        return None
    segments = _whole_numbers(raw / "labels.txt")
    if segments.shape[1] != 5:
        raise DatasetError(
            f"{raw / 'labels.txt'} has {segments.shape[1]} columns, not 5",
            fix="write experiment, user, activity, first and last step, with blanks between",
        )
    sensors = [sensor for sensor in ("acc", "gyro") if any(raw.glob(f"{sensor}_exp*_user*.txt"))]
    kept = [segment for segment in segments.tolist() if sensors and (raw / _hapt_file(sensors[0], *segment)).is_file()]
    if not kept:
        example = _hapt_file("acc", *segments[0].tolist())
        raise DatasetError(
            f"{raw} has none of the recordings that labels.txt lists, such as {example}",
            fix="copy them there; their names have the numbers of experiment and user, of two digits",
        )
    if len(kept) < len(segments):
        left_out(str(raw / "labels.txt"), f"{len(segments) - len(kept):,} of {len(segments):,} segments, no recording")
    activities = _hapt_activities(root, kept)
    users = {user for _, user, *_ in kept}
    listed = root / "Test" / "subject_id_test.txt"
    if test_users:
        tested = parse_users(test_users)
    else:
        tested = users & set(_whole_numbers(listed).flatten().tolist()) if listed.is_file() else set()
    wanted = _wanted_users(split, users, tested, root)
    kept = [segment for segment in kept if segment[1] in wanted]
    recorded: dict[str, NDArray[np.float32]] = {}
    samples: list[Recording] = []
    labels: list[str | None] = []
    for experiment, user, activity, first, last in kept:
        key = _hapt_file("", experiment, user).lstrip("_")
        if key not in recorded:
            parts = [_table(raw / f"{sensor}_{key}") for sensor in sensors]
            steps = min(len(part) for part in parts)
            recorded[key] = np.concatenate([part[:steps] for part in parts], axis=1)
        if not 1 <= first < last <= len(recorded[key]):
            raise DatasetError(
                f"{raw / 'labels.txt'}: steps {first} to {last} of {key}, which has {len(recorded[key])}",
                fix="check that the download is complete",
            )
        name = f"{raw / f'{sensors[0]}_{key}'}, steps {first} to {last}"
        samples.append(make_recording(recorded[key][first - 1 : last], HAPT_HZ, name))
        labels.append(_named(activity, activities, root))
    columns = {"user": [user for _, user, *_ in kept], "experiment": [experiment for experiment, *_ in kept]}
    return Listing(samples, labels, tuple(activities.values()), "hapt", columns=columns)


def _hapt_file(sensor: str, experiment: int, user: int, *_: int) -> str:
    return f"{sensor}_exp{experiment:02d}_user{user:02d}.txt"


def _hapt_activities(root: Path, segments: list[list[int]]) -> dict[int, str]:
    path = root / "activity_labels.txt"
    if path.is_file():
        return _activities(path)
    reinterpreted(str(root), "activities called by their numbers: there is no activity_labels.txt")
    return {number: str(number) for number in sorted({activity for _, _, activity, *_ in segments})}


def find_wisdm(root: Path, split: str, test_users: str) -> Listing | None:
    """WISDM: `WISDM_ar_v1.1_raw.txt`, records `user,activity,timestamp,x,y,z;`.

    Cut into windows of 200 steps of one user and activity, without overlap; what is left over is left out. Some records
    of the published file run into each other, which is fixed, and some lack a number: these are left out, and how many
    they are stands in the name of the layout. Users may be the groups.

    Args:
        test_users: For instance "27-36"; "" for these.

    Raises:
        DatasetError: no record, or no full window.
        MissingSplitError: neither train nor test.
        OptionError: as `find_hapt`.
    """
    paths = [root] if root.is_file() else sorted(root.glob("WISDM_ar_*_raw.txt"))
    if not paths or not paths[0].name.lower().startswith("wisdm_ar"):
        return None
    records = [record for record in re.split(r"[;\n]", read_text(paths[0])) if record.strip()]
    runs, broken = _runs(records)
    if not runs:
        raise DatasetError(f"{paths[0]} has no record that can be read, of {len(records):,}", fix="download it again")
    users = {user for user, _, _ in runs}
    tested = parse_users(test_users) if test_users else users & parse_users(WISDM_TEST_USERS)
    wanted = _wanted_users(split, users, tested, root)
    samples: list[Recording] = []
    labels: list[str | None] = []
    users_of: list[int] = []
    for user, activity, steps_T3 in runs:
        for start in range(0, len(steps_T3) - WISDM_WINDOW + 1, WISDM_WINDOW) if user in wanted else ():
            name = f"{paths[0]}, user {user}, {activity}, window {len(samples) + 1}"
            samples.append(make_recording(steps_T3[start : start + WISDM_WINDOW], WISDM_HZ, name))
            labels.append(activity)
            users_of.append(user)
    note = f"{broken:,} of {len(records):,} records cannot be read and are left out" if broken else ""
    if broken:
        left_out(str(paths[0]), f"{broken:,} of {len(records):,} records that cannot be read")
    activities = sorted_names(activity for _, activity, _ in runs)
    return Listing(samples, labels, activities, "wisdm", note=note, columns={"user": users_of})


def parse_users(text: str) -> set[int]:
    """The numbers in "2,4,9-12".

    Raises:
        OptionError: anything else.
    """
    users: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6}))?\s*", part)
        if match is None:
            raise OptionError(f"test_users={text!r}", fix="give numbers and ranges, for instance test_users=2,4,9-12")
        users.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return users


def _wanted_users(split: str, users: set[int], tested: set[int], root: Path) -> set[int]:
    if strange := sorted(tested - users):
        raise OptionError(
            f"{root} has no user {', '.join(map(str, strange[:10]))}",
            fix=f"the users are {', '.join(map(str, sorted(users)))}",
        )
    if tested and users == tested and split in ("train", "val"):
        raise OptionError(
            f"{root}: the test has all users ({', '.join(map(str, sorted(users)))}), and leaves none to train on",
            fix="leave the option test_users out: training then holds out some recordings for the test by itself"
            if len(users) == 1
            else "choose fewer by the option test_users",
        )
    parts = {"train": users - tested, "test": tested}
    return set().union(*(parts[part] for part in select_splits(split, [part for part in parts if parts[part]], root)))


def _runs(records: list[str]) -> tuple[list[tuple[int, str, NDArray[np.float32]]], int]:
    """Consecutive records of one user and activity, as (T, 3), and how many records could not be read."""
    found = [record for record in map(_record, records) if record is not None]
    runs = [
        (user, activity, np.array([step for _, _, step in run], dtype=np.float32))
        for (user, activity), run in groupby(found, key=itemgetter(0, 1))
    ]
    return runs, len(records) - len(found)


def _record(text: str) -> tuple[int, str, list[float]] | None:
    """User, activity and x, y, z; None where it cannot be read."""
    try:
        user, activity, _, x, y, z = text.strip().removesuffix(",").split(",")
        return int(user), activity.strip(), [float(x), float(y), float(z)]
    except ValueError:
        return None


def _activities(path: Path) -> dict[int, str]:
    """Number and name a line."""
    activities = {}
    for line in read_text(path).splitlines():
        number, _, name = line.strip().partition(" ")
        if line.strip():
            if not number.isdecimal() or not name.strip():
                raise DatasetError(f"{path}: {line[:80]!r} is no number and name", fix="download it again")
            activities[int(number)] = name.strip()
    return activities


def _named(number: int, activities: dict[int, str], root: Path) -> str:
    if number not in activities:
        raise DatasetError(f"{root} has the activity {number}, which activity_labels.txt does not", fix="add its name")
    return activities[number]


def _table(path: Path) -> NDArray[np.float32]:
    with reading(path, formats="numbers with blanks between"):
        return np.loadtxt(path, dtype=np.float32, ndmin=2, comments=None)


def _whole_numbers(path: Path) -> NDArray[np.int64]:
    with reading(path, formats="whole numbers with blanks between"):
        return np.loadtxt(path, dtype=np.int64, ndmin=2, comments=None)
