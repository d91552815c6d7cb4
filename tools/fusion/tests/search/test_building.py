"""What can be put into an index, and what is refused."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mt_core.errors import OptionError
from mt_fusion import SearchError, build_index, open_index, search
from mt_fusion.searching import building

ALIGNED = {"space": "ab12", "pool": "head"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"modality": "audio"}, r"another modality \(image, audio\)"),
        ({"encoder_fingerprint": "f" * 64}, r"another encoder \(eeeeeeeeeeee…, ffffffffffff…\)"),
        ({"tokenizer_fingerprint": "u" * 64}, "another tokenizer or calibration"),
        ({"pool": "cls", "layers": [3, 6]}, r"another pooling \(mean, cls\), layers \(None, \[3, 6\]\)"),
        ({"space": "ab12"}, r"another space \(ab12, and that of one image model\)"),
    ],
)
def test_vectors_of_another_space_are_refused_by_what_differs(write_vectors, tmp_path, change, says):
    files = [write_vectors("a.parquet", np.eye(4)), write_vectors("b.parquet", np.eye(4), **change)]
    with pytest.raises(SearchError, match=rf"b.parquet holds vectors of another space than .*a.parquet: {says}"):
        build_index(files, tmp_path / "i")
    assert not list(tmp_path.glob("i*"))


def test_vectors_of_another_width_are_refused(write_vectors, tmp_path):
    files = [write_vectors("a.parquet", np.eye(4)), write_vectors("b.parquet", np.eye(5))]
    with pytest.raises(SearchError, match=r"another width \(4, 5\)"):
        build_index(files, tmp_path / "i")


def test_vectors_of_several_modalities_with_one_space_are_together(write_vectors, tmp_path):
    photos = write_vectors("photos.parquet", np.eye(4), **ALIGNED)
    captions = write_vectors("captions.parquet", np.eye(4), modality="text", tokenizer_fingerprint="u", **ALIGNED)
    index = build_index([photos, captions], tmp_path / "i")
    found = search(index, np.eye(4)[2:3], k=2)[0]
    assert [(record["modality"], record["source"]) for record in found] == [
        ("image", "photos-2.jpg"),
        ("text", "captions-2.jpg"),
    ]
    assert len(search(index, np.eye(4)[:1], k=8, where='modality == "text"')[0]) == 4


def test_the_precision_makes_no_other_space(write_vectors, tmp_path):
    files = [write_vectors("a.parquet", np.eye(4)), write_vectors("b.parquet", np.eye(4), precision="bf16")]
    assert build_index(files, tmp_path / "i").num_rows == 8


def test_of_a_file_of_several_modalities_one_is_chosen(write_vectors, tmp_path):
    own = {
        name: {**json.loads('{"encoder_fingerprint": "e", "pool": "mean"}'), "modality": name} for name in ("a", "b")
    }
    path = write_vectors("v.parquet", np.eye(4), modalities=["a", "b", "b", "a"], modality="several", modalities_=own)
    metadata = {key: value for key, value in pq.read_schema(path).metadata.items() if key != b"mt.modalities_"}
    table = pq.read_table(path).replace_schema_metadata({**metadata, b"mt.modalities": json.dumps(own)})
    pq.write_table(table, path)
    with pytest.raises(
        SearchError, match=r"several modalities \(a, b\), each in a space of its own\n  fix: .*--modality a"
    ):
        build_index(path, tmp_path / "i")
    with pytest.raises(SearchError, match=r"holds vectors of a, b, none of c"):
        build_index(path, tmp_path / "i", modality="c")
    index = build_index(path, tmp_path / "i", modality="b")
    assert index.num_rows == 2 and {row["modality"] for row in index.rows([0, 1])} == {"b"}


def no_metadata(path):
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)


def other_table(path):
    pq.write_table(pa.table({"price": [1, 2]}), path)


def text(path):
    path.write_text("a,b\n1,2\n")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def scrambled(path):
    content = bytearray(path.read_bytes())
    content[8 : len(content) // 2] = bytes(len(content) // 2 - 8)
    path.write_bytes(content)


def removed(path):
    path.unlink()


def empty(path):
    pq.write_table(pq.read_table(path).slice(0, 0), path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (no_metadata, "is a Parquet file, and no file of vectors"),
        (other_table, "is a Parquet file, and no file of vectors"),
        (text, "is not a whole Parquet file"),
        (truncated, "is not a whole Parquet file"),
        (scrambled, "is damaged"),
        (removed, "does not exist"),
        (empty, "holds no vectors"),
    ],
)
def test_what_is_no_file_of_vectors_is_refused(write_vectors, random_vectors, tmp_path, damage, says):
    path = write_vectors("v.parquet", random_vectors(500))
    damage(path)
    with pytest.raises(SearchError, match=rf"v.parquet {says}"):
        build_index(path, tmp_path / "i")
    assert not list(tmp_path.glob("i*"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_by_the_name_of_its_source(write_vectors, tmp_path, value):
    vectors = np.eye(4)
    vectors[2, 1] = value
    with pytest.raises(SearchError, match=r"the vector of v-2.jpg is not a number throughout"):
        build_index(write_vectors("v.parquet", vectors), tmp_path / "i")


def test_a_zero_vector_has_no_cosine(write_vectors, tmp_path):
    path = write_vectors("v.parquet", [[1, 0], [0, 0]], ["a.csv", "a.csv"], rows=[0, 1])
    with pytest.raises(SearchError, match=r"the vector of a.csv, row 1 is zero"):
        build_index(path, tmp_path / "i")
    assert len(search(build_index(path, tmp_path / "i", metric="l2"), np.zeros((1, 2)), k=2)[0]) == 2


def test_a_file_is_named_once(write_vectors, tmp_path):
    path = write_vectors("v.parquet", np.eye(3))
    with pytest.raises(SearchError, match=r"is named twice"):
        build_index([path, Path(f"{tmp_path}/./v.parquet")], tmp_path / "i")


def test_an_unknown_metric_is_refused(write_vectors, tmp_path):
    with pytest.raises(OptionError, match=r"choose cosine, dot or l2"):
        build_index(write_vectors("v.parquet", np.eye(3)), tmp_path / "i", metric="hamming")


def test_an_index_is_replaced_only_when_that_is_said(write_vectors, tmp_path):
    path = write_vectors("v.parquet", np.eye(3))
    build_index(path, tmp_path / "i")
    with pytest.raises(SearchError, match=r"is there already"):
        build_index(path, tmp_path / "i")
    more = write_vectors("more.parquet", np.eye(3)[::-1])
    assert build_index([path, more], tmp_path / "i", overwrite=True).num_rows == 6
    assert sorted(each.name for each in tmp_path.iterdir()) == ["i", "more.parquet", "v.parquet"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_index_is_never_replaced(write_vectors, tmp_path, kind):
    if kind == "file":
        (tmp_path / "i").write_text("mine")
    else:
        (tmp_path / "i").mkdir()
        (tmp_path / "i" / "mine.txt").write_text("mine")
    with pytest.raises(SearchError, match=r"is a file" if kind == "file" else "is a folder of something else"):
        build_index(write_vectors("v.parquet", np.eye(3)), tmp_path / "i", overwrite=True)
    assert (tmp_path / "i").exists()


def test_a_full_disk_leaves_the_earlier_index_and_nothing_else(write_vectors, tmp_path, monkeypatch):
    path = write_vectors("v.parquet", np.eye(3))
    build_index(path, tmp_path / "i")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(
        SearchError, match=r"cannot be written \(No space left on device\)\n  fix: check the disk's room"
    ):
        build_index(path, tmp_path / "i", overwrite=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["i", "v.parquet"]
    assert open_index(tmp_path / "i").num_rows == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_fills_up_while_vectors_are_written_is_an_error_of_ours(write_vectors, tmp_path, monkeypatch):
    before = open
    monkeypatch.setitem(
        vars(building), "open", lambda path, mode: before("/dev/full" if str(path).endswith(".npy") else path, mode)
    )
    with pytest.raises(SearchError, match=r"No space left"):
        build_index(write_vectors("v.parquet", np.eye(3)), tmp_path / "i")
    assert not list(tmp_path.glob("i*"))


def test_an_index_that_another_process_writes_is_left_to_it(write_vectors, tmp_path):
    path = write_vectors("v.parquet", np.eye(3))
    code = f"""
import fcntl, os, sys
os.makedirs({str(tmp_path / "i.unfinished")!r})
lock = open({str(tmp_path / "i.unfinished" / ".lock")!r}, "ab")
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(SearchError, match=r"another mt index is writing"):
            build_index(path, tmp_path / "i")
        other.communicate()
    assert build_index(path, tmp_path / "i").num_rows == 3  # what a killed one left is in nobody's way


@pytest.mark.parametrize("name", ["vectors.npy", "rows.arrow", "index.json", "engine.faiss"])
@pytest.mark.parametrize("damage", ["truncated", "removed"])
def test_a_damaged_index_is_refused(write_vectors, random_vectors, tmp_path, name, damage):
    build_index(write_vectors("v.parquet", random_vectors(300)), tmp_path / "i", approximate=True)
    path = tmp_path / "i" / name
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(SearchError, match=r"is damaged|is missing from the index|is no index"):
        open_index(tmp_path / "i")


def test_a_damaged_engine_is_refused(write_vectors, random_vectors, tmp_path):
    build_index(write_vectors("v.parquet", random_vectors(300)), tmp_path / "i", approximate=True)
    content = bytearray((tmp_path / "i" / "engine.faiss").read_bytes())
    content[40:60] = b"\xff" * 20
    (tmp_path / "i" / "engine.faiss").write_bytes(content)
    with pytest.raises(SearchError, match=r"engine.faiss is damaged"):
        search(tmp_path / "i", random_vectors(1), k=1)


@pytest.mark.parametrize("record", ["[]", '{"format": 1}', "nonsense", '{"format": "x"}'])
def test_a_record_that_is_none_is_refused(write_vectors, tmp_path, record):
    build_index(write_vectors("v.parquet", np.eye(3)), tmp_path / "i")
    (tmp_path / "i" / "index.json").write_text(record)
    with pytest.raises(SearchError, match=r"index.json is damaged"):
        open_index(tmp_path / "i")


def test_an_index_of_a_newer_version_says_so(write_vectors, tmp_path):
    build_index(write_vectors("v.parquet", np.eye(3)), tmp_path / "i")
    (tmp_path / "i" / "index.json").write_text('{"format": 99}')
    with pytest.raises(SearchError, match=r"written by a newer mt-fusion"):
        open_index(tmp_path / "i")


def test_an_index_needs_its_files_no_more_and_says_when_they_change(write_vectors, tmp_path):
    path = write_vectors("v.parquet", np.eye(3))
    index = build_index(path, tmp_path / "i")
    assert index.changed_files() == []
    write_vectors("v.parquet", np.eye(4))
    assert index.changed_files() == [f"{path} has changed"]
    path.unlink()
    (tmp_path / "i").rename(tmp_path / "elsewhere")
    moved = open_index(tmp_path / "elsewhere")
    assert moved.changed_files() == [f"{path} is no longer there"]
    assert search(moved, np.eye(3)[:1], k=1)[0][0]["source"] == "v-0.jpg"
