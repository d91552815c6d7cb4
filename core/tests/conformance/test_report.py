"""A report for people, for machines and for a page."""

import json

import pytest

from mt_core.conformance import Report, Result

OUTCOMES = ("passed", "passed", "deviation", "deviation", "skipped", "advisory")


def report_of(*outcomes: str) -> Report:
    results = tuple(
        Result(f"check_{number}_passes", "tokens", outcome, "seen otherwise", 0.5, "It is.", "1.0", None, True, "why")
        for number, outcome in enumerate(outcomes)
    )
    return Report("sonar", "mt-plugin-sonar", "0.1", "1.0", results, {"sha256": "ab"}, {"python": "3.11"}, len(results))


def test_the_badge_counts_what_applies_and_names_what_is_known():
    assert report_of(*OUTCOMES).badge == "2/5 · 2 known deviations · 1 advisory"
    assert report_of("passed", "deviation").badge == "1/2 · 1 known deviation"
    assert report_of("passed").badge == "1/1"
    assert report_of("passed", "failed").badge == "1/2 · 1 failed"


def test_only_an_undeclared_failure_keeps_a_plugin_from_conforming():
    assert report_of(*OUTCOMES).passed
    assert not report_of(*OUTCOMES, "failed").passed


def test_the_json_holds_every_result_and_what_was_examined():
    content = json.loads(report_of(*OUTCOMES).to_json())
    assert content["passed"] is True and content["python"] == "3.11" and content["wheel"] == {"sha256": "ab"}
    assert [result["outcome"] for result in content["results"]] == list(OUTCOMES)
    assert content["counts"] == {"passed": 2, "failed": 0, "deviation": 2, "advisory": 1, "skipped": 1}


def test_the_text_says_how_each_failure_showed():
    lines = list(report_of("passed", "failed", "deviation").lines())
    assert "  ✓ check 0 passes" in lines
    at = lines.index("  ✗ check 1 passes")
    assert lines[at + 1] == "      seen otherwise"
    assert lines[-2] == "      known: why"
    assert lines[-1] == "\n1/3 · 1 failed · 1 known deviation: does not conform"


@pytest.mark.parametrize("outcome", ["failed", "passed"])
def test_the_markdown_is_one_table(outcome):
    text = list(report_of(outcome).markdown())
    assert text[1] == "| family | check | outcome | |"
    assert f" {outcome} " in text[3] and text[3].count("|") == 5


def failed(number: int, message: str) -> Result:
    return Result(f"check_{number}", "tokens", "failed", message, 0.5, "It is.", "1.0", None, True)


def test_failures_of_one_cause_are_told_once_and_summed_up_in_a_line():
    messages = [
        "raised ValueError: no ping 3 (in mt_plugin_sonar/reading.py:12)",
        "the demo differs",
        "raised ValueError: no ping 7 (in mt_plugin_sonar/reading.py:12)",
        "reading the demo's samples and files raised ValueError: no ping 3",
        "raised ValueError: no ping 8 (in mt_plugin_sonar/reading.py:99)",
    ]
    results = tuple(failed(number, message) for number, message in enumerate(messages))
    report = Report("sonar", "mt-plugin-sonar", "0.1", "1.0", results, {}, {}, 5)
    assert [[each.check for each in some] for some in report.causes.values()] == [
        ["check_0", "check_2", "check_3"],
        ["check_4"],
        ["check_1"],
    ]
    lines = list(report.lines())
    assert lines.count("      as: check 0") == 2 and f"      {messages[0]}" in lines
    assert [line for line in lines if line.startswith("one cause")] == [f"one cause of 3 failures: {messages[0]}"]


def test_a_part_of_the_suite_is_no_verdict():
    report = Report("sonar", "mt-plugin-sonar", "0.1", "1.0", (failed(0, "seen"),), {}, {}, 70)
    assert list(report.lines())[-1] == "\n0/1 · 1 failed: 1 of 70 checks were run"
    assert not report.is_whole and not report.passed
