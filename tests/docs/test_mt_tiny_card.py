"""docs/mt-tiny.md describes the weights that are shipped."""

import json
import re
from pathlib import Path

from mt_core import load_encoder
from mt_core.encoder import tiny

ROOT = Path(__file__).parents[2]
CARD = ROOT / "docs" / "mt-tiny.md"
RESULTS = ROOT / "benchmarks" / "results"


def test_its_hashes_are_those_of_the_file_and_of_the_weights():
    named = set(re.findall(r"\b[0-9a-f]{64}\b", CARD.read_text()))
    assert named == {tiny.SHA256, load_encoder("mt-tiny").fingerprint}


def test_its_curve_is_drawn_from_all_steps_of_both_stages():
    rows = [json.loads(line) for line in (RESULTS / "mt-tiny.jsonl").read_text().splitlines()]
    pictures = [row["pictures"] for row in rows if "pictures" in row]
    assert pictures == sorted(pictures)
    assert f"{pictures[-1]:,} in all" in CARD.read_text()
