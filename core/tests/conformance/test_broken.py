"""For every check there is a broken plugin that fails this check and no other."""

from collections.abc import Iterable

import pytest

from mt_core.conformance import CHECKS, SuiteRunner, check_modality

from . import (
    broken_baseline,
    broken_capabilities,
    broken_cost,
    broken_dataset,
    broken_head,
    broken_importing,
    broken_learning,
    broken_packaging,
    broken_persistence,
    broken_reading,
    broken_regions,
    broken_sample,
    broken_tokens,
)

FILES = (
    broken_packaging,
    broken_importing,
    broken_reading,
    broken_sample,
    broken_tokens,
    broken_regions,
    broken_capabilities,
    broken_learning,
    broken_persistence,
    broken_dataset,
    broken_head,
    broken_baseline,
    broken_cost,
)
BROKEN = {name: changes for file in FILES for name, changes in file.BROKEN.items()}
NAMES = [check.name for check in CHECKS]
KEPT = ("passed", "skipped")  # a capability that is no longer declared


def unmatched(broken: Iterable[str], checks: Iterable[str]) -> set[str]:
    """Checks without a broken plugin, and broken plugins without a check."""
    return set(broken) ^ set(checks)


def test_every_check_has_a_broken_plugin_and_the_other_way_round():
    assert not unmatched(BROKEN, NAMES)


def test_a_check_without_a_broken_plugin_is_caught():
    assert unmatched(BROKEN, [*NAMES, "the_moon_is_full"]) == {"the_moon_is_full"}
    assert unmatched(BROKEN, NAMES[1:]) == {NAMES[0]}


@pytest.mark.slow
def test_the_specimen_passes_every_check(specimen):
    specimen()
    report = check_modality("specimen")
    assert [(result.title, result.message) for result in report.results if result.outcome != "passed"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_plugin_fails_its_check(name, specimen):
    specimen(*BROKEN[name])
    check = next(check for check in CHECKS if check.name == name)
    result = SuiteRunner("specimen").run(check)
    assert result.outcome == ("advisory" if check.advisory else "failed"), result.message


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_broken_plugin_fails_no_other_check(name, specimen):
    specimen(*BROKEN[name])
    broken = [result.check for result in check_modality("specimen").results if result.outcome not in KEPT]
    assert broken == [name]
