"""The suite as a pytest test of a plugin's own: `test_sonar = conformance("sonar")`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from mt_core.conformance.check import Check
from mt_core.conformance.suite import CHECKS, Examination


def conformance(modality: str) -> Callable[[Check], None]:
    """A test function with one case a check, whose id is the promise; the whole of a plugin's `test_conformance.py`.

    A check of a capability that is not declared is skipped, a known deviation is an expected failure, and so is one
    that only advises.

    Args:
        modality: The plugin's, which is loaded when the first case runs.
    """
    import pytest

    @pytest.mark.parametrize("check", [pytest.param(check, id=check.name) for check in CHECKS])
    def test(check: Check) -> None:
        result = _examination(modality).run(check)
        if result.outcome == "skipped":
            pytest.skip(result.message)
        if result.outcome == "deviation":
            pytest.xfail(f"known deviation: {result.reason}")
        if result.outcome == "advisory":
            pytest.xfail(f"advisory: {result.message}")
        if result.outcome == "failed":
            pytest.fail(f"{modality}: {result.promise}\n{result.doc}\n{result.message}", pytrace=False)

    test.__doc__ = f"The conformance suite, held against {modality}."
    return test


@cache
def _examination(modality: str) -> Examination:
    return Examination(modality)
