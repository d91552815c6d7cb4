"""What readers tell, in worker processes and in this one, reaches the user once, and nothing of it is lost."""

import json
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.contract import Classification, Example, name_of
from mt_core.errors import DataWarning, EmbeddingError, InputError, OptionError
from mt_core.io.notices import Notices, collecting, group_notices, notice_lines
from mt_core.sdk import left_out, reinterpreted

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def sources(tmp_path) -> list[str]:
    """Six files of 12 numbers; two of them hold numbers above 100, which are left out."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(6):
        series = np.linspace(0, 1 + number, 12, dtype=np.float32)
        series[: {1: 1, 4: 2}.get(number, 0)] = 1000
        np.save(folder / f"{number}.npy", series)
    return [str(folder / f"{number}.npy") for number in range(6)]


@pytest.fixture
def model(small_encoder, monkeypatch):
    model = mt.load("toy", encoder=small_encoder)

    def read(self, source):
        series = np.load(source)
        if above := int((series > 100).sum()):
            left_out(name_of(source), f"{above} of {len(series)} numbers are above 100")
        return np.where(series > 100, 0, series)

    def stream(self, source):
        yield self.read(source)

    monkeypatch.setattr(type(model.tokenizer), "read", read)
    monkeypatch.setattr(type(model.tokenizer), "stream", stream)
    return model


class Folder(mt.ModalityDataset):
    task = Classification(classes=("low", "high"))

    def __init__(self, sources):
        self.sources, self.source = sources, "a folder"

    def __len__(self):
        return len(self.sources)

    def __getitem__(self, index):
        return Example(self.sources[index], index % 2)

    def targets(self):
        return [index % 2 for index in range(len(self))]

    @classmethod
    def open(cls, root, split="train", *, task=None, options=None):
        reinterpreted(str(root), "names of files as labels")
        return cls(sorted(str(path) for path in root.iterdir()))

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        raise NotImplementedError


def told(notices) -> Counter:
    return Counter((notice.kind, notice.source, notice.what) for notice in notices)


def expected(sources) -> Counter:
    what = "{} of 12 numbers are above 100"
    return Counter([("left out", sources[1], what.format(1)), ("left out", sources[4], what.format(2))])


def settings(**more):
    return {"epochs": 2, "batch_size": 2, "num_workers": 1, "max_minutes": None, **more}


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_embedding_tells_all_of_it_once_in_its_result_its_metadata_and_a_file(model, sources, tmp_path, num_workers):
    with pytest.warns(DataWarning, match=r"1\.npy: left out: 1 of 12 numbers are above 100 \(and 1 more files\)"):
        result = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=num_workers)
    assert told(result.notices) == expected(sources)
    lines = (tmp_path / "v.notices.jsonl").read_text().splitlines()
    assert [json.loads(line)["source"] for line in lines] == [sources[1], sources[4]]
    (group,) = json.loads(pq.read_schema(result.path).metadata[b"mt.notices"])
    assert group["num_sources"] == 2 and group["first"] == sources[1]


def test_an_embedding_that_goes_on_loses_none_and_doubles_none(model, sources, tmp_path, monkeypatch):
    from mt_core.embedding import engine, part_writer

    monkeypatch.setattr(part_writer, "ROWS_A_PART", 1)
    vectors_of = engine.PooledVectors.of
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return vectors_of(*arguments)

    monkeypatch.setattr(engine, "num_parallel_batches", lambda model: 1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine.PooledVectors, "of", interrupted)
        mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, batch_size=2)
    with pytest.warns(DataWarning):
        result = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, batch_size=2)
    assert result.resumed == 1 and told(result.notices) == expected(sources)
    with pytest.warns(DataWarning):  # nothing to do, and told all the same
        again = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, batch_size=2)
    assert again.skipped == 6 and told(again.notices) == expected(sources)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_strict_makes_the_files_that_are_told_of_errors_and_embeds_the_others(model, sources, tmp_path, num_workers):
    result = mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=num_workers, strict=True)
    assert [failure["source"] for failure in result.failed] == [sources[1], sources[4]]
    assert "left out: 1 of 12" in result.failed[0]["problem"]
    assert result.rows == 4 and not result.notices


def test_strict_refuses_vectors_that_were_made_without_it(model, sources, tmp_path):
    with pytest.warns(DataWarning):
        mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0)
    with pytest.raises(EmbeddingError, match="when strict was off"):
        mt.embed_files(model, sources, tmp_path / "v.parquet", num_workers=0, strict=True)


def test_in_memory_it_is_a_warning_a_group_or_with_strict_an_error(model, sources):
    with pytest.warns(DataWarning, match="and 1 more files") as warned:
        mt.embed(model, sources)
    assert len(warned) == 1
    with pytest.raises(InputError, match=r"1\.npy: left out"):
        mt.embed(model, sources, strict=True)


@pytest.mark.parametrize("tune", ["frozen", "probe"])
def test_a_training_tells_all_of_it_once_in_its_result_and_its_folder(model, sources, tmp_path, tune):
    data = Folder(sources)
    with pytest.warns(DataWarning, match="left out"):
        result = mt.fit(model, data, data, out=tmp_path / "run", **settings(tune=tune))
    assert told(result.notices) == expected(sources)
    assert len((tmp_path / "run" / "notices.jsonl").read_text().splitlines()) == 2
    assert json.loads((tmp_path / "run" / "run.json").read_text())["notices"][0]["num_sources"] == 2
    assert "of 12 numbers are above 100" in (tmp_path / "run" / "report.html").read_text()
    with pytest.warns(DataWarning, match="left out"):
        mt.evaluate(model, data)
    with pytest.raises(InputError, match="left out"):
        mt.evaluate(model, data, strict=True)
    with pytest.warns(DataWarning, match="left out"):  # of the run in the folder, which is complete
        again = mt.fit(model, data, data, out=tmp_path / "run", resume=True, **settings(tune=tune))
    assert again.was_complete and told(again.notices) == expected(sources)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_strict_training_stops_at_the_first(model, sources, num_workers):
    data = Folder(sources)
    with pytest.raises(InputError, match=r"\d\.npy: left out: \d of 12 numbers"):
        mt.fit(model, data, data, strict=True, **settings(num_workers=num_workers))


def test_strict_and_leaving_out_what_cannot_be_read_contradict_each_other(model, sources):
    with pytest.raises(OptionError, match="strict"):
        mt.fit(model, Folder(sources), strict=True, **settings(skip_unreadable=True))


def test_what_the_opening_of_a_folder_tells_is_told(model, sources, tmp_path, monkeypatch):
    from mt_core.plugins import get

    monkeypatch.setattr(get("toy").dataset, "open", Folder.open)
    with pytest.warns(DataWarning, match="names of files as labels|numbers are above"):
        result = mt.fit(model, tmp_path / "data", **settings(epochs=1))
    assert ("reinterpreted", str(tmp_path / "data"), "names of files as labels") in told(result.notices)
    with pytest.raises(InputError, match="reinterpreted: names of files"):
        mt.fit(model, tmp_path / "data", strict=True, **settings(epochs=1))


def test_the_command_tells_in_one_line_a_kind_at_its_end(model, sources, small_encoder_file, tmp_path, capsys):
    command = ["embed", "toy", *sources, "-o", str(tmp_path / "v.parquet"), "--encoder", str(small_encoder_file), "-q"]
    assert main(command) == 0
    *_, line = capsys.readouterr().err.splitlines()
    assert line == f"left out in 2 files: 1 of 12 numbers are above 100 ({sources[1]} and 1 more)"
    assert main([*command, "--strict", "--overwrite"]) == 1
    assert "could not be read" in capsys.readouterr().err


def test_the_commands_that_need_a_run_have_the_option_too(model, sources, small_encoder_file, tmp_path, capsys):
    with pytest.warns(DataWarning):
        mt.fit(model, Folder(sources), out=tmp_path / "run", **settings(epochs=1))
    assert main(["predict", str(tmp_path / "run"), *sources]) == 0
    assert "left out in 2 files: " in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "run"), *sources, "--strict"]) == 1
    assert f"error: {sources[1]}: left out: 1 of 12" in capsys.readouterr().err


def test_the_same_words_are_one_group_whatever_the_numbers():
    notices = [DataWarning("left out", f"{n}.csv", f"{n} of 1,{n}00.5 rows have no time") for n in range(3)]
    other = DataWarning("reinterpreted", "0.csv", "decimal commas")
    assert [group.num_sources for group in group_notices([other, *notices])] == [3, 1]
    assert len(notice_lines([*notices, other])) == 2


def test_what_names_no_file_is_told_of_the_data_that_were_given():
    notices = Notices(default="a.csv")
    with collecting(notices):
        left_out("", "the column c (constant)")
    assert [str(notice) for notice in notices] == ["a.csv: left out: the column c (constant)"]
    assert str(DataWarning("left out", "", "the column c")) == "left out: the column c"


def test_what_an_interrupted_training_was_told_is_kept_for_the_one_that_goes_on(model, sources, tmp_path):
    class Interrupting(Folder):
        reads = 0

        def __getitem__(self, index):
            Interrupting.reads += 1
            if Interrupting.reads == 15:  # in the second epoch
                raise KeyboardInterrupt
            return super().__getitem__(index)

    data, run = Interrupting(sources), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        mt.fit(model, data, data, out=run, **settings(num_workers=0))
    assert len((run / "notices.jsonl").read_text().splitlines()) == 2
    with pytest.warns(DataWarning, match="and 1 more files"):
        result = mt.fit(model, data, data, out=run, resume=True, **settings(num_workers=0))
    assert told(result.notices) == expected(sources)


def test_where_nobody_collects_it_is_a_warning():
    with pytest.warns(DataWarning, match=r"a\.csv: reinterpreted: decimal commas"):
        reinterpreted("a.csv", "decimal commas")
    notices = Notices()
    with collecting(notices):
        reinterpreted("a.csv", "decimal commas")
        reinterpreted("a.csv", "decimal commas")
    assert len(notices) == 1
