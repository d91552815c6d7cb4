"""Labels and groups that files' names or folders say, and parts that keep groups whole."""

from pathlib import Path

import pytest

from mt_core.contract import Classification
from mt_core.errors import DataWarning, OptionError
from mt_core.sdk import FileOptions, ListedDataset, list_files

foreign_file = pytest.mark.foreign_file
PATTERN = r"(?P<speaker>s\d)_(?P<label>[a-z])\d"


class Sounds(ListedDataset):
    Options = FileOptions
    layouts = {"names": "labels in the names"}  # noqa: RUF012

    @classmethod
    def find(cls, root, split, *, options=None):
        return list_files(root, split, (".wav",), options)

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        return cls([], [], Classification(classes=("a", "b")), "none")


@pytest.fixture
def wav(tmp_path) -> Path:
    (tmp_path / "wav").mkdir()
    for speaker in range(5):
        for label in "ab":
            for take in range(2):
                (tmp_path / "wav" / f"s{speaker}_{label}{take}.wav").write_bytes(b"not read here")
    return tmp_path


def opened(root, split="train", **options):
    return Sounds.open(root, split, options=Sounds.Options(**options))


def names(dataset) -> list[str]:
    return [Path(sample).stem for sample in dataset.samples]


@foreign_file("labels in the files' names", "recordings of speech", "read, with -D label=PATTERN")
def test_a_pattern_says_labels_and_groups(wav):
    dataset = opened(wav, label=PATTERN, group="speaker")
    assert dataset.task.classes == ("a", "b")
    for name, target, group in zip(names(dataset), dataset.targets(), dataset.groups(), strict=True):
        assert (group, "ab"[target]) == (name[:2], name[3])


@foreign_file("files whose names do not fit the pattern", "recordings of speech", "read, told: left out")
def test_names_that_do_not_fit_are_told(wav):
    (wav / "wav" / "noise.wav").write_bytes(b"")
    with pytest.warns(DataWarning, match=r"1 files whose names do not fit .*: noise\.wav"):
        assert len(opened(wav, label=PATTERN)) == 20


@pytest.mark.parametrize(
    ("label", "said"),
    [("(?P<label>x+)_", "fits none of 20 files"), ("(?P<label>", "no regular expression"), ("(a)_", "names no group")],
)
def test_a_pattern_that_cannot_be_used_is_refused(wav, label, said):
    with pytest.raises(OptionError, match=said) as caught:
        opened(wav, label=label)
    assert caught.value.fix


@foreign_file("a folder per speaker, and one per class below", "recordings of speech", "read, with -D label=folder2")
def test_levels_of_folders_say_labels_and_groups(tmp_path):
    for name in ("ann/yes/1.wav", "ann/no/2.wav", "bob/yes/3.wav", "bob/no/4.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    dataset = opened(tmp_path, label="folder2", group="folder1")
    assert dataset.task.classes == ("no", "yes")
    said = dict(zip(names(dataset), zip(dataset.groups(), dataset.targets(), strict=True), strict=True))
    assert said == {"1": ("ann", 1), "2": ("ann", 0), "3": ("bob", 1), "4": ("bob", 0)}


def test_a_column_of_the_table_says_groups(wav):
    rows = [f"wav/s{speaker}_a0.wav,{speaker % 2},{speaker // 2}\n" for speaker in range(5)]
    (wav / "labels.csv").write_text("path,label,patient\n" + "".join(rows))
    assert list(opened(wav, group="patient").groups()) == ["0", "0", "1", "1", "2"]
    with pytest.raises(OptionError, match="group=site"):
        opened(wav, group="site")


def test_the_groups_that_are_tested_are_not_trained_on(wav):
    parts = {
        split: opened(wav, split, label=PATTERN, group="speaker", test_group=("s1", "s3"))
        for split in ("train", "test")
    }
    assert {group for group in parts["test"].groups()} == {"s1", "s3"}
    assert {group for group in parts["train"].groups()} == {"s0", "s2", "s4"}
    with pytest.raises(OptionError, match="no group 's9'"):
        opened(wav, label=PATTERN, group="speaker", test_group=("s9",))


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_over_all_folds_every_sample_is_tested_once_and_no_group_is_on_both_sides(wav, folds):
    tested: list[str] = []
    for fold in range(1, folds + 1):
        options = {"label": PATTERN, "group": "speaker", "folds": folds, "fold": fold}
        train, test = opened(wav, "train", **options), opened(wav, "test", **options)
        assert not set(train.groups()) & set(test.groups()) and len(train) + len(test) == 20
        tested += names(test)
    assert sorted(tested) == sorted(path.stem for path in (wav / "wav").iterdir())


def test_folds_without_groups_have_their_share_of_every_class(wav):
    for fold in (1, 2):
        targets = list(opened(wav, "test", label=PATTERN, folds=2, fold=fold).targets())
        assert (targets.count(0), targets.count(1)) == (5, 5)


def test_samples_without_a_group_are_one_each_and_told(wav):
    pattern = r"(?P<speaker>s[0-3])?.*(?P<label>[ab])\d"  # s4 is no speaker of it
    with pytest.warns(DataWarning, match="4 of 20 samples have no group"):
        assert list(opened(wav, label=pattern, group="speaker").groups()).count(None) == 4


def test_more_folds_than_groups_are_refused(wav):
    with pytest.raises(OptionError, match="5 groups are too few for 6 folds"):
        opened(wav, label=PATTERN, group="speaker", folds=6)
