import os
import pickle

import pytest

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError, MissingDependencyError


def test_a_librarys_error_becomes_ours_with_the_files_name(tmp_path):
    path = tmp_path / "cloud.ply"
    path.write_bytes(b"x")
    with (
        pytest.raises(InputError, match=r"cloud\.ply.*bad header") as raised,
        reading(path, formats=".ply"),
    ):
        raise ValueError("bad header")
    assert raised.value.fix


def test_our_own_error_passes_unchanged(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"^mine"), reading(path, formats=".a"):
        raise InputError("mine", fix="do")


def test_a_missing_file_is_told_before_any_reader_sees_it(tmp_path):
    with pytest.raises(InputError, match="does not exist"), reading(tmp_path / "none.png", formats=".png"):
        pytest.fail("the reader was called")


@pytest.mark.parametrize("name", ["x" * 5000, "with\0zero", "a" * 300 + "/b.png"])
def test_a_name_that_no_file_can_have_is_one_that_does_not_exist(name):
    with pytest.raises(InputError, match="does not exist"), reading(name, formats=".png"):
        pytest.fail("the reader was called")


def test_an_empty_file_is_told_before_any_reader_sees_it(tmp_path):
    (tmp_path / "e.png").touch()
    with pytest.raises(InputError, match="empty"), reading(tmp_path / "e.png", formats=".png"):
        pytest.fail("the reader was called")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(InputError, match="folder"), reading(tmp_path, formats=".png"):
        pytest.fail("the reader was called")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"), reading(tmp_path / "pipe", formats=".ply"):
        pass


def test_no_bytes_are_refused():
    with pytest.raises(InputError, match="no bytes to read"), reading(b"", formats=".ply"):
        pass


def test_a_missing_package_is_named_with_its_pip_line(tmp_path):
    path = tmp_path / "a.laz"
    path.write_bytes(b"x")
    with pytest.raises(MissingDependencyError, match="pip install lazrs"), reading(path, formats=".laz"):
        raise ModuleNotFoundError("No module named 'lazrs'", name="lazrs")


def test_errors_survive_pickling_from_a_reader_process():
    error = pickle.loads(pickle.dumps(InputError("what", fix="how")))
    assert (error.problem, error.fix, str(error)) == ("what", "how", "what\n  fix: how")


def test_objects_in_memory_are_named_by_type_and_shape():
    assert name_of(b"abc") == "<bytes of 3 bytes>"
    assert name_of("a.png") == "a.png"


def test_the_only_sample_of_a_source_is_given_and_its_stream_closed():
    closed = []

    def samples():
        try:
            yield "one"
        finally:
            closed.append(True)

    assert only_one(samples(), "a.csv", "row") == "one" and closed


@pytest.mark.parametrize(("samples", "said"), [([], r"a\.csv holds no row"), ([1, 2], "more than one row")])
def test_none_or_several_samples_are_refused_where_one_is_read(samples, said):
    with pytest.raises(InputError, match=said):
        only_one(iter(samples), "a.csv", "row")
