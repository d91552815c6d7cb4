"""Every check of the conformance suite says what is done, in sentences, and has a name of its own that is a promise."""

import re
from dataclasses import replace
from typing import get_args

import pytest

from mt_core.plugins.manifest import Capability


def faults(checks) -> list[str]:
    """The checks that are not documented as the reference shows them."""
    found = [f"{check.name} has no sentence" for check in checks if not re.fullmatch(r".{20,}\.", check.doc)]
    found += [f"{check.name} is no promise" for check in checks if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", check.name)]
    names = [check.name for check in checks]
    found += [f"{name} stands twice" for name in set(names) if names.count(name) > 1]
    found += [f"{check.name} has no version" for check in checks if not re.fullmatch(r"\d+\.\d+", check.since)]
    return found


@pytest.fixture(scope="module")
def checks():
    from mt_core.conformance import CHECKS

    return CHECKS


def test_every_check_is_documented(checks):
    assert checks
    assert faults(checks) == []


def test_every_check_that_needs_a_capability_needs_one_that_there_is(checks):
    assert {check.needs for check in checks} - {None} <= set(get_args(Capability))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"doc": ""}, "has no sentence"),
        ({"doc": "padding"}, "has no sentence"),
        ({"name": "padding"}, "is no promise"),
        ({"name": "Padding_changes"}, "is no promise"),
        ({"since": "soon"}, "has no version"),
    ],
)
def test_a_check_that_is_not_documented_is_caught(checks, changes, fault):
    broken = replace(checks[0], **changes)
    assert faults([broken]) == [f"{broken.name} {fault}"]


def test_a_check_that_stands_twice_is_caught(checks):
    assert faults([checks[0], checks[0]]) == [f"{checks[0].name} stands twice"]
