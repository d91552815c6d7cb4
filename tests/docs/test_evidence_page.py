"""docs/evidence.md says what was measured, of the encoders that it names."""

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from mt_core import load_encoder

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence.md"
MEASURED = [json.loads(line) for line in (ROOT / "benchmarks" / "results" / "evidence.jsonl").read_text().splitlines()]
ENCODERS = ("mt-tiny", "random/vit_tiny_patch16_224", "none/vit_tiny_patch16_224")
ROWS = {
    found[1]: [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if (found := re.search(r"^\| [a-z]+ \| [^|]*`(\w+)` \|", line))
}


def told(cell: str) -> float:
    return float(re.search(r"-?[\d,.]+", cell)[0].replace(",", ""))


def metrics_of(dataset: str) -> dict[str, list[dict[str, float]]]:
    """By encoder, of each seed."""
    found = defaultdict(list)
    for row in MEASURED:
        if row["dataset"] == dataset:
            found[row["encoder"]].append(row["metrics"])
    return found


def test_every_dataset_that_was_measured_has_a_row():
    assert set(ROWS) == {row["dataset"] for row in MEASURED}


@pytest.mark.parametrize("dataset", ROWS)
def test_a_row_tells_the_mean_over_the_seeds_of_each_encoder(dataset):
    cells, measured = ROWS[dataset], metrics_of(dataset)
    metric = {"%": "accuracy", "RMSE": "rmse", "MSE": "mse"}[re.search(r"%|RMSE|MSE", cells[3])[0]]
    scale = 100 if metric == "accuracy" else 1
    for cell, encoder in zip(cells[3:6], ENCODERS, strict=True):
        mean = scale * np.mean([each[metric] for each in measured[encoder]])
        assert told(cell) == pytest.approx(mean, abs=0.5 if mean > 100 else 0.006 if scale == 100 else 6e-4), encoder
    constant = scale * measured[ENCODERS[1]][0][f"naive_{metric}"]
    assert told(cells[6]) == pytest.approx(constant, abs=0.5 if constant > 100 else 0.01)


def test_no_seed_was_measured_twice():
    runs = [(row["dataset"], row["encoder"], row["seed"]) for row in MEASURED]
    assert len(runs) == len(set(runs))


def test_what_was_measured_are_these_encoders():
    assert {(row["encoder"], row["fingerprint"]) for row in MEASURED} == {
        (name, load_encoder(name).fingerprint) for name in ENCODERS
    }
