from pathlib import Path

import pytest

from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import FILE_LAYOUTS, demo_files, first_bytes, is_tiff, list_files, require_files


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_a_table_comes_before_folders_and_folders_give_the_classes(tmp_path):
    put(tmp_path, "cat/a.wav", "dog/b.wav")
    found = list_files(tmp_path, "train", [".wav"])
    assert found.labels == ["cat", "dog"] and found.layout in FILE_LAYOUTS
    (tmp_path / "labels.csv").write_text("path,label\ncat/a.wav,loud\n")
    for root in (tmp_path, tmp_path / "labels.csv"):
        found = list_files(root, "train", [".wav"])
        assert found.labels == ["loud"] and found.layout in FILE_LAYOUTS


def test_a_folder_without_either_is_in_no_layout_and_another_file_is_refused(tmp_path):
    put(tmp_path, "a.wav")
    assert list_files(tmp_path, "train", [".wav"]) is None
    with pytest.raises(DatasetError, match=r"a\.wav is a file, and not a table"):
        list_files(tmp_path / "a.wav", "train", [".wav"])


def test_files_that_are_not_there_are_counted_and_the_first_of_them_named(tmp_path):
    put(tmp_path, "here")
    paths = [str(tmp_path / name) for name in ("here", "a", "b", "c", "d")]
    require_files(paths[:1], tmp_path, fix="unpack it")
    with pytest.raises(DatasetError, match=r"4 files that do not exist, of 5: .*a, .*b, .*c, \.\.\.") as caught:
        require_files(paths, tmp_path, fix="unpack it")
    assert caught.value.fix == "unpack it"


def written(stem, label, turn, generator):
    path = stem.with_suffix(".txt")
    path.write_text(f"{label} {turn} {generator.random()}")
    return path


def test_demonstration_files_are_of_each_class_in_turn_and_differ_by_split_and_seed():
    def texts(split, size, seed=0):
        found = demo_files("waves", split, size, seed, ("a", "b"), written)
        texts = [Path(path).read_text() for path in found.samples]
        assert found.classes == ("a", "b") and found.layout == "demo"
        assert [text.split()[0] for text in texts] == found.labels
        return texts

    first = texts("train", 5)
    assert [text.rsplit(" ", 1)[0] for text in first] == ["a 0", "b 0", "a 1", "b 1", "a 2"]
    assert texts("train", 3) == first[:3]
    everything = [*texts("all", 2), *texts("train", 2, seed=1)]
    assert len(set(everything)) == 8
    with pytest.raises(OptionError):
        demo_files("waves", "some", 1, 0, ("a",), written)


def test_a_file_is_known_by_its_first_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"II*\0more")
    assert first_bytes(tmp_path / "a", 4) == first_bytes(str(tmp_path / "a"), 4) == first_bytes(b"II*\0more", 4)
    assert first_bytes(b"II", 4) == b"II"
    assert [is_tiff(start) for start in (b"II*\0more", b"MM\0+", b"II", b"\x89PNG")] == [True, True, False, False]
