"""Faults of the machine: nothing that was embedded is lost or doubled, and the error message has a fix."""

import errno
import os
import resource
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import mt_core as mt
from mt_core.embedding import files, part_writer
from mt_core.errors import EmbeddingError, MtWarning
from mt_core.io import atomic
from mt_core.io.lock import locked

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


@pytest.fixture
def sources(tmp_path) -> list[str]:
    for number in range(8):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).normal(size=12).astype(np.float32))
    return [str(tmp_path / f"{number}.npy") for number in range(8)]


@pytest.fixture
def embed(model, sources, monkeypatch):
    """Embed to a file in four parts."""
    monkeypatch.setattr(part_writer, "SECONDS_A_PART", 0)
    return lambda out, **more: mt.embed_files(model, sources, out, num_workers=0, batch_size=2, **more)


@pytest.fixture
def stopped(embed, monkeypatch, tmp_path):
    """The folder of parts of an embedding that was stopped before they were merged."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            embed(tmp_path / "v.parquet")
    return tmp_path / "v.parquet.parts"


def same(one, other) -> bool:
    return pq.read_table(one).equals(pq.read_table(other))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = len(content) // 3
    content[at : at + 8] = bytes(byte ^ 255 for byte in content[at : at + 8])
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [flip, lambda path: path.write_bytes(path.read_bytes()[:-20]), Path.unlink], ids=["bits", "end", "gone"]
)
@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_damaged_part_and_those_behind_it_are_embedded_again(embed, stopped, tmp_path, damage, number):
    damage(stopped / f"part-{number:06d}.parquet")
    is_noticed = not (damage is Path.unlink and number == 3)
    if is_noticed:
        with pytest.warns(MtWarning, match=f"part-{number:06d}.parquet is damaged or missing"):
            embed(tmp_path / "v.parquet")
    else:
        embed(tmp_path / "v.parquet")
    embed(tmp_path / "whole.parquet")
    assert same(tmp_path / "v.parquet", tmp_path / "whole.parquet")


def test_parts_that_a_kill_left_of_a_finished_embedding_are_of_no_other(embed, stopped, tmp_path):
    (stopped / "job.json").unlink()
    assert embed(tmp_path / "v.parquet").rows == 8


@pytest.mark.parametrize("suffix", ["csv", "npy"])
def test_a_command_that_is_killed_while_it_removes_its_parts_has_not_lost_any(embed, tmp_path, monkeypatch, suffix):
    out = tmp_path / f"v.{suffix}"
    with monkeypatch.context() as patch:
        patch.setattr(atomic.shutil, "rmtree", lambda path, **_: next(Path(path).glob("part*"), path).unlink(True))
        embed(out)
    whole = out.read_bytes()
    with pytest.raises(EmbeddingError, match="exists"):
        embed(out)
    assert out.read_bytes() == whole


def test_a_second_command_on_one_output_stops_with_a_message(embed, tmp_path):
    out = tmp_path / "v.parquet"
    with locked(out, EmbeddingError), pytest.raises(EmbeddingError, match=r"v\.parquet is being written by another"):
        embed(out)
    (tmp_path / "v.parquet.lock").touch()  # as one that was killed leaves it
    assert embed(out).rows == 8 and not (tmp_path / "v.parquet.lock").exists()


def test_a_full_disk_stops_with_a_message_and_the_same_call_goes_on(embed, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    embed(tmp_path / "whole.parquet")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # no file may be longer; Python gets EFBIG
    try:
        with pytest.raises(EmbeddingError, match="cannot be written") as caught:
            embed(tmp_path / "v.parquet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.fix
    assert not list(tmp_path.rglob("*.unfinished")) and not (tmp_path / "v.parquet").exists()
    embed(tmp_path / "v.parquet")
    assert same(tmp_path / "v.parquet", tmp_path / "whole.parquet")


def test_a_read_only_folder_stops_with_a_message(embed, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", refused)
        with pytest.raises(EmbeddingError, match=r"cannot be made .*Read-only file system"):
            embed(tmp_path / "v.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", refused)
        with pytest.raises(EmbeddingError, match=r"cannot be written .*Read-only file system"):
            embed(tmp_path / "v.parquet")
    assert embed(tmp_path / "v.parquet").rows == 8


def test_a_clock_that_was_set_back_changes_nothing(embed, sources, tmp_path, monkeypatch):
    out = tmp_path / "v.parquet"
    embed(out)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 10**8)
    assert embed(out).skipped == 8
    np.save(sources[3], np.ones(12, np.float32))
    os.utime(sources[3], (now - 10**8, now - 10**8))  # written by the clock as it is now, before all others
    result = embed(out)
    assert (result.changed, result.skipped, result.rows) == (1, 7, 8)
