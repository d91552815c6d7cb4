"""Faults of baselines beside that in `test_broken`, and a plugin without one."""

import pytest

from .broken_baseline import FEATURES
from .conftest import Change, result_of

CHECK = "a_declared_baseline_gives_finite_vectors_of_one_width"
DECLARED = 'baseline = "mt_plugin_specimen.baseline:SpecimenBaseline"\n'

FAULTS = {
    "not finite": (FEATURES, "sample.mean(0)[:1] / 0", "not finite"),
    "drawn at random": (FEATURES, "np.random.normal(size=3)", "differ when they are taken again"),
    "two axes": (FEATURES, "sample[:2, :1]", "give one axis of numbers"),
    "text": (FEATURES, "np.array(['a'])", "give one axis of numbers"),
    "a library's error": (FEATURES, "sample.no_such()", "features failed with AttributeError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_features_is_found(fault, specimen):
    old, new, message = FAULTS[fault]
    specimen(Change("baseline.py", old, new))
    result = result_of(CHECK)
    assert result.outcome == "failed" and message in result.message, result.message


def test_a_plugin_without_a_baseline_passes(specimen):
    specimen(Change("plugin.toml", DECLARED, ""), Change("baseline.py", "", None))
    assert result_of(CHECK).outcome == "passed"
