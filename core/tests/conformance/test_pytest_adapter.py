"""The suite on the command line and in pytest."""

import json
from dataclasses import replace

import pytest

from mt_core.cli import main
from mt_core.conformance import CHECKS, conformance, expect, pytest_adapter, suite

from .conftest import Change

DEVIATION = '\n[[deviations]]\ncheck = "py_typed_is_shipped"\nreason = "none of it is typed"\n'
FEW = ("padding_changes_nothing", "output_depends_on_input")


@pytest.fixture(autouse=True)
def new_runner():
    pytest_adapter._runner.cache_clear()
    yield
    pytest_adapter._runner.cache_clear()


@pytest.fixture
def few_checks(monkeypatch):
    """The suite is two checks long."""
    monkeypatch.setattr(suite, "CHECKS", tuple(check for check in CHECKS if check.name in FEW))


def test_the_command_prints_the_report_and_writes_it(specimen, few_checks, capsys, tmp_path):
    specimen()
    assert main(["check", "specimen", "--json", str(tmp_path / "r.json")]) == 0
    out = capsys.readouterr().out
    assert "✓ padding changes nothing" in out and out.endswith("2/2: conforms\n")
    assert json.loads((tmp_path / "r.json").read_text())["badge"] == "2/2"


def test_a_plugin_that_does_not_conform_is_an_exit_code_of_one(specimen, few_checks, capsys):
    specimen(Change("tokenizer.py", "mask=mask_RN,", "mask=None,"))
    assert main(["check", "specimen", "--markdown"]) == 1
    assert "| tokens | padding changes nothing | ✗ failed |" in capsys.readouterr().out


def test_what_cannot_be_checked_is_an_exit_code_of_two(capsys, tmp_path):
    assert main(["check", "no_such_thing"]) == 2
    assert "there is no modality 'no_such_thing'" in capsys.readouterr().err
    assert main(["check", "specimen", "--json", str(tmp_path / "none" / "r.json")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_pytest_has_a_test_for_each_check_with_its_outcome(specimen):
    specimen(
        Change("tokenizer.py", "mask=mask_RN,", "mask=None,"),
        Change("plugin.toml", '"any_channels", ', ""),
        Change("plugin.toml", "epochs = 4 }\n", f"epochs = 4 }}\n{DEVIATION}"),
        Change("py.typed", "", None),
    )
    test = conformance("specimen")
    (mark,) = test.pytestmark
    cases = {case.id: case.values[0] for case in mark.args[1]}
    assert list(cases) == [check.name for check in CHECKS]
    test(cases["output_depends_on_input"])
    for outcome, name, message in (
        (pytest.fail, "padding_changes_nothing", "specimen: padding changes nothing\nA sample has"),
        (pytest.skip, "any_number_of_channels_is_supported", "any_channels is not declared"),
        (pytest.xfail, "py_typed_is_shipped", "known deviation: none of it is typed"),
    ):
        with pytest.raises(outcome.Exception, match=message):
            test(cases[name])
    with pytest.raises(pytest.xfail.Exception, match=r"advisory: .* takes"):
        test(replace(cases["padding_changes_nothing"], advisory=True, function=slow))


def test_the_checks_are_made_with_the_options_that_are_given(specimen):
    specimen()
    test = conformance("specimen", options={"noise": 0.5})
    test(replace(CHECKS[0], function=noise_is_half))
    with pytest.raises(pytest.fail.Exception, match=r"noise is 0\.01"):
        conformance("specimen")(replace(CHECKS[0], function=noise_is_half))


def noise_is_half(plugin):
    noise = plugin.make_tokenizer().options.noise
    expect(noise == 0.5, f"noise is {noise}")


def slow(plugin):
    expect(False, "reading takes too long")


def test_the_command_runs_some_checks_and_ends_at_the_first_failure(specimen, capsys):
    specimen(Change("plugin.toml", "lr = 5e-3", "learning_rate = 5e-3"))
    assert main(["check", "specimen", "--only", "py_typed_is_shipped", "--only", "the_recipe_is_valid"]) == 1
    assert "✓ py typed is shipped" in capsys.readouterr().out
    assert main(["check", "specimen", "--only", "packaging", "--fail-fast"]) == 1
    told = capsys.readouterr().out
    assert "✗ the recipe is valid" in told and "py typed is shipped" not in told
    assert main(["check", "specimen", "--only", "packing"]) == 2
    assert "did you mean packaging" in capsys.readouterr().err
