import pytest

from mt_core.errors import RunError
from mt_core.io.atomic import atomic_write


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "run.json"
    with atomic_write(path, RunError) as unfinished:
        unfinished.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_half_way_leaves_the_old_file_and_nothing_of_the_new(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path, RunError) as unfinished:
        unfinished.write_text("ha")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_of_the_system_becomes_ours_with_the_files_name_and_a_fix(tmp_path):
    with pytest.raises(RunError, match=r"run\.json cannot be written[\s\S]*make room"):
        with atomic_write(tmp_path / "run.json", RunError, "make room"):
            raise OSError("no space left")
