"""docs/evidence.md says what was measured, of the encoders that it names."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from mt_core import load_encoder

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence.md"
RESULTS = ROOT / "benchmarks" / "results"
MODALITIES = {
    *("text", "image", "pointcloud", "audio", "video", "infrared"),
    *("hyperspectral", "xray", "imu", "tabular", "graph", "timeseries"),
}


@pytest.fixture
def script(monkeypatch):
    """A module of benchmarks/, by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module


@pytest.fixture(scope="module")
def tiny():
    return load_encoder("mt-tiny").fingerprint


def test_the_page_is_what_the_results_give(script, tiny):
    page = PAGE.read_text()
    assert script("evidence_page").rendered(page, tiny) == page, "run: python benchmarks/evidence.py table"


def test_so_is_the_figure(script, tiny):
    page = script("evidence_page")
    lines = script("evidence_records").Records(RESULTS / "untrained.jsonl").lines()
    compared = script("evidence_select").selected(lines, "untrained", tiny)
    assert page.FIGURE.read_text() == script("evidence_figure").figure(compared)


def test_one_dataset_stands_for_each_modality(script):
    leading = [each.modality for each in script("evidence_datasets").DATASETS.values() if each.leads]
    assert len(leading) == len(MODALITIES) and set(leading) == MODALITIES


@pytest.mark.slow
def test_controls_were_measured_with_the_weights_that_load_today(script):
    encoder_of = script("evidence_vectors").encoder_of
    for regime in ("untrained", "few"):
        for line in script("evidence_records").Records(RESULTS / f"{regime}.jsonl").lines():
            if line.key.arm in ("random", "none"):
                seed = 0 if line.key.regime == "choice" else line.key.seed
                assert line.key.fingerprint == encoder_of(line.key.arm, seed).fingerprint
    for row in map(json.loads, (RESULTS / "evidence.jsonl").read_text().splitlines()):
        if row["encoder"] != "mt-tiny":
            assert row["fingerprint"] == load_encoder(row["encoder"]).fingerprint


def test_no_seed_was_measured_twice():
    rows = [json.loads(line) for line in (RESULTS / "evidence.jsonl").read_text().splitlines()]
    runs = [tuple(str(row.get(name)) for name in ("dataset", "encoder", "fingerprint", "seed", "rung")) for row in rows]
    assert len(runs) == len(set(runs))
