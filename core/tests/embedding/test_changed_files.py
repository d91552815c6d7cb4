"""A file that has changed under the same name is embedded again; nothing else is."""

import os

import numpy as np
import pyarrow.parquet as pq
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.cli.embed import _report
from mt_core.embedding import engine, part_writer
from mt_core.embedding.changes import states_of

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


@pytest.fixture
def sources(tmp_path) -> list[str]:
    (tmp_path / "data").mkdir()
    for number in range(4):
        write(tmp_path / "data" / f"{number}.npy", number)
    return [str(tmp_path / "data" / f"{number}.npy") for number in range(4)]


def write(path, number, length=12):
    np.save(path, np.random.default_rng(number).normal(size=length).astype(np.float32))


def vectors(path) -> dict[str, np.ndarray]:
    table = pq.read_table(path, columns=["source", "vector"])
    found = dict(zip(table["source"].to_pylist(), map(np.array, table["vector"].to_pylist()), strict=True))
    assert len(found) == len(table)
    return found


def same(path, model, sources) -> bool:
    expected = mt.embed(model, sources)
    return all(
        np.allclose(vectors(path)[source], row, atol=1e-5) for source, row in zip(sources, expected, strict=True)
    )


def test_a_changed_file_is_embedded_again_and_told_and_the_others_are_not(model, sources, tmp_path):
    out = tmp_path / "v.parquet"
    mt.embed_files(model, sources, out, num_workers=0)
    write(sources[1], 100, length=16)
    result = mt.embed_files(model, sources, out, num_workers=0)
    assert (result.changed, result.skipped, result.rows) == (1, 3, 4)
    assert same(out, model, sources)
    assert mt.embed_files(model, sources, out, num_workers=0).changed == 0


def test_the_size_and_the_date_are_kept_and_a_hash_where_it_is_asked_for(model, sources, tmp_path):
    table = pq.read_table(mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0).path)
    assert table["size"].to_pylist() == [os.path.getsize(source) for source in sources]
    assert table["modified"].cast("int64").to_pylist() == [os.stat(source).st_mtime_ns for source in sources]
    assert table["sha256"].null_count == 4
    table = pq.read_table(mt.embed_files(model, sources, tmp_path / "h.parquet", num_workers=0, hash_files=True).path)
    assert table["sha256"].null_count == 0 and len(set(table["sha256"].to_pylist())) == 4


def test_with_a_hash_the_content_decides(model, sources, tmp_path, small_encoder_file, capsys):
    out = tmp_path / "v.parquet"
    command = ["embed", "toy", *sources, "-o", str(out), "--encoder", str(small_encoder_file), "--hash"]
    assert main(command) == 0
    at = os.stat(sources[1]).st_mtime_ns
    write(sources[1], 100)  # as many bytes
    os.utime(sources[1], ns=(at, at))
    os.utime(sources[2], ns=(at + 10**9, at + 10**9))
    assert main(command) == 0
    shown = capsys.readouterr().err
    assert "1 file(s) had changed since, and were embedded again" in shown and "3 file(s) were in" in shown
    assert same(out, model, sources)


@pytest.mark.parametrize("stopped_at", [1, 2])
def test_a_file_that_changes_while_the_work_is_interrupted_is_embedded_as_it_is_then(
    model, sources, tmp_path, monkeypatch, stopped_at
):
    out = tmp_path / "v.parquet"
    monkeypatch.setattr(part_writer, "ROWS_A_PART", 1)
    monkeypatch.setattr(engine, "num_parallel_batches", lambda model: 1)
    vectors_of, calls = engine.PooledVectors.of, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) > stopped_at:
            raise KeyboardInterrupt
        return vectors_of(*arguments)

    for changed in (0, 2):  # and once more: what was to be read again changes again
        calls.clear()
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(engine.PooledVectors, "of", interrupted)
            mt.embed_files(model, sources, out, num_workers=0, batch_size=1)
        write(sources[changed], 100 + changed, length=16)
        write(sources[0], 200 + changed, length=20)
    result = mt.embed_files(model, sources, out, num_workers=0, batch_size=1)
    assert result.rows == 4 and same(out, model, sources)
    assert not (tmp_path / "v.parquet.parts").exists()


def test_a_file_that_could_not_be_read_is_tried_again_when_it_is_whole(model, sources, tmp_path):
    good = (tmp_path / "data" / "1.npy").read_bytes()
    (tmp_path / "data" / "1.npy").write_bytes(good[:40])
    out = tmp_path / "v.parquet"
    assert len(mt.embed_files(model, sources, out, num_workers=0).failed) == 1
    (tmp_path / "data" / "1.npy").write_bytes(good)
    result = mt.embed_files(model, sources, out, num_workers=0)
    assert not result.failed and result.errors is None and same(out, model, sources)


def test_a_file_that_is_gone_keeps_its_vectors(model, sources, tmp_path):
    mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    os.unlink(sources[1])
    assert mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0).skipped == 4


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_name_that_is_not_utf8_is_embedded_and_comes_back(
    model, tmp_path, small_encoder_file, num_workers, capfdbinary
):
    folder = tmp_path / "data"
    folder.mkdir()
    names = [b"caf\xe9.npy", "café.npy".encode(), b"plain.npy"]
    for number, name in enumerate(names):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            np.save(file, np.random.default_rng(number).normal(size=12).astype(np.float32))
    with open(os.fsencode(folder) + b"/bad\xff.npy", "wb") as file:
        file.write(b"no array")
    out = tmp_path / "v.parquet"
    command = ["embed", "toy", str(folder), "-o", str(out), "--encoder", str(small_encoder_file)]
    for _ in range(2):
        assert main([*command, "--num-workers", str(num_workers)]) == 1
    sources = list(vectors(out))
    assert {os.path.basename(os.fsencode(mt.path_of_text(source))) for source in sources} == set(names)
    assert "file:" + str(folder) + "/caf%E9.npy" in sources
    assert b"bad%FF.npy" in capfdbinary.readouterr().err


def test_every_name_comes_back_from_its_text():
    from mt_core.io.names import path_of_text, text_of_path

    for name in ("a/b.png", "café", "a%20b", os.fsdecode(b"\xff\xfe/%41.csv"), "file:x", "a\\xff", ""):
        text = text_of_path(name)
        assert path_of_text(text) == name and text.encode() is not None


def test_vectors_of_a_file_that_was_removed_are_kept_and_it_is_reported(model, sources, tmp_path, capsys):
    out = tmp_path / "v.parquet"
    mt.embed_files(model, sources[:3], out, num_workers=0)
    os.remove(sources[1])
    for wanted in ([sources[0], *sources[2:]], sources[2:]):  # with something new, and with nothing new
        result = mt.embed_files(model, wanted, out, num_workers=0)
        assert result.gone == [sources[1]] and set(vectors(out)) == set(sources)
    _report(result)
    assert f"1 file(s) in {out} are no longer there, such as {sources[1]}" in capsys.readouterr().err
    assert not mt.embed_files(model, sources[2:], out, num_workers=0, overwrite=True).gone


@pytest.fixture
def pair(tmp_path):
    """A header, two files that belong to it, and a function that gives their names."""
    for name in ("a.hdr", "a.1", "a.2"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1e9, 1e9))
    header = str(tmp_path / "a.hdr")
    return header, lambda path: [path.replace(".hdr", end) for end in (".1", ".2", ".absent")]


@pytest.mark.parametrize("with_hash", [False, True])
def test_files_that_belong_to_one_count_with_it_whatever_is_exchanged(pair, with_hash, tmp_path):
    header, beside = pair

    def state():
        (found,) = states_of([header], beside=beside, with_hash=with_hash)
        return found

    before = state()
    assert not before.differs(state())
    (tmp_path / "a.1").rename(tmp_path / "a")
    (tmp_path / "a.2").rename(tmp_path / "a.1")
    (tmp_path / "a").rename(tmp_path / "a.2")
    exchanged = state()
    assert before.differs(exchanged) is with_hash  # the same sizes and dates under the same names
    os.utime(tmp_path / "a.1", (1, 1))  # older than all others
    assert exchanged.differs(state()) is not with_hash


def test_a_hash_of_names_is_not_held_against_one_of_contents(pair):
    header, beside = pair
    (by_date,) = states_of([header], beside=beside)
    (by_content,) = states_of([header], beside=beside, with_hash=True)
    assert not by_date.differs(by_content) and not by_content.differs(by_date)
