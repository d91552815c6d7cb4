"""The parts of a training's data: how many groups each has, and groups that lie in two of them."""

from pathlib import Path

import pytest

from mt_core.contract import Classification
from mt_core.data.training_data import TrainingData, open_training_data
from mt_core.errors import DataWarning
from mt_core.sdk import FileOptions, ListedDataset, list_files
from mt_core.training.summary import data_summary


class Sounds(ListedDataset):
    Options = FileOptions
    layouts = {"split folders": "folders"}  # noqa: RUF012

    @classmethod
    def find(cls, root, split, *, options=None):
        return list_files(root, split, (".wav",), options)

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        return cls([], [], Classification(classes=("a", "b")), "none")


def written(root: Path, speakers_of: dict[str, str]) -> Path:
    """In each folder two takes of each class by each of its speakers, who have names of one letter."""
    for folder, speakers in speakers_of.items():
        for name in (f"{label}/{speaker}_{take}.wav" for label in "xy" for speaker in speakers for take in "12"):
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (root / folder / name).write_bytes(b"not read here")
    return root


def parts_of(root: Path, **options) -> TrainingData:
    given = Sounds.Options(group="(?P<speaker>[a-z])_.*", **options)
    return open_training_data(Sounds, root, given, val_fraction=0.25, test_fraction=0.25, seed=0)


@pytest.mark.foreign_file(
    "train/ and test/ with recordings of the same people", "random splits of recordings", "read, told, with group"
)
def test_groups_in_two_of_the_data_s_own_parts_are_told(tmp_path):
    written(tmp_path, {"train": "abc", "val": "d", "test": "be"})
    with pytest.warns(DataWarning, match="1 of 2 groups of test are in train too, as parts of both: b"):
        parts_of(tmp_path)


def test_nothing_is_told_where_each_group_lies_in_one_part(tmp_path):
    parts = parts_of(written(tmp_path, {"train": "abc", "val": "d", "test": "ef"}))
    assert "train: 12 samples of 3 groups" in data_summary(parts)
    assert "val: 4 samples of 1 group, the data's own" in data_summary(parts)


def test_the_summary_has_the_groups_of_each_part_and_none_is_in_two(tmp_path):
    parts = parts_of(written(tmp_path, {".": "abcdefgh"}))
    assert parts.test is not None
    groups = [{*(part.groups() or ())} for part in (parts.train, parts.val, parts.test)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 8
    for name, part, own in zip(("train", "val", "test"), (parts.train, parts.val, parts.test), groups, strict=True):
        assert any(line.startswith(f"{name}: {len(part)} samples of {len(own)} group") for line in data_summary(parts))


def test_what_the_options_test_shares_no_group_with_the_rest(tmp_path):
    parts = parts_of(
        written(tmp_path, {"train": "abc", "test": "ab"}), folds=3, fold=1
    )  # no warning, an error in tests
    assert parts.test is None and "the data's own" in parts.notes[1]
