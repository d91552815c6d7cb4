"""docs/mt-tiny.md says what was measured, of the weights that are shipped."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mt_core import load_encoder
from mt_core.encoder import tiny

ROOT = Path(__file__).parents[2]
CARD = ROOT / "docs" / "mt-tiny.md"
RESULTS = ROOT / "benchmarks" / "results" / "transfer.jsonl"
TRIED = ROOT / "benchmarks" / "results" / "objectives.jsonl"
MODALITIES = {
    *("text", "image", "pointcloud", "audio", "video", "infrared"),
    *("hyperspectral", "xray", "imu", "tabular", "graph", "timeseries"),
}


@pytest.fixture(scope="module")
def rows():
    return [json.loads(line) for line in RESULTS.read_text().splitlines()]


@pytest.fixture(scope="module")
def table():
    return told("table", "--out", RESULTS)


def told(*arguments):
    command = [sys.executable, "benchmarks/transfer.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_table_is_that_of_the_measurements(table):
    assert table.strip() in CARD.read_text()


def test_so_is_the_table_of_the_objectives_that_were_tried():
    encoders = ["random/vit_tiny_patch16_224", "formulas", "both", "identity", "mixing", "mt-tiny"]
    named = [part for name in encoders for part in ("--encoder", name)]
    means = told("means", "--seed", 0, *named, "--out", TRIED, "--beside", RESULTS)
    assert {line.split("|")[1].strip() for line in means.splitlines()[2:-1]} == MODALITIES
    assert means.strip() in CARD.read_text()


def test_its_hashes_are_those_of_the_file_and_of_the_weights():
    said = set(re.findall(r"\b[0-9a-f]{64}\b", CARD.read_text()))
    assert said == {tiny.SHA256, load_encoder("mt-tiny").fingerprint}


def test_it_has_all_twelve_modalities(table):
    assert {line.split("|")[1].strip() for line in table.splitlines()[2:]} == MODALITIES


def test_each_was_measured_with_three_seeds_beside_both_controls(rows):
    measured = {(row["dataset"], row["encoder"].partition("/")[0], row["seed"]) for row in rows}
    datasets = {row["dataset"] for row in rows}
    assert measured == {(d, e, s) for d in datasets for e in ("mt-tiny", "random", "none") for s in (0, 1, 2)}


def test_what_was_measured_are_the_weights_that_are_shipped(rows):
    for name in {row["encoder"] for row in rows}:
        assert {row["fingerprint"] for row in rows if row["encoder"] == name} == {load_encoder(name).fingerprint}
