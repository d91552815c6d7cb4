"""The folders that public data sets of sound ship in, and what is said where a folder is none of them."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mt_core.contract import Classification
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_plugin_audio.dataset import AudioDataset
from mt_plugin_audio.tokenizer import AudioTokenizer


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(80, 0.1), 8_000)


def listed(dataset: AudioDataset, root: Path) -> list[tuple[str, str | None]]:
    """Path below the root and name of the class, one a sample."""
    examples = (dataset[index] for index in range(len(dataset)))
    return [
        (
            Path(example.sample).relative_to(root).as_posix(),
            None if example.target is None else dataset.task.classes[example.target],
        )
        for example in examples
    ]


def names(dataset: AudioDataset) -> list[str]:
    return [Path(sample).name for sample in dataset.samples]


# spoken digits


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    for digit in (0, 7):
        for speaker in ("george", "lucas"):
            for index in (0, 4, 5, 11):
                put(tmp_path / "recordings" / f"{digit}_{speaker}_{index}.wav")
    (tmp_path / "metadata.py").write_text("metadata = {}")
    return tmp_path


def test_spoken_digits_have_the_first_five_of_each_as_test(digits: Path):
    test, train = AudioDataset.open(digits, "test"), AudioDataset.open(digits)
    assert test.task == train.task == Classification(classes=("0", "7"))
    assert listed(test, digits) == [
        (f"recordings/{digit}_{speaker}_{index}.wav", str(digit))
        for digit in (0, 7)
        for speaker in ("george", "lucas")
        for index in (0, 4)
    ]
    assert len(train) == 8 and not {*names(train)} & {*names(test)}
    assert len(AudioDataset.open(digits, "all")) == 16
    assert names(AudioDataset.open(digits / "recordings", "test")) == names(test)


def test_one_speaker_can_be_held_out(digits: Path):
    test = AudioDataset.open(digits, "test", options=AudioDataset.Options(held_out_speaker="lucas"))
    train = AudioDataset.open(digits, "train", options=AudioDataset.Options(held_out_speaker="lucas"))
    assert len(test) == len(train) == 8
    assert all("lucas" in name for name in names(test)) and all("george" in name for name in names(train))


@pytest.mark.foreign_file("spoken digits, of which each speaker is left out once", "own recordings", "read, with group")
def test_speakers_of_the_spoken_digits_are_groups_by_name(digits: Path):
    tested = []
    for fold in (1, 2):
        options = AudioDataset.Options(group="speaker", folds=2, fold=fold)
        test, train = AudioDataset.open(digits, "test", options=options), AudioDataset.open(digits, options=options)
        assert [name.split("_")[1] for name in names(test)] == list(test.groups() or ())
        assert not {*(test.groups() or ())} & {*(train.groups() or ())} and len(test) + len(train) == 16
        tested += names(test)
    assert sorted(tested) == sorted(path.name for path in (digits / "recordings").iterdir())
    with pytest.raises(OptionError, match=r"\(digits\) have no group=room[\s\S]*it can be speaker"):
        AudioDataset.open(digits, options=AudioDataset.Options(group="room"))


def test_unknown_speaker_is_refused_with_those_there_are(digits: Path, tmp_path_factory: pytest.TempPathFactory):
    with pytest.raises(OptionError, match="theo") as caught:
        AudioDataset.open(digits, options=AudioDataset.Options(held_out_speaker="theo"))
    assert "george, lucas" in caught.value.fix
    other = tmp_path_factory.mktemp("other")
    put(other / "dog" / "1.wav")
    with pytest.raises(OptionError, match="speakers"):
        AudioDataset.open(other, options=AudioDataset.Options(held_out_speaker="theo"))


def test_spoken_digits_have_no_val_of_their_own(digits: Path):
    with pytest.raises(MissingSplitError, match="it has train, test"):
        AudioDataset.open(digits, "val")


# Speech Commands


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    for name in ("bed/a_nohash_0.wav", "bed/a_nohash_1.wav", "bed/b_nohash_0.wav", "cat/a_nohash_0.wav"):
        put(tmp_path / name)
    put(tmp_path / "_background_noise_" / "pink_noise.wav")
    (tmp_path / "validation_list.txt").write_text("bed/a_nohash_0.wav\nbed/a_nohash_1.wav\nzero/a_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("cat/a_nohash_0.wav\n")
    return tmp_path


def test_speech_commands_are_split_by_their_lists(commands: Path):
    assert listed(AudioDataset.open(commands, "val"), commands) == [
        ("bed/a_nohash_0.wav", "bed"),
        ("bed/a_nohash_1.wav", "bed"),
    ]
    assert listed(AudioDataset.open(commands, "test"), commands) == [("cat/a_nohash_0.wav", "cat")]
    train = AudioDataset.open(commands)
    assert listed(train, commands) == [("bed/b_nohash_0.wav", "bed")]
    assert train.task.classes == ("bed", "cat")  # noise is no word
    assert len(AudioDataset.open(commands, "all")) == 4


def test_speakers_of_speech_commands_are_groups_by_name(commands: Path):
    dataset = AudioDataset.open(commands, "all", options=AudioDataset.Options(group="speaker"))
    assert dataset.groups() == [name[0] for name in names(dataset)] and {*dataset.groups()} == {"a", "b"}


def test_incomplete_speech_commands_are_refused(commands: Path):
    (commands / "bed" / "a_nohash_1.wav").unlink()
    with pytest.raises(DatasetError, match=r"validation_list\.txt names bed/a_nohash_1\.wav"):
        AudioDataset.open(commands)
    (commands / "validation_list.txt").write_text("../" * 3000)  # longer than any path may be
    assert len(AudioDataset.open(commands)) == 2


# ESC-50

ESC50 = "filename,fold,target,category,esc10,src_file,take\n"


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    rows = []
    for fold in range(1, 6):
        for target, category in ((0, "dog"), (49, "hand_saw")):
            name = f"{fold}-100032-A-{target}.wav"
            put(tmp_path / "audio" / name)
            rows.append(f"{name},{fold},{target},{category},True,100032,A\n")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(ESC50 + "".join(rows))
    return tmp_path


def test_recordings_of_esc50_are_groups_by_name(esc50: Path):
    dataset = AudioDataset.open(esc50, "all", options=AudioDataset.Options(group="src_file"))
    assert dataset.groups() == [name.split("-")[1] for name in names(dataset)]


@pytest.mark.parametrize("fold", [None, 1, 5])
def test_one_fold_of_esc50_is_test(esc50: Path, fold: int | None):
    options = {} if fold is None else {"fold": fold}
    test = AudioDataset.open(esc50, "test", options=AudioDataset.Options(**options))
    assert listed(test, esc50) == [
        (f"audio/{fold or 5}-100032-A-0.wav", "dog"),
        (f"audio/{fold or 5}-100032-A-49.wav", "hand_saw"),
    ]
    train = AudioDataset.open(esc50, options=AudioDataset.Options(**options))
    assert len(train) == 8 and not {*names(train)} & {*names(test)}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("filename,target\na.wav,0\n", "row 1"),
        (ESC50 + "1-100032-A-0.wav,6,0,dog,True,1,A\n", "row 1"),
        (ESC50 + "gone.wav,1,0,dog,True,1,A\n", "gone.wav"),
        (ESC50 + "a.wav\n", "line 2"),
        (ESC50 + '"a' + "x" * 200_000, "line 2"),
        ("", "no rows"),
    ],
    ids=["columns", "fold", "missing clip", "short row", "endless cell", "empty"],
)
def test_bad_table_of_esc50_is_refused(esc50: Path, table: str, said: str):
    (esc50 / "meta" / "esc50.csv").write_text(table)
    with pytest.raises(DatasetError, match=said):
        AudioDataset.open(esc50)


def test_esc50_has_five_folds(esc50: Path):
    with pytest.raises(OptionError, match="fold=6"):
        AudioDataset.open(esc50, options=AudioDataset.Options(fold=6))


# folders and tables


def test_folder_per_class_with_every_suffix(tmp_path: Path):
    put(tmp_path / "dog" / "1.wav")
    for name in ("2.FLAC", "3.mp3", "4.ogg", "5.opus", "6.aiff"):
        (tmp_path / "dog" / name).write_bytes(b"not read yet")
    put(tmp_path / "rain" / "1.wav")
    (tmp_path / "rain" / "notes.txt").write_text("no sound")
    dataset = AudioDataset.open(tmp_path)
    assert dataset.task.classes == ("dog", "rain") and Counter(dataset.targets()) == {0: 6, 1: 1}


def test_folder_per_split(tmp_path: Path):
    for name in ("train/dog/1.wav", "train/rain/2.wav", "valid/dog/3.wav"):
        put(tmp_path / name)
    assert listed(AudioDataset.open(tmp_path, "val"), tmp_path) == [("valid/dog/3.wav", "dog")]
    with pytest.raises(MissingSplitError, match="it has train, val"):
        AudioDataset.open(tmp_path, "test")


def test_table_of_paths_labels_and_splits(tmp_path: Path):
    put(tmp_path / "clips" / "a.wav")
    put(tmp_path / "clips" / "b.wav")
    (tmp_path / "labels.csv").write_text("filename,label,split\nclips/a.wav,dog,train\nclips/b.wav,rain,test\n")
    for root in (tmp_path, tmp_path / "labels.csv"):
        with pytest.warns(DataWarning, match="classes of test of which train has nothing: rain"):
            assert listed(AudioDataset.open(root, "test"), tmp_path) == [("clips/b.wav", "rain")]


@pytest.mark.parametrize("name", ["a.wav", "notes/a.txt", ""])
def test_no_known_layout_says_what_was_looked_for(tmp_path: Path, name: str):
    if name:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a")
    with pytest.raises(DatasetError) as caught:
        AudioDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in AudioDataset.layouts.values())


def test_file_that_is_no_table_is_refused(tmp_path: Path):
    put(tmp_path / "a.wav")
    with pytest.raises(DatasetError, match="not a table"):
        AudioDataset.open(tmp_path / "a.wav")


def test_unknown_option_is_refused_with_those_there_are(tmp_path: Path):
    with pytest.raises(OptionError, match="speaker") as caught:
        AudioDataset.open(tmp_path, options=AudioDataset.Options(speaker="george"))
    assert "held_out_speaker" in caught.value.fix and "fold" in caught.value.fix


# demonstration


def contents(dataset: AudioDataset) -> list[bytes]:
    read = AudioTokenizer(8).read
    return [read(sample).samples.tobytes() for sample in dataset.samples]


def test_demonstration_is_synthetic_and_says_so():
    assert AudioDataset.demo(size=4).source.endswith("(synthetic)")


def test_demonstration_is_the_same_for_the_same_seed():
    first = contents(AudioDataset.demo(size=12, seed=3))
    assert contents(AudioDataset.demo(size=12, seed=3)) == first
    assert contents(AudioDataset.demo(size=12, seed=4)) != first


def test_splits_of_the_demonstration_share_no_sample():
    parts = [AudioDataset.demo(split, size=40) for split in ("train", "val", "test")]
    everything = [content for part in parts for content in contents(part)]
    assert len(set(everything)) == len(everything) == 120
    assert len({part.task for part in parts}) == 1


def test_demonstration_has_every_class_and_every_format():
    dataset = AudioDataset.demo(size=80)
    assert set(Counter(dataset.targets()).values()) == {20}
    assert {Path(sample).suffix for sample in dataset.samples} == {".wav", ".flac", ".ogg"}
    sounds = [soundfile.info(sample) for sample in dataset.samples]
    assert len({sound.samplerate for sound in sounds}) == 5
    assert {sound.subtype for sound in sounds} == {"PCM_U8", "PCM_16", "PCM_24", "VORBIS"}
    assert all(0.29 < sound.duration < 0.81 for sound in sounds)


def test_demonstration_knows_its_splits():
    with pytest.raises(OptionError, match="dev"):
        AudioDataset.demo("dev")
    assert len(AudioDataset.demo("all", size=9)) == 27


# both


def test_dataset_survives_pickling(digits: Path):
    dataset = AudioDataset.open(digits)
    again = pickle.loads(pickle.dumps(dataset))
    assert listed(again, digits) == listed(dataset, digits) and again.task == dataset.task


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_free_spoken_digit_dataset():
    root = Path(os.environ["MT_DATA"]) / "audio" / "free-spoken-digit-dataset"
    test, train = AudioDataset.open(root, "test"), AudioDataset.open(root)
    assert (len(test), len(train)) == (300, 2700)
    assert test.task.classes == tuple("0123456789") and set(Counter(test.targets()).values()) == {30}
    assert len(AudioDataset.open(root, "test", options=AudioDataset.Options(held_out_speaker="theo"))) == 500
    read = AudioTokenizer(8).read
    seconds = [len(read(sample).samples) / 16_000 for sample in test.samples]
    assert 0.14 <= min(seconds) and max(seconds) <= 2.29
