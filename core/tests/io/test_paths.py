import pytest

from mt_core.errors import InputError
from mt_core.io.paths import expand


@pytest.fixture
def folder(tmp_path):
    for name in ("b.npy", "a.NPY", "deep/c.npy", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def test_a_folder_gives_its_files_of_the_formats_sorted(folder):
    assert expand([folder], [".npy"]) == [str(folder / name) for name in ("a.NPY", "b.npy", "deep/c.npy")]


def test_a_pattern_gives_what_matches_sorted(folder):
    assert expand([str(folder / "*.npy")], [".npy"]) == [str(folder / "b.npy")]


def test_a_named_file_stays_whatever_its_ending_and_comes_once(folder):
    notes = str(folder / "notes.txt")
    assert expand([notes, notes, "missing.npy"], [".npy"]) == [notes, "missing.npy"]


def test_a_folder_without_such_files_says_what_was_looked_for(folder):
    with pytest.raises(InputError, match=r"\.wav"):
        expand([folder], [".wav"])


def test_a_pattern_that_matches_nothing_says_so(folder):
    with pytest.raises(InputError, match="matches no file"):
        expand([str(folder / "*.wav")], [".wav"])


@pytest.mark.parametrize(
    "source", ["how are you?", "is it * or ?", "C[C@H](N)C(=O)O", "[Na+].[Cl-]", "C" * 300, "Is it? " * 700]
)
def test_a_sentence_or_a_molecule_is_no_pattern(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert expand([source], [".txt"]) == [source]


@pytest.mark.parametrize("pattern", ["*.txt", "data/*", "a?.txt"])
def test_a_pattern_without_a_match_is_told(pattern, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="matches no file"):
        expand([pattern], [".txt"])
