"""Each file goes to the modality that reads its suffix."""

from pathlib import Path

import pytest

from mt_core.cli.sorting import sort_by_suffix
from mt_core.errors import InputError, OptionError

SUFFIXES = {"sound": (".wav",), "image": (".png",), "thermal": (".png",), "cloud": (".npy",), "motion": (".npy", ".ts")}


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.wav", "in/b.PNG", "in/c.npy", "in/d.ts", "in/e.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("x")


def test_a_suffix_of_one_modality_tells_it_and_one_of_several_its_usual_one():
    found = sort_by_suffix(["in"], SUFFIXES, {})
    assert found.groups == {"sound": ["in/a.wav"], "image": ["in/b.PNG"], "motion": ["in/d.ts"]}
    assert found.shared == {".png": "image"}


def test_what_nobody_reads_or_what_may_be_of_several_is_listed_with_the_way_out():
    problems = {failure["source"]: failure for failure in sort_by_suffix(["in"], SUFFIXES, {}).unread}
    assert problems["in/e.md"]["problem"] == "in/e.md: no installed plugin reads it"
    assert problems["in/c.npy"]["fix"] == "say which: --as .npy=cloud"


def test_data_beside_a_file_of_their_name_are_passed_over():
    for name in ("in/scene.hdr", "in/scene.img", "in/raw", "in/raw.hdr", "in/a.cue", "in/other.img"):
        Path(name).write_text("x")
    found = sort_by_suffix(["in"], {**SUFFIXES, "spectra": (".hdr",)}, {})
    assert found.beside == ["in/a.cue", "in/raw", "in/scene.img"]
    assert "in/other.img" in {failure["source"] for failure in found.unread}


def test_the_user_may_say_what_a_suffix_is():
    found = sort_by_suffix(["in"], SUFFIXES, {".npy": "motion", ".png": "thermal"})
    assert found.groups["motion"] == ["in/c.npy", "in/d.ts"] and found.groups["thermal"] == ["in/b.PNG"]
    with pytest.raises(OptionError, match="no such modality is installed"):
        sort_by_suffix(["in"], SUFFIXES, {".npy": "nonsense"})


def test_where_nobody_reads_anything_it_is_an_error():
    with pytest.raises(InputError, match="no installed plugin reads it"):
        sort_by_suffix(["in/e.md"], SUFFIXES, {})
