"""What a distribution ships, from source and from a wheel, and the errors where it cannot be seen."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from mt_core.conformance import wheel_contents
from mt_core.conformance.wheel_contents import Wheel, wheel_of
from mt_core.errors import ContractError, MissingDependencyError
from mt_core.plugins import PluginMetadata

from .conftest import SPECIMEN, Change

METADATA = PluginMetadata("specimen", "mt-plugin-specimen", "1.0")
BUILD_SYSTEM = 'requires = ["hatchling>=1.27"]\nbuild-backend = "hatchling.build"\n'
PACKAGE = {
    f"mt_plugin_specimen/{file}" for file in ("__init__.py", "dataset.py", "plugin.toml", "py.typed", "tokenizer.py")
}
INFO = "mt_plugin_specimen-1.0.dist-info"


def built_with(text: str) -> Change:
    return Change("/pyproject.toml", BUILD_SYSTEM, text)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Wheel:
    """The specimen's wheel."""
    return wheel_contents._built(METADATA, SPECIMEN, tmp_path_factory.mktemp("build"))


@pytest.fixture
def installed(built, specimen, tmp_path, monkeypatch) -> tuple[Wheel, Path]:
    """The specimen's wheel, and a folder in which it is installed as by an installer: with a script, and compiled."""
    specimen()
    site = tmp_path / "lib" / "site-packages"
    shutil.copytree(built.root, site)
    (site / INFO / "INSTALLER").write_text("pip\n")
    (tmp_path / "specimen").write_text("#!/bin/sh\n")
    pycache = site / "mt_plugin_specimen" / "__pycache__"
    pycache.mkdir()
    (pycache / "__init__.cpython-311.pyc").write_bytes(b"")
    with (site / INFO / "RECORD").open("a") as record:
        record.write(f"../../specimen,sha256=abc,10\n{INFO}/INSTALLER,sha256=abc,4\n")
        record.write("mt_plugin_specimen/__pycache__/__init__.cpython-311.pyc,,\n")
    monkeypatch.syspath_prepend(site)
    return built, site


def test_a_source_folder_ships_what_its_wheel_holds(specimen, tmp_path):
    specimen()
    seen = wheel_of(METADATA, tmp_path)
    assert PACKAGE < set(seen.names)
    assert {name for name in seen.names if not name.startswith("mt_plugin_specimen/")} == set(seen.info)
    assert all((seen.root / name).is_file() for name in seen.names)
    assert seen.distribution.metadata["Requires-Python"] == ">=3.11"


def test_the_same_source_makes_the_same_wheel(built, specimen, tmp_path):
    root = specimen()
    (root / "LICENSE").touch()
    assert wheel_of(METADATA, tmp_path / "two").sha256 == built.sha256
    (root / "src" / "mt_plugin_specimen" / "__init__.py").write_text('"""Otherwise."""\n')
    assert wheel_of(METADATA, tmp_path / "three").sha256 != built.sha256


def test_a_build_says_nothing_and_leaves_the_source_as_it_was(specimen, tmp_path, capfd):
    root = specimen()
    before = sorted(root.rglob("*"))
    wheel_of(METADATA, tmp_path / "build")
    assert capfd.readouterr() == ("", "")
    assert sorted(root.rglob("*")) == before


def test_an_installed_wheel_ships_what_it_held(installed, tmp_path):
    built, site = installed
    seen = wheel_of(METADATA, tmp_path)
    assert (seen.root, seen.names) == (site, built.names)
    assert seen.origin == "the record of what was installed"


def test_the_hash_of_a_record_is_that_of_its_files(installed, tmp_path):
    _, site = installed
    before = wheel_of(METADATA, tmp_path).sha256
    record = site / INFO / "RECORD"
    record.write_text(record.read_text().replace("INSTALLER,sha256=abc", "INSTALLER,sha256=xyz"))
    assert wheel_of(METADATA, tmp_path).sha256 == before
    record.write_text(record.read_text().replace("py.typed,sha256=", "py.typed,sha256=x"))
    assert wheel_of(METADATA, tmp_path).sha256 != before


def test_where_the_installer_wrote_down_the_hash_of_the_wheel_it_is_reported(installed, tmp_path):
    _, site = installed
    origin = {"url": "file:///specimen.whl", "archive_info": {"hashes": {"sha256": "12ab"}}}
    (site / INFO / "direct_url.json").write_text(json.dumps(origin))
    seen = wheel_of(METADATA, tmp_path)
    assert (seen.sha256, seen.origin) == ("12ab", "the wheel that was installed")


def test_an_installation_without_a_record_is_reported(installed, tmp_path):
    _, site = installed
    (site / INFO / "RECORD").unlink()
    with pytest.raises(ContractError, match="without a RECORD"):
        wheel_of(METADATA, tmp_path)


def test_a_distribution_that_is_gone_is_reported(tmp_path):
    with pytest.raises(ContractError, match="metadata of mt-plugin-gone"):
        wheel_of(PluginMetadata("gone", "mt-plugin-gone", "1.0"), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("/pyproject.toml", 'license = "Apache-2.0"', 'license = "Any you like"'), "license"),
        (built_with("requires = 3\n"), "requires"),
        (built_with("requires = [\n"), "pyproject.toml"),
    ],
    ids=["backend", "table", "toml"],
)
def test_a_build_that_fails_is_reported_with_its_last_words(change, message, specimen, tmp_path):
    specimen(change)
    with pytest.raises(ContractError, match="cannot be built") as caught:
        wheel_of(METADATA, tmp_path)
    assert message in caught.value.problem
    assert len(caught.value.problem.splitlines()) < 12


def test_a_source_folder_that_is_gone_is_reported(specimen, tmp_path):
    shutil.rmtree(specimen())
    with pytest.raises(ContractError, match="is not a directory"):
        wheel_of(METADATA, tmp_path)


def test_a_build_that_hangs_is_ended(specimen, tmp_path, monkeypatch):
    monkeypatch.setattr(wheel_contents, "BUILD_TIME_LIMIT_S", 0.5)
    root = specimen(built_with('requires = []\nbuild-backend = "slow"\nbackend-path = ["."]\n'))
    slow = 'import pathlib, time\n\ndef build_wheel(*_):\n    time.sleep(1)\n    pathlib.Path("late").touch()\n'
    (root / "slow.py").write_text(slow)
    with pytest.raises(ContractError, match=r"takes longer than 0\.5 s"):
        wheel_of(METADATA, tmp_path)
    time.sleep(1)
    assert not (root / "late").exists()


def test_without_the_package_that_builds_the_line_that_installs_it_is_reported(specimen, tmp_path, monkeypatch):
    specimen()
    monkeypatch.setitem(sys.modules, "build", None)
    with pytest.raises(MissingDependencyError, match="mt-core\\[testing\\]"):
        wheel_of(METADATA, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("requirement", "fix"),
    [("hatchling>=1000", "pip install 'mt-core[testing]'"), ("no-such-backend>=1", "pip install 'no-such-backend>=1'")],
)
def test_a_backend_that_cannot_be_had_is_named(requirement, fix, specimen, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    specimen(built_with(f'requires = ["{requirement}"]\nbuild-backend = "hatchling.build"\n'))
    with pytest.raises(MissingDependencyError, match=requirement) as caught:
        wheel_of(METADATA, tmp_path)
    assert caught.value.fix == fix
