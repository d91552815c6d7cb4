"""The suffix of the file decides what vectors are written as."""

import json

import numpy as np
import pandas as pd
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.errors import EmbeddingError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


@pytest.fixture
def sources(tmp_path) -> list[str]:
    random = np.random.default_rng(0)
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", random.normal(size=(2, 12)).astype(np.float32))
    return [str(tmp_path / f"{number}.npy") for number in range(3)]


@pytest.fixture
def expected(model, sources, tmp_path) -> np.ndarray:
    table = pd.read_parquet(mt.embed_files(model, sources, tmp_path / "expected.parquet", num_workers=0).path)
    return np.stack(table["vector"])


def test_a_csv_file_has_a_column_for_each_number(model, sources, tmp_path, expected):
    result = mt.embed_files(model, sources, tmp_path / "v.csv", num_workers=0)
    table = pd.read_csv(result.path)
    assert list(table.columns[:4]) == ["source", "row", "modality", "v0"] and result.rows == 6
    assert np.array_equal(table.filter(regex=r"^v\d").to_numpy(np.float32), expected)
    assert list(table["source"]) == [source for source in sources for _ in range(2)]


def test_a_jsonl_file_has_an_object_a_line(model, sources, tmp_path, expected):
    path = mt.embed_files(model, sources, tmp_path / "v.jsonl", num_workers=0).path
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["row"] for record in records] == [0, 1] * 3
    assert np.array_equal(np.array([record["vector"] for record in records], np.float32), expected)


def test_a_npy_file_has_the_vectors_and_a_table_of_their_sources_is_beside_it(model, sources, tmp_path, expected):
    path = mt.embed_files(model, sources, tmp_path / "v.npy", num_workers=0).path
    assert np.array_equal(np.load(path), expected)
    assert list(pd.read_csv(tmp_path / "v.sources.csv")["source"]) == [source for source in sources for _ in range(2)]


@pytest.mark.parametrize("name", ["v.csv", "v.jsonl", "v.npy"])
def test_such_a_file_is_not_added_to(model, sources, tmp_path, name):
    mt.embed_files(model, sources[:1], tmp_path / name, num_workers=0)
    with pytest.raises(EmbeddingError, match=r"only a \.parquet file can be added to"):
        mt.embed_files(model, sources, tmp_path / name, num_workers=0)
    assert mt.embed_files(model, sources, tmp_path / name, num_workers=0, overwrite=True).rows == 6


@pytest.mark.parametrize("name", ["v", "v.txt", "v.xlsx"])
def test_another_suffix_is_refused(sources, tmp_path, name, capsys):
    assert main(["embed", "toy", *sources, "-o", str(tmp_path / name)]) == 2
    assert ".parquet, .csv, .jsonl or .npy" in capsys.readouterr().err
