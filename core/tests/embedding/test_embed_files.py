import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import mt_core as mt
from mt_core.embedding import engine, files, part_writer
from mt_core.embedding.vectors import metadata_of
from mt_core.errors import EmbeddingError, FingerprintError, InputError, OptionError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


@pytest.fixture
def sources(tmp_path) -> list[str]:
    """Seven files; the third holds five series, the others one."""
    random = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(7):
        shape = (5, 12) if number == 2 else (8 + 4 * number,)
        np.save(folder / f"{number}.npy", random.normal(size=shape).astype(np.float32))
    return [str(folder / f"{number}.npy") for number in range(7)]


def rows_of(path) -> list[tuple[str, int]]:
    table = pq.read_table(path)
    return list(zip(table["source"].to_pylist(), table["row"].to_pylist(), strict=True))


def vectors_of(path) -> np.ndarray:
    return np.array(pq.read_table(path)["vector"].to_pylist(), dtype=np.float32)


def test_every_sample_is_a_row_in_the_order_of_the_sources(model, sources, tmp_path):
    result = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    expected = [(source, row) for i, source in enumerate(sources) for row in range(5 if i == 2 else 1)]
    assert rows_of(result.path) == expected
    assert result.rows == 11 and not result.failed and result.errors is None


@pytest.mark.parametrize("num_workers", [1, 2, 3])
def test_reader_processes_change_nothing(model, sources, tmp_path, num_workers):
    alone = mt.embed_files(model, sources, tmp_path / "a.parquet", num_workers=0, batch_size=3)
    together = mt.embed_files(model, sources, tmp_path / "b.parquet", num_workers=num_workers, batch_size=3)
    assert pq.read_table(alone.path).equals(pq.read_table(together.path))


def test_batches_side_by_side_give_the_vectors_of_one_after_the_other(model, sources, tmp_path, monkeypatch):
    alone = mt.embed_files(model, sources, tmp_path / "a.parquet", num_workers=1, batch_size=2)
    monkeypatch.setattr(engine, "num_parallel_batches", lambda model: 3)
    together = mt.embed_files(model, sources, tmp_path / "b.parquet", num_workers=1, batch_size=2)
    assert rows_of(together.path) == rows_of(alone.path)
    np.testing.assert_allclose(vectors_of(together.path), vectors_of(alone.path), atol=1e-5)


def test_vectors_are_those_of_the_model_whatever_the_batch(model, sources, tmp_path):
    expected = np.concatenate([mt.embed(model, source) for source in sources])
    result = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, batch_size=4)
    np.testing.assert_allclose(vectors_of(result.path), expected, atol=1e-5)


def test_the_file_names_its_encoder_and_tokenizer(model, sources, tmp_path):
    path = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, pool="cls+mean").path
    schema = pq.read_schema(path)
    metadata = {key.decode(): json.loads(value) for key, value in schema.metadata.items() if key.startswith(b"mt.")}
    assert metadata["mt.encoder_fingerprint"] == model.encoder.fingerprint
    assert metadata["mt.tokenizer_fingerprint"] == model.tokenizer_fingerprint()
    assert metadata["mt.pool"] == "cls+mean"
    assert "untrained" in metadata["mt.description"]
    assert schema.field("vector").type.list_size == 2 * model.encoder.width
    assert schema.names == ["source", "row", "modality", "vector", "size", "modified", "sha256"]


def test_unreadable_files_are_told_beside_the_vectors_and_stop_nobody(model, sources, tmp_path):
    Path(sources[1]).write_bytes(b"garbage")
    Path(sources[4]).write_bytes(b"")
    result = mt.embed_files(model, [*sources, "missing.npy"], tmp_path / "v.parquet", num_workers=2)
    told = [json.loads(line) for line in (tmp_path / "v.errors.jsonl").read_text().splitlines()]
    assert [failure["source"] for failure in told] == [sources[1], sources[4], "missing.npy"]
    assert all(failure["problem"] and failure["fix"] for failure in told)
    assert {source for source, _ in rows_of(result.path)} == {sources[i] for i in (0, 2, 3, 5, 6)}


def test_a_file_that_breaks_half_way_keeps_the_samples_before(model, sources, tmp_path):
    rows = np.ones((3, 12), np.float32)
    np.save(sources[2], rows)
    broken = model.tokenizer.stream

    def stream(source):
        for row, sample in enumerate(broken(source)):
            if str(source) == sources[2] and row == 2:
                raise InputError("the third row is bad", fix="mend it")
            yield sample

    model.tokenizer.stream = stream
    result = mt.embed_files(model, sources[2:4], tmp_path / "v.parquet", num_workers=0)
    assert rows_of(result.path) == [(sources[2], 0), (sources[2], 1), (sources[3], 0)]
    assert result.failed[0]["problem"] == f"{sources[2]}: the third row is bad"


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4])
def test_an_interrupted_embedding_goes_on_to_the_same_file(model, sources, tmp_path, monkeypatch, stop_after):
    Path(sources[1]).write_bytes(b"garbage")
    whole = mt.embed_files(model, sources, tmp_path / "whole.parquet", num_workers=0, batch_size=2)
    add = part_writer._Pending.add
    calls = []

    def interrupted(self, *arguments):
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append(1)
        add(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(part_writer._Pending, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, batch_size=2)
    assert not (tmp_path / "v.parquet").exists()
    counted = []
    monkeypatch.setattr(part_writer._Pending, "add", lambda self, *a: (counted.append(1), add(self, *a))[1])
    resumed = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=2, batch_size=2)
    assert len(counted) == 5 - stop_after
    assert pq.read_table(resumed.path).equals(pq.read_table(whole.path))
    assert (tmp_path / "v.errors.jsonl").read_text() == (tmp_path / "whole.errors.jsonl").read_text()
    assert not (tmp_path / "v.parquet.parts").exists()


def test_the_same_command_again_does_nothing(model, sources, tmp_path, monkeypatch):
    mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    monkeypatch.setattr(type(model), "encode", lambda *_: pytest.fail("something was embedded twice"))
    again = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    assert (again.rows, again.skipped) == (11, 7)


def test_a_call_that_was_stopped_before_its_parts_were_removed_is_complete(model, sources, tmp_path, monkeypatch):
    Path(sources[1]).write_bytes(b"garbage")  # it is tried again, so there is something left to do
    with monkeypatch.context() as patch:
        patch.setattr(part_writer.Parts, "remove", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    again = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    assert again.rows == 10 and [failure["source"] for failure in again.failed] == [sources[1]]
    assert not (tmp_path / "v.parquet.parts").exists()


def test_new_sources_are_added_to_the_file(model, sources, tmp_path):
    mt.embed_files(model, sources[:4], tmp_path / "v.parquet", num_workers=0)
    added = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    assert (added.rows, added.skipped) == (11, 4)
    whole = mt.embed_files(model, sources, tmp_path / "whole.parquet", num_workers=0)
    assert rows_of(added.path) == rows_of(whole.path)


def test_a_file_of_another_encoder_is_not_added_to(model, sources, tmp_path):
    mt.embed_files(model, sources[:4], tmp_path / "v.parquet", num_workers=0)
    before = (tmp_path / "v.parquet").read_bytes()
    other = mt.load("toy")
    with pytest.raises(FingerprintError, match=r"v\.parquet holds vectors of another encoder"):
        mt.embed_files(other, sources, tmp_path / "v.parquet", num_workers=0)
    assert (tmp_path / "v.parquet").read_bytes() == before


def test_a_file_of_another_tokenizer_is_not_added_to(model, small_encoder, sources, tmp_path):
    mt.embed_files(model, sources[:4], tmp_path / "v.parquet", num_workers=0)
    with pytest.raises(EmbeddingError, match="tokenizer fingerprint"):
        mt.embed_files(mt.load("toy", encoder=small_encoder, seed=1), sources, tmp_path / "v.parquet", num_workers=0)


def test_a_file_that_is_no_parquet_is_not_written_over(model, sources, tmp_path):
    (tmp_path / "v.parquet").write_text("my thesis")
    with pytest.raises(EmbeddingError, match="not a whole Parquet file"):
        mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    assert (tmp_path / "v.parquet").read_text() == "my thesis"


def test_overwrite_begins_anew(model, sources, tmp_path):
    (tmp_path / "v.parquet").write_text("old")
    assert mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, overwrite=True).rows == 11


def test_what_is_refused_overwrites_nothing(model, sources, tmp_path):
    (tmp_path / "v.parquet").write_text("old")
    with pytest.raises(OptionError):
        mt.embed_files(model, sources, tmp_path / "v.parquet", pool="softest", num_workers=0, overwrite=True)
    assert (tmp_path / "v.parquet").read_text() == "old"


def test_unfinished_work_of_another_kind_is_not_gone_on_with(model, sources, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    with pytest.raises(EmbeddingError, match="another pool"):
        mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, pool="max")
    assert mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0).resumed == 7


def test_no_readable_source_gives_an_empty_file_and_the_errors(model, tmp_path):
    result = mt.embed_files(model, ["a.npy", "b.npy"], tmp_path / "v.parquet", num_workers=0)
    assert result.rows == 0 and len(result.failed) == 2
    assert pq.read_table(result.path).schema.field("vector").type.list_size == model.encoder.width


def test_an_out_in_a_folder_that_cannot_be_made_says_so(model, sources, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddingError, match="cannot be made"):
        mt.embed_files(model, sources, tmp_path / "file" / "v.parquet", num_workers=0)


def test_a_sample_that_is_not_a_path_is_named_by_its_type(model):
    with pytest.raises(InputError, match="ndarray"):
        mt.embed(model, [np.zeros(2, np.float32)])


@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_file_that_crashes_its_reader_is_told_and_stops_nobody(model, sources, tmp_path, num_workers):
    tokenizer_class = type(model.tokenizer)

    class Crashing(tokenizer_class):
        def read(self, source):
            if str(source) in (sources[1], sources[5]):
                os.kill(os.getpid(), signal.SIGKILL)
            return super().read(source)

        def stream(self, source):
            return iter([self.read(source)]) if str(source) != sources[2] else super().stream(source)

    model.tokenizer.__class__ = Crashing
    result = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=num_workers)
    assert [failure["source"] for failure in result.failed] == [sources[1], sources[5]]
    assert all("SIGKILL" in failure["problem"] and failure["fix"] for failure in result.failed)
    assert rows_of(result.path) == [
        (source, row) for i, source in enumerate(sources) if i not in (1, 5) for row in range(5 if i == 2 else 1)
    ]


@pytest.mark.slow
def test_a_killed_command_goes_on_where_it_was(sources, tmp_path, small_encoder_file):
    """SIGKILL, through the command line, as a power cut would."""
    many = tmp_path / "many"
    many.mkdir()
    random = np.random.default_rng(1)
    for number in range(40):
        np.save(many / f"{number:03d}.npy", random.normal(size=16).astype(np.float32))
    slow_start = (
        "import sys, time, mt_core.embedding.part_writer as f; add = f._Pending.add; f.SECONDS_A_PART = 0\n"
        "f._Pending.add = lambda self, *a: (time.sleep(0.2), add(self, *a))[1]\n"
        "from mt_core.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    toy = Path(__file__).parents[1] / "toy"
    environment = {**os.environ, "PYTHONPATH": str(toy), "OMP_NUM_THREADS": "1"}
    options = ["--encoder", str(small_encoder_file), "--batch-size", "4", "--num-workers", "2"]
    command = ["embed", "toy", str(many), *options, "-o"]
    process = subprocess.Popen(
        [sys.executable, "-c", slow_start, *command, str(tmp_path / "v.parquet")], env=environment
    )
    parts = tmp_path / "v.parquet.parts"
    while process.poll() is None and len(list(parts.glob("part-*.parquet"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    for out in ("v.parquet", "whole.parquet"):
        again = [sys.executable, "-m", "mt_core.cli", *command, str(tmp_path / out)]
        done = subprocess.run(again, env=environment, capture_output=True, text=True, check=True)
        assert ("went on after" in done.stderr) == (out == "v.parquet")
    assert pq.read_table(tmp_path / "v.parquet").equals(pq.read_table(tmp_path / "whole.parquet"))


@pytest.mark.usefixtures("feature_cache")
def test_embedding_again_to_another_file_computes_nothing(model, sources, tmp_path, monkeypatch):
    mt.embed_files(model, sources, tmp_path / "first.parquet", num_workers=0)
    monkeypatch.setattr(type(model), "encode", lambda *_: pytest.fail("a vector was computed twice"))
    mt.embed_files(model, sources, tmp_path / "second.parquet", num_workers=0)
    first, second = (pq.read_table(tmp_path / f"{name}.parquet")["vector"] for name in ("first", "second"))
    assert first.equals(second)


def test_a_file_says_what_makes_its_model_again(model, sources, tmp_path):
    untrained = mt.embed_files(model, sources[:2], tmp_path / "a.parquet", num_workers=0)
    assert metadata_of(untrained.path)["made_by"] == {"options": model.tokenizer.options.model_dump(), "seed": 0}
    mt.fit(model, sources[:2] * 4, [0, 1] * 4, out=tmp_path / "run", epochs=1)
    for number, each in enumerate((model, mt.load_run(tmp_path / "run", encoder=model.encoder))):
        result = mt.embed_files(each, sources[:2], tmp_path / f"run{number}.parquet", num_workers=0)
        assert metadata_of(result.path)["made_by"] == {"run": str(tmp_path / "run")}
