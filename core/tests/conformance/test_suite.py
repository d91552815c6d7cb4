"""How a check comes out: what passes, fails, is known, is skipped or only advised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mt_core.conformance import CHECKS, Check, Failed, SuiteRunner, check, check_modality, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.suite import chosen_checks
from mt_core.errors import InputError, OptionError, UnknownModalityError

from .conftest import Change

KNOWN = '\n[[deviations]]\ncheck = "readings_are_small"\nreason = "they are not"\n'


def manifest_with(text: str) -> Change:
    return Change("plugin.toml", "epochs = 4 }\n", "epochs = 4 }\n" + text)


@check()
def readings_are_small(plugin: PluginFixture) -> None:
    """The smallest reading is below 9."""
    expect(plugin.samples[0].min() < 9, "a reading is 9 or more")


@check()
def readings_are_large(plugin: PluginFixture) -> None:
    """The smallest reading is above 99."""
    expect(plugin.samples[0].min() > 99, "a reading is 99 or less")


def named(check: Check, name: str) -> Check:
    return replace(check, name=name)


def test_a_check_has_its_functions_name_and_docstring():
    assert readings_are_small.title == "readings are small"
    assert readings_are_small.doc == "The smallest reading is below 9."


def test_what_holds_passes_and_what_does_not_fails_with_how_it_showed(specimen):
    specimen()
    runner = SuiteRunner("specimen")
    assert runner.run(readings_are_small).outcome == "passed"
    failed = runner.run(readings_are_large)
    assert (failed.outcome, failed.message) == ("failed", "a reading is 99 or less")


def test_a_known_deviation_is_no_failure_and_is_reported_with_its_reason(specimen):
    specimen(manifest_with(KNOWN))
    result = SuiteRunner("specimen").run(named(readings_are_large, "readings_are_small"))
    assert (result.outcome, result.reason) == ("deviation", "they are not")


def test_a_deviation_that_is_declared_and_holds_fails(specimen):
    specimen(manifest_with(KNOWN))
    result = SuiteRunner("specimen").run(readings_are_small)
    assert result.outcome == "failed" and "remove the deviation" in result.message


def test_what_may_not_be_waived_fails_though_it_is_declared(specimen):
    specimen(manifest_with(KNOWN))
    strict = replace(readings_are_large, name="readings_are_small", waivable=False)
    assert SuiteRunner("specimen").run(strict).outcome == "failed"


def test_a_check_of_a_capability_that_is_not_declared_is_skipped(specimen):
    specimen(Change("plugin.toml", '"any_channels", ', ""))
    result = SuiteRunner("specimen").run(replace(readings_are_large, needs="any_channels"))
    assert (result.outcome, result.message) == ("skipped", "any_channels is not declared")


@pytest.mark.parametrize("change", [{"since": "1.1"}, {"since": "2.0"}, {"advisory": True}])
def test_a_check_newer_than_the_plugins_contract_only_advises(specimen, change):
    specimen()
    assert SuiteRunner("specimen").run(replace(readings_are_large, **change)).outcome == "advisory"


@pytest.mark.parametrize("error", [SystemExit(3), ValueError("broken"), InputError("no file", "give one")])
def test_whatever_a_plugin_raises_is_a_failure_that_says_where(specimen, error):
    specimen()

    @check()
    def nothing_is_raised(plugin: PluginFixture) -> None:
        """Nothing is raised."""
        raise error

    result = SuiteRunner("specimen").run(nothing_is_raised)
    assert result.outcome == "failed" and result.message.startswith(f"raised {type(error).__name__}: ")


def test_an_error_in_the_plugins_own_code_is_reported_with_its_line(specimen):
    specimen(Change("tokenizer.py", "return only_one(", "return len(0) or only_one("))

    @check()
    def files_are_read(plugin: PluginFixture) -> None:
        """They are."""
        assert plugin.samples

    message = SuiteRunner("specimen").run(files_are_read).message
    assert "mt_plugin_specimen/tokenizer.py:" in message


def test_an_interruption_is_no_result(specimen):
    specimen()

    @check()
    def is_interrupted(plugin: PluginFixture) -> None:
        """It is."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SuiteRunner("specimen").run(is_interrupted)


def test_every_check_says_what_it_does_and_has_a_name_of_its_own():
    assert len({check.name for check in CHECKS}) == len(CHECKS) > 30
    for each in CHECKS:
        assert len(each.doc) > 20 and each.doc.endswith(".")


def test_the_checks_that_nobody_may_waive():
    unwaivable = {each.name for each in CHECKS if not each.waivable}
    assert {"padding_changes_nothing", "output_depends_on_input"} <= unwaivable


def test_a_modality_that_there_is_not_is_no_report():
    with pytest.raises(UnknownModalityError, match="sonarr"):
        check_modality("sonarr")


def test_a_failure_is_an_assertion():
    with pytest.raises(Failed, match="otherwise"):
        expect(False, "otherwise")
    assert issubclass(Failed, AssertionError)


def test_checks_are_chosen_by_name_by_title_and_by_family():
    names = [each.name for each in chosen_checks(["tokens", "reading is fast"])]
    tokens = [each.name for each in CHECKS if each.family == "tokens"]
    assert names == ["reading_is_fast", *tokens]
    assert chosen_checks([]) == CHECKS


def test_a_name_that_is_no_check_is_refused_with_the_nearest():
    with pytest.raises(OptionError, match="did you mean reading_is_fast"):
        chosen_checks(["reading_is_fas"])


def test_it_ends_at_the_first_failure_where_that_is_wanted(specimen):
    specimen(Change("plugin.toml", "lr = 5e-3", "learning_rate = 5e-3"))
    seen = []
    report = check_modality("specimen", seen.append, only=["packaging"], fail_fast=True)
    assert [result.outcome for result in report.results] == ["passed", "failed"]
    assert tuple(seen) == report.results and not report.is_whole


def test_a_reader_that_always_fails_is_one_cause(specimen):
    specimen(Change("tokenizer.py", "return only_one(", "return len(0) or only_one("))
    report = check_modality("specimen", only=["tokens"])
    (results,) = report.causes.values()
    assert len(results) > 5
    assert sum(line.startswith("one cause of ") for line in report.lines()) == 1
