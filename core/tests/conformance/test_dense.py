"""Each head that labels parts of a sample passes the suite, and each check of the head has one that fails it alone."""

import pytest

from mt_core.conformance import CHECKS, SuiteRunner, check_modality

from .dense_specimens import HEADS, dense

_CHECKED = [check for check in CHECKS if check.family == "head" and check.name != "head_options_of_the_recipe_exist"]

_WRONG = {
    "places": "{'prediction': [0, 1, 0, 1, 0, 1, 0, 1, 0]}",
    "pixels": "{'prediction': {'size': [99, 99], 'values': [0], 'lengths': [5]}, 'shares': {}}",
    "objects": "{'prediction': [{'class': 'tall', 'score': 0.9, 'box': [9, 9, 4, 4]}], 'size': [16, 16]}",
    "points": "{'prediction': {'size': [99], 'values': [2], 'lengths': [99]}, 'shares': {}}",
}
"""Indices in place of names, runs of fewer pixels than the size, width and height in place of right and bottom, and a
class that there is not."""


def broken(of: str) -> dict[str, list[str]]:
    """By check the lines of a head that fails it."""
    baseline = "torch.zeros(len(target), 1, 1)" if of == "objects" else "super().baseline(known, target)[:1]"
    return {
        "the_plugins_head_accepts_the_demos_task": ['kinds = ("regression",)'],
        "loss_is_finite_and_differentiable": [
            "def loss(self, output, target):",
            "    return super().loss(output, target).unsqueeze(0)",
        ],
        "missing_targets_add_nothing_to_the_loss": [
            "def loss(self, output, target):",
            "    return super().loss(output, target) + 1e-2 * output.nan_to_num(0.0, neginf=0.0).square().mean()",
        ],
        "predictions_fit_the_task": ["def decode(self, output):", f"    return [{_WRONG[of]} for _ in output]"],
        "metrics_are_documented": [
            "def metrics(self):",
            "    found = super().metrics()",
            "    found.add_metrics({'again': found[self.primary].clone()})",
            "    return found",
        ],
        "the_baseline_has_finite_metrics": ["def baseline(self, known, target):", f"    return {baseline}"],
        "a_head_is_restored_from_its_options": ["def load_state_dict(self, state):", "    return None"],
    }


def test_every_check_of_the_head_has_a_broken_one_of_each_kind():
    assert {check.name for check in _CHECKED} == set(broken("places"))


@pytest.mark.parametrize("of", HEADS)
def test_the_head_passes(of, specimen):
    specimen(*dense(of))
    runner = SuiteRunner("specimen")
    results = [runner.run(check) for check in _CHECKED]
    assert [(result.title, result.message) for result in results if result.outcome != "passed"] == []


@pytest.mark.parametrize("of", HEADS)
@pytest.mark.parametrize("name", broken("places"))
def test_a_broken_head_fails_its_check_and_no_other_of_the_head(name, of, specimen):
    specimen(*dense(of, *broken(of)[name]))
    runner = SuiteRunner("specimen")
    results = {check.name: runner.run(check) for check in _CHECKED}
    assert [name for name, result in results.items() if result.outcome != "passed"] == [name]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("of", HEADS)
def test_the_specimen_passes_every_check(of, specimen):
    specimen(*dense(of))
    report = check_modality("specimen")
    failed = [each for each in report.results if each.outcome not in ("passed", "skipped")]
    assert not failed, "\n".join(f"{each.title}: {each.message}" for each in failed)
