"""Sources and outputs at URLs: memory, a web server and an S3 server on this machine."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from fsspec import AbstractFileSystem

import mt_core as mt
from mt_core.cli import main
from mt_core.embedding import part_writer
from mt_core.errors import EmbeddingError, InputError
from mt_core.io import fetching, urls

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(urls, "SECONDS_BETWEEN_TRIES", 0)


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def series(number, length=12) -> np.ndarray:
    return np.random.default_rng(number).normal(size=length).astype(np.float32)


def content(number, length=12) -> bytes:
    file = io.BytesIO()
    np.save(file, series(number, length))
    return file.getvalue()


def vectors(table) -> np.ndarray:
    return np.array(table["vector"].to_pylist(), np.float32)


def expected(model, count=3) -> np.ndarray:
    return mt.embed(model, [series(number) for number in range(count)])


def fill(files, folder, count=3):
    for number in range(count):
        files.pipe_file(f"{folder}/{number}.npy", content(number))


@pytest.mark.parametrize("named", ["memory://a/data/", "memory://a/data", "memory://a/data/*.npy", "memory://a/**"])
def test_a_folder_or_a_pattern_gives_its_files_in_order_and_the_table_names_urls(model, memory, tmp_path, named):
    fill(memory, "/a/data")
    memory.pipe_file("/a/data/readme.txt", b"no series") if not named.endswith("**") else None
    table = pq.read_table(mt.embed_files(model, named, tmp_path / "v.parquet", num_workers=0).path)
    assert table["source"].to_pylist() == [f"memory://a/data/{number}.npy" for number in range(3)]
    assert table["size"].to_pylist() == [len(content(number)) for number in range(3)]
    np.testing.assert_allclose(vectors(table), expected(model), atol=1e-5)


def test_urls_can_be_embedded_in_memory(model, memory):
    fill(memory, "/a")
    np.testing.assert_allclose(mt.embed(model, "memory://a"), expected(model), atol=1e-5)
    np.testing.assert_allclose(mt.embed(model, ["memory://a/1.npy"]), expected(model)[1:2], atol=1e-5)


def test_hidden_files_at_a_url_are_left_out_with_a_notice(model, memory, tmp_path):
    fill(memory, "/a")
    memory.pipe_file("/a/.1.npy", b"x")
    memory.pipe_file("/a/__MACOSX/2.npy", b"x")
    with pytest.warns(match="a hidden file"), pytest.warns(match="a folder that a system"):
        result = mt.embed_files(model, "memory://a", tmp_path / "v.parquet", num_workers=0)
    assert result.rows == 3 and len(result.notices) == 2


def test_nothing_fetched_stays(model, memory, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    fill(memory, "/a")
    num_files = []
    prepare = model.tokenizer.prepare
    monkeypatch.setattr(
        model.tokenizer,
        "prepare",
        lambda *given: (num_files.append(len(list((tmp_path / "tmp").rglob("*.npy")))), prepare(*given))[1],
        raising=False,
    )
    mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0)
    assert num_files == [1, 1, 1] and not list((tmp_path / "tmp").iterdir())


def test_what_cannot_be_read_is_listed_by_its_url_and_stops_nobody(model, memory, tmp_path):
    fill(memory, "/a")
    memory.pipe_file("/a/1.npy", b"garbage")
    named = ["memory://a/0.npy", "memory://a/1.npy", "memory://a/missing.npy", "memory://nowhere/2.npy"]
    result = mt.embed_files(model, named, "memory://b/v.parquet", num_workers=1)
    assert [failure["source"] for failure in result.failed] == named[1:]
    assert all(failure["source"] in failure["problem"] for failure in result.failed)
    assert "does not exist" in result.failed[1]["problem"]
    assert not any(tempfile.gettempdir() in line for failure in result.failed for line in failure.values())
    assert result.errors == "memory://b/v.errors.jsonl" and len(memory.cat("/b/v.errors.jsonl").splitlines()) == 3


def test_an_output_at_a_url_is_that_of_a_file_and_is_added_to(model, memory, tmp_path):
    fill(memory, "/a", 4)
    first = [f"memory://a/{number}.npy" for number in range(2)]
    mt.embed_files(model, first, "memory://b/v.parquet", num_workers=0)
    memory.pipe_file("/a/1.npy", content(100, 16))
    result = mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0)
    assert (result.path, result.rows, result.skipped, result.changed) == ("memory://b/v.parquet", 4, 1, 1)
    whole = mt.embed_files(model, "memory://a", tmp_path / "v.parquet", num_workers=0).path
    with memory.open("/b/v.parquet") as file:
        there = pq.read_table(file).sort_by("source")
    np.testing.assert_allclose(vectors(there), vectors(pq.read_table(whole)), atol=1e-5)
    assert memory.find("/b") == ["/b/v.parquet"]


def test_removed_files_are_reported_and_their_vectors_kept(model, memory):
    fill(memory, "/a")
    mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0)
    memory.rm("/a/1.npy")
    result = mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0)
    assert (result.rows, result.gone) == (3, ["memory://a/1.npy"])


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "npy"])
def test_other_formats_go_to_urls_too(model, memory, suffix):
    fill(memory, "/a")
    mt.embed_files(model, "memory://a", f"memory://b/v.{suffix}", num_workers=0)
    beside = ["/b/v.sources.csv"] if suffix == "npy" else []
    assert memory.find("/b") == sorted([f"/b/v.{suffix}", *beside])
    with pytest.raises(EmbeddingError, match=rf"memory://b/v\.{suffix} exists, and only a \.parquet"):
        mt.embed_files(model, "memory://a", f"memory://b/v.{suffix}", num_workers=0)


def test_an_interrupted_embedding_goes_on_from_the_parts_at_its_url(model, memory, monkeypatch):
    fill(memory, "/a", 6)
    whole = mt.embed_files(model, "memory://a", "memory://b/whole.parquet", num_workers=0, batch_size=2).path
    add = part_writer._Pending.add
    monkeypatch.setattr(part_writer, "SECONDS_A_PART", 0)
    calls = []

    def stopping(self, *given):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("as if killed: nothing is written on the way out")
        add(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(part_writer._Pending, "add", stopping)
        with pytest.raises(RuntimeError):
            mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0, batch_size=2)
    assert sorted(Path(name).name for name in memory.find("/b/v.parquet.parts")) == [
        "job.json",
        "part-000000.parquet",
        "part-000001.parquet",
    ]
    resumed = mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0, batch_size=2)
    assert resumed.resumed == 3  # the fourth may have had more samples
    with memory.open("/b/v.parquet") as one, memory.open("/b/whole.parquet") as other:
        assert pq.read_table(one).equals(pq.read_table(other))
    assert sorted(memory.find("/b")) == ["/b/v.parquet", "/b/whole.parquet"] and whole == "memory://b/whole.parquet"


def test_another_command_that_writes_the_same_url_is_noticed(model, memory, monkeypatch):
    fill(memory, "/a")
    encode = type(model).encode

    def meanwhile(self, batch):
        memory.pipe_file("/b/v.parquet.parts/part-000000.parquet", b"of another command")
        return encode(self, batch)

    monkeypatch.setattr(type(model), "encode", meanwhile)
    with pytest.raises(EmbeddingError, match="was written by another command in the meantime"):
        mt.embed_files(model, "memory://a", "memory://b/v.parquet", num_workers=0)
    assert memory.cat("/b/v.parquet.parts/part-000000.parquet") == b"of another command"


def test_a_web_server_that_breaks_off_is_asked_again_and_not_for_ever(model, web, tmp_path):
    for number in range(3):
        (web.folder / f"{number}.npy").write_bytes(content(number))
    web.breaking |= {"1.npy": 2, "2.npy": 100}
    named = [f"{web.url}/{number}.npy?version=3" for number in range(3)]
    result = mt.embed_files(model, named, tmp_path / "v.parquet", num_workers=1)
    table = pq.read_table(result.path)
    assert table["source"].to_pylist() == named[:2]
    np.testing.assert_allclose(vectors(table), expected(model, 2), atol=1e-5)
    assert [failure["source"] for failure in result.failed] == named[2:]
    assert "cannot be reached" in result.failed[0]["problem"] and web.asked.count("2.npy") == urls.TRIES


def test_what_a_server_has_not_or_refuses_is_said_so(model, web, tmp_path):
    result = mt.embed_files(
        model, [f"{web.url}/missing.npy", f"{web.url}/secret.npy"], tmp_path / "v.parquet", num_workers=0
    )
    assert [failure["problem"].removeprefix(web.url) for failure in result.failed] == [
        "/missing.npy does not exist",
        "/secret.npy may not be opened: no permission",
    ]


def test_a_server_that_is_not_there_is_a_failure_like_any_other(model, tmp_path):
    result = mt.embed_files(model, "http://127.0.0.1:9/a.npy", tmp_path / "v.parquet", num_workers=0)
    assert "http://127.0.0.1:9/a.npy cannot be reached" in result.failed[0]["problem"]


def test_a_web_server_lists_nothing_and_takes_nothing(model, web, tmp_path):
    with pytest.raises(InputError, match="a web server lists no files"):
        mt.embed_files(model, f"{web.url}/", tmp_path / "v.parquet", num_workers=0)
    with pytest.raises(EmbeddingError, match="a web server takes no files"):
        mt.embed_files(model, "a.npy", f"{web.url}/v.parquet", num_workers=0)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hush@host/a.npy",
        "s3://key:hush@bucket/a.npy",
        "https://host/a.npy?X-Amz-Signature=hush",
        "https://host/a.npy?v=1&access_token=hush",
        "https://host/a.npy?sig=hush",
    ],
)
def test_a_url_with_a_secret_in_it_is_refused_and_not_shown(model, url, tmp_path):
    for sources, out in ((url, tmp_path / "v.parquet"), ("a.npy", url.replace(".npy", ".parquet"))):
        with pytest.raises(InputError, match="holds a password or a signature") as caught:
            mt.embed_files(model, sources, out, num_workers=0)
        assert "hush" not in str(caught.value)


def test_a_package_that_is_missing_is_named_with_its_command(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(mt.MtError, match="needs the package gcsfs") as caught:
        mt.embed_files(model, "gs://bucket/a.npy", tmp_path / "v.parquet", num_workers=0)
    assert caught.value.fix == "pip install gcsfs"
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(mt.MtError, match="needs the package fsspec") as caught:
        mt.embed_files(model, "a.npy", "memory://b/v.parquet", num_workers=0)
    assert caught.value.fix == 'pip install "mt-core[url]"'


def test_a_bucket_in_one_command(s3, model, small_encoder_file, capsys):
    fill(s3, "pictures/in", 4)
    s3.pipe_file("pictures/in/3.npy", b"garbage")
    command = ["embed", "toy", "s3://pictures/in/", "-o", "s3://pictures/out/v.parquet", "--num-workers", "2"]
    assert main([*command, "--encoder", str(small_encoder_file)]) == 1
    shown = capsys.readouterr()
    assert shown.out == "s3://pictures/out/v.parquet: 3 vectors\n"
    assert "s3://pictures/out/v.errors.jsonl" in shown.err and "secret" not in shown.err
    assert s3.find("pictures/out") == ["pictures/out/v.errors.jsonl", "pictures/out/v.parquet"]
    with s3.open("pictures/out/v.parquet") as file:
        table = pq.read_table(file)
    assert table["source"].to_pylist() == [f"s3://pictures/in/{number}.npy" for number in range(3)]
    np.testing.assert_allclose(vectors(table), expected(model), atol=1e-5)
    everything = s3.cat("pictures/out/v.parquet") + s3.cat("pictures/out/v.errors.jsonl")
    assert b"of-the-test" not in everything
    assert main([*command, "--encoder", str(small_encoder_file), "--hash"]) == 1
    assert "3 file(s) were in s3://pictures/out/v.parquet already" in capsys.readouterr().err


def test_the_modality_of_urls_is_that_of_their_suffix(s3, small_encoder_file, capsys, monkeypatch):
    monkeypatch.setenv("MT_PLUGINS", "toy")
    fill(s3, "pictures/in")
    command = ["embed", "s3://pictures/in/*.npy", "-o", "s3://pictures/v.csv", "--encoder", str(small_encoder_file)]
    assert main(command) == 0
    assert len(s3.cat("pictures/v.csv").splitlines()) == 4


def test_a_bucket_that_is_not_there_or_refuses(s3, model, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"s3://nowhere/in/ (does not exist|holds no file)"):
        mt.embed_files(model, "s3://nowhere/in/", tmp_path / "v.parquet", num_workers=0)
    result = mt.embed_files(model, "s3://nowhere/a.npy", tmp_path / "v.parquet", num_workers=1)
    assert "s3://nowhere/a.npy does not exist" in result.failed[0]["problem"]
    with pytest.raises(EmbeddingError, match=r"s3://nowhere/v\.parquet.* does not exist"):
        mt.embed_files(model, [str(tmp_path / "a.npy")], "s3://nowhere/v.parquet", num_workers=0)
    fill(s3, "pictures/in")
    monkeypatch.setattr(s3, "put_file", lambda *_, **__: (_ for _ in ()).throw(PermissionError("Access Denied")))
    with pytest.raises(EmbeddingError, match="may not be opened: no permission"):
        mt.embed_files(model, "s3://pictures/in", "s3://pictures/v.parquet", num_workers=0)


def test_a_list_of_urls_in_a_text_file(memory, small_encoder_file, tmp_path, capsys):
    fill(memory, "/a")
    (tmp_path / "list.txt").write_text("memory://a/2.npy\n\nmemory://a/0.npy\r\n")
    out = tmp_path / "v.parquet"
    command = ["embed", "toy", f"@{tmp_path / 'list.txt'}", "-o", str(out), "--encoder", str(small_encoder_file)]
    assert main(command) == 0
    assert pq.read_table(out)["source"].to_pylist() == ["memory://a/2.npy", "memory://a/0.npy"]
    assert main(["embed", "toy", "@nowhere.txt", "-o", str(out)]) == 2
    assert "the list nowhere.txt cannot be read" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_command_goes_on_from_its_bucket(s3, small_encoder_file, tmp_path):
    """SIGKILL; what it left in the temporary folder is of no use to the next, which may run elsewhere."""
    fill(s3, "pictures/in", 40)
    slow_start = (
        "import sys, time, mt_core.embedding.part_writer as f; add = f._Pending.add; f.SECONDS_A_PART = 0\n"
        "f._Pending.add = lambda self, *a: (time.sleep(0.2), add(self, *a))[1]\n"
        "from mt_core.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    toy = Path(__file__).parents[1] / "toy"
    environment = {**os.environ, "PYTHONPATH": str(toy), "OMP_NUM_THREADS": "1"}
    options = ["--encoder", str(small_encoder_file), "--batch-size", "4", "--num-workers", "1"]
    command = ["embed", "toy", "s3://pictures/in/", *options, "-o"]
    process = subprocess.Popen([sys.executable, "-c", slow_start, *command, "s3://pictures/v.parquet"], env=environment)
    while process.poll() is None and len(s3.glob("pictures/v.parquet.parts/part-*")) < 3:
        s3.invalidate_cache()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    for out in ("v.parquet", "whole.parquet"):
        again = [sys.executable, "-m", "mt_core.cli", *command, f"s3://pictures/{out}"]
        done = subprocess.run(again, env=environment, capture_output=True, text=True, check=True)
        assert ("went on after" in done.stderr) == (out == "v.parquet")
    s3.invalidate_cache()
    with s3.open("pictures/v.parquet") as one, s3.open("pictures/whole.parquet") as other:
        assert pq.read_table(one).equals(pq.read_table(other))
    assert json.dumps(s3.find("pictures", maxdepth=1)) == '["pictures/v.parquet", "pictures/whole.parquet"]'


class Refusing(AbstractFileSystem):
    """A bucket whose owner lets nobody see what is there, so that an absent file is a forbidden one."""

    protocol = "refusing"

    def get_file(self, rpath, lpath, **more):
        if not rpath.endswith(".hdr"):
            raise self.failure
        Path(lpath).write_text("header")

    @classmethod
    def _strip_protocol(cls, path):
        return path.rpartition("/")[2]


@pytest.mark.parametrize("failure", [FileNotFoundError("no"), PermissionError("no")])
def test_what_is_not_beside_a_file_at_a_url_is_passed_over(monkeypatch, failure):
    monkeypatch.setattr(Refusing, "failure", failure, raising=False)
    monkeypatch.setattr(fetching, "open_url", lambda url: (Refusing(), url))
    with fetching.fetched("s3://a/b.hdr", beside=["s3://a/b.img"]) as path:
        assert os.listdir(os.path.dirname(path)) == ["b.hdr"]


def test_what_broke_off_beside_a_file_at_a_url_is_not_passed_over(monkeypatch):
    monkeypatch.setattr(Refusing, "failure", OSError("reset by peer"), raising=False)
    monkeypatch.setattr(fetching, "open_url", lambda url: (Refusing(), url))
    with pytest.raises(InputError, match=r"s3://a/b.img cannot be reached .*reset by peer"):
        with fetching.fetched("s3://a/b.hdr", beside=["s3://a/b.img"]):
            pass
