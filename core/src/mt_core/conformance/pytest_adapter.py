"""The suite as a pytest test: `test_sonar = conformance("sonar")`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from mt_core.conformance.check import Check
from mt_core.conformance.suite import CHECKS, SuiteRunner


def conformance(modality: str, options: Mapping[str, Any] | None = None) -> Callable[[Check], None]:
    """A test function with one case for each check; it is all that a plugin's `test_conformance.py` needs.

    A check of a capability that is not declared is skipped. A declared deviation is an expected failure, and so is an
    advisory check that fails.

    Args:
        modality: The plugin's, which is loaded when the first case runs.
        options: Of the tokenizer, beside and above the demo's, such as {"view": "picture"}; as JSON has them.
    """
    import pytest

    @pytest.mark.parametrize("check", [pytest.param(check, id=check.name) for check in CHECKS])
    def test(check: Check) -> None:
        result = _runner(modality, json.dumps(options or {})).run(check)
        if result.outcome == "skipped":
            pytest.skip(result.message)
        if result.outcome == "deviation":
            pytest.xfail(f"known deviation: {result.reason}")
        if result.outcome == "advisory":
            pytest.xfail(f"advisory: {result.message}")
        if result.outcome == "failed":
            pytest.fail(f"{modality}: {result.title}\n{result.doc}\n{result.message}", pytrace=False)

    test.__doc__ = f"The conformance suite on {modality}."
    return test


@cache
def _runner(modality: str, options: str) -> SuiteRunner:
    return SuiteRunner(modality, json.loads(options))
