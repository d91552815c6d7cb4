"""An untrained tokenizer that needs a calibration: what it was calibrated on is told, and kept with the vectors."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.errors import EmbeddingError


@pytest.fixture
def tables(tmp_path) -> list[str]:
    """Two tables of the same columns, of other ranges; the first rows are the same."""
    for name, scale in (("a", 1.0), ("b", 50.0)):
        rows = [{"x": 1.5, "y": "u"}, {"x": 2.5, "y": "v"}, *({"x": scale * i, "y": "uvw"[i % 3]} for i in range(30))]
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)
    return [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]


def described(path) -> str:
    return json.loads(pq.read_schema(path).metadata[b"mt.description"])


def test_the_description_tells_calibrations_apart_and_names_the_files(tables, tmp_path, capsys):
    for table in tables:
        assert main(["embed", "tabular", table, "-o", f"{table}.parquet"]) == 0
        assert f"calibrated on 32 samples of {table}" in capsys.readouterr().err
    first, second = (described(f"{table}.parquet") for table in tables)
    assert first.replace(tables[0], "") != second.replace(tables[1], "")
    assert first.count("calibration ") == 1


def test_what_is_added_is_embedded_with_the_calibration_of_the_file(tables, tmp_path):
    out = tmp_path / "v.parquet"
    alone = mt.embed_files(mt.load("tabular"), tables[:1], out, num_workers=0)
    both = mt.embed_files(mt.load("tabular"), tables, out, num_workers=0)
    assert both.calibrated_on == alone.calibrated_on and both.rows == 64
    rows = pq.read_table(out)["vector"].to_pylist()
    assert all(a == pytest.approx(b, abs=1e-4) for a, b in zip(rows[:2], rows[32:34], strict=True))


def test_a_calibrated_table_that_changed_is_embedded_again(tables, tmp_path):
    out = tmp_path / "v.parquet"
    mt.embed_files(mt.load("tabular"), tables[:1], out, num_workers=0)
    frame = pd.read_csv(tables[0])
    frame.head(10).to_csv(tables[0], index=False)
    result = mt.embed_files(mt.load("tabular"), tables[:1], out, num_workers=0)
    assert result.changed == 1 and result.rows == 10


def test_vectors_of_different_calibrations_do_not_mix(tables, tmp_path):
    out = tmp_path / "v.parquet"
    mt.embed_files(mt.load("tabular"), tables[:1], out, num_workers=0)
    other = mt.load("tabular")
    mt.embed(other, tables[1])
    with pytest.raises(EmbeddingError, match=r"another calibration: .*a\.csv"):
        mt.embed_files(other, tables, out, num_workers=0)
