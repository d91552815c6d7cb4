"""A file that crashes, stops or exhausts its reader is named, and refused or left out as asked, by all that read."""

import json
import os
import signal
import time

import numpy as np
import pytest

import mt_core as mt
from mt_core.data.loader import Loader
from mt_core.errors import InputError, MtWarning
from mt_core.plugins import get

pytestmark = pytest.mark.usefixtures("toy")

SAYS = {
    "crash": "ended the process that read it (signal SIGSEGV)",
    "exit": "ended the process that read it (exit code 3)",
    "hang": "took longer than 1 s to read",
    "memory": "needs more memory than a worker process may take",
    "fifo": "is not a regular file",
}
"""What is said of each harmful file."""


def harm(source) -> None:
    name = os.path.basename(str(source))
    if name == "crash.npy":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "exit.npy":
        os._exit(3)
    if name == "hang.npy":
        time.sleep(1000)
    if name == "memory.npy":
        held = []
        while True:
            held.append(bytearray(1 << 26))


@pytest.fixture
def harmful(monkeypatch):
    """Reading files of some names does harm."""
    tokenizer = get("toy").tokenizer
    read, stream = tokenizer.read, tokenizer.stream

    def harmful_read(self, source):
        harm(source)
        return read(self, source)

    def harmful_stream(self, source):
        harm(source)
        yield from stream(self, source)

    monkeypatch.setattr(tokenizer, "read", harmful_read)
    monkeypatch.setattr(tokenizer, "stream", harmful_stream)
    monkeypatch.setattr("mt_core.data.workers.memory_of_each", lambda num_workers: 1 << 28)


@pytest.fixture
def folder(tmp_path):
    """Twelve series of each class."""
    random = np.random.default_rng(0)
    for name, slope in (("falling", -1), ("rising", 1)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            series = slope * np.linspace(-1, 1, 16) + 0.1 * random.normal(size=16)
            np.save(tmp_path / "data" / name / f"{number}.npy", series.astype(np.float32))
    return tmp_path / "data"


def add(folder, kind):
    path = folder / "rising" / f"{kind}.npy"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        np.save(path, np.zeros(16, np.float32))
    return path


def patience(kind):
    return 1.0 if kind == "hang" else 60.0


def settings(kind="", **more):
    limit = patience(kind)
    return {
        "epochs": 2,
        "batch_size": 8,
        "num_workers": 1,
        "seconds_a_sample": limit,
        "val_fraction": 0.2,
        "test_fraction": 0,
        **more,
    }


@pytest.mark.parametrize("kind", SAYS)
def test_training_names_the_file(harmful, folder, small_encoder, tmp_path, kind):
    path = add(folder, kind)
    with pytest.raises(InputError) as refused:
        mt.fit(mt.load("toy", encoder=small_encoder), folder, out=tmp_path / "run", **settings(kind))
    assert str(path) in refused.value.problem and SAYS[kind] in refused.value.problem and refused.value.fix


@pytest.mark.parametrize("kind", SAYS)
def test_training_goes_on_without_the_file_where_it_is_asked_to(harmful, folder, small_encoder, tmp_path, kind):
    path = add(folder, kind)
    with pytest.warns(MtWarning, match=f"{kind}.npy"):
        model = mt.load("toy", encoder=small_encoder)
        mt.fit(model, folder, out=tmp_path / "run", **settings(kind, skip_unreadable=True))
    (line,) = (tmp_path / "run" / "errors.jsonl").read_text().splitlines()
    assert str(path) in json.loads(line)["problem"] and SAYS[kind] in json.loads(line)["problem"]
    with pytest.warns(MtWarning, match=f"{kind}.npy"):
        how = {"skip_unreadable": True, "seconds_a_sample": patience(kind), "num_workers": 1}
        measured = mt.evaluate(model, folder, "train", **how)
    assert measured["samples"] == 24


@pytest.mark.parametrize("kind", ["crash", "hang", "memory"])
def test_embedding_and_prediction_name_the_file_and_do_the_others(
    harmful, folder, small_encoder, tmp_path, kind, capsys
):
    from mt_core.cli import main

    model = mt.load("toy", encoder=small_encoder)
    files = [str(folder / "falling/0.npy"), str(add(folder, kind)), str(folder / "rising/0.npy")]
    result = mt.embed_files(model, files, tmp_path / "v.parquet", num_workers=1, seconds_a_sample=patience(kind))
    assert result.rows == 2 and [failure["source"] for failure in result.failed] == [files[1]]
    assert SAYS[kind] in result.failed[0]["problem"]
    if kind != "hang":  # which would be waited for as long as is usual
        with pytest.raises(InputError, match=f"{kind}.npy"):
            mt.embed(model, files, num_workers=1)
    (folder / "rising" / f"{kind}.npy").unlink()
    mt.fit(model, folder, out=tmp_path / "run", **settings())
    add(folder, kind)
    assert main(["predict", str(tmp_path / "run"), *files, "--seconds-a-sample", str(patience(kind))]) == 1
    shown = capsys.readouterr()
    assert shown.out.count("npy") == 2 and SAYS[kind] in shown.err and files[1] in shown.err


def test_a_worker_that_was_lost_costs_no_other_sample_and_no_second_loss(harmful, folder, small_encoder):
    add(folder, "crash")
    dataset = get("toy").dataset.open(folder, "all")
    tokenizer = mt.load("toy", encoder=small_encoder).tokenizer
    with Loader(dataset, tokenizer, batch_size=4, num_workers=2, train_seed=0) as loader:
        seen = []
        for epoch in range(2):
            batches = list(loader.epoch(epoch))
            assert sum(len(batch["target"]) for batch in batches) == 24
            assert [error.problem.count("crash.npy") for batch in batches for error in batch["failed"]] == [1]
            seen.append({worker.process.pid for worker in loader._pool.workers})
        assert seen[0] == seen[1]
