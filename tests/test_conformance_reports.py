"""The reports that the pages show are of the suite as it is. `make conformance` writes them anew."""

import json
from pathlib import Path

import pytest

from mt_core.conformance import CHECKS
from mt_core.plugins.official import OFFICIAL

REPORTS = Path(__file__).parents[1] / "docs/conformance"


def test_there_is_a_report_of_each_of_the_twelve_and_of_one_from_outside():
    assert {path.stem for path in REPORTS.glob("*.json")} == {*OFFICIAL, "eeg"}


@pytest.mark.parametrize("modality", [*OFFICIAL, "eeg"])
def test_a_report_holds_every_check_and_says_that_the_plugin_conforms(modality):
    report = json.loads((REPORTS / f"{modality}.json").read_text())
    assert [result["check"] for result in report["results"]] == [check.name for check in CHECKS]
    assert report["passed"] and report["wheel"]["sha256"]
