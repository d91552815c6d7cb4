import io
import zipfile

import numpy as np
import pytest

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_core.sdk import names_in_npz, read_npy, read_npz


def read(path, *names, **options):
    with reading(path, formats=".npz"):
        return read_npz(path, names, **options)


def test_the_array_of_the_first_name_that_is_there_is_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(3), y=np.arange(4))
    assert read(tmp_path / "a.npz", "points", "y", "x").tolist() == [0, 1, 2, 3]
    assert names_in_npz(tmp_path / "a.npz") == ("x", "y")


def test_the_only_array_needs_no_name(tmp_path):
    np.savez(tmp_path / "a.npz", anything=np.arange(3))
    assert read(tmp_path / "a.npz", "x").tolist() == [0, 1, 2]


def test_several_arrays_of_other_names_are_told(tmp_path):
    np.savez(tmp_path / "a.npz", b=np.arange(3), a=np.arange(3))
    with pytest.raises(InputError, match=r"arrays a, b\n.*'x'"):
        read(tmp_path / "a.npz", "x")


def test_an_array_that_would_unpack_to_more_than_allowed_is_refused_before_it_is(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(10**7))
    assert (tmp_path / "bomb.npz").stat().st_size < 10**5
    with pytest.raises(InputError, match="would take"):
        read(tmp_path / "bomb.npz", "x", largest=10**6)


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(InputError, match=r"would take 7,450\.6 GiB"):
        read(tmp_path / "a.npz", "x")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"a\.npz"):
        read(tmp_path / "a.npz", "x")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04cut", b"no zip at all"])
def test_what_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz"):
        read(tmp_path / "a.npz", "x")
    assert names_in_npz(tmp_path / "a.npz") == ()


def test_an_npy_file_is_read_and_one_that_promises_more_than_there_is_is_refused():
    content = io.BytesIO()
    np.save(content, np.arange(6.0).reshape(2, 3))
    assert read_npy(io.BytesIO(content.getvalue()), "a.npy").tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(InputError, match=r"a\.npy .*truncated"):
        read_npy(io.BytesIO(content.getvalue()[:-1]), "a.npy")
    with pytest.raises(InputError, match=r"a\.npy is \(2, 3\) float64 and would take"):
        read_npy(content, "a.npy", largest=47)
