"""The three fronts say the same: Python, the command line, pytest."""

import json
import os
import subprocess
import sys

import pytest

from mt_core.cli import main
from mt_core.conformance import CHECKS, suite

from .conftest import Change

FEW = ("padding_changes_nothing", "output_depends_on_input")


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


def test_pytest_has_a_test_a_check_whose_name_is_the_promise(specimen, tmp_path):
    specimen(
        Change("tokenizer.py", "mask=mask_RN,", "mask=None,"),
        Change("plugin.toml", '"any_channels", ', ""),
    )
    test = tmp_path / "test_conformance.py"
    test.write_text('from mt_core.conformance import conformance\ntest_specimen = conformance("specimen")\n')
    ids = [f"{test.name}::test_specimen[{name}]" for name in (*FEW, "any_number_of_channels_is_supported")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", "-rA", *ids]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, cwd=tmp_path)
    assert "PASSED test_conformance.py::test_specimen[output_depends_on_input]" in done.stdout
    assert "FAILED test_conformance.py::test_specimen[padding_changes_nothing]" in done.stdout
    assert "any_channels is not declared" in done.stdout
    assert done.returncode == 1
