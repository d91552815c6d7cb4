"""What `mt new` writes is a good plugin: short, clean, typed, and its own tests pass."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mt_core.scaffold import Naming, write_plugin

NAMES = ("sonar", "ct", "near_infrared_spectroscopy")
"""Short and long, since they are part of lines and of an order of imports."""


@pytest.fixture
def sonar(tmp_path: Path) -> Path:
    return write_plugin(Naming("sonar"), tmp_path)


def run(*command: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_an_author_reads_first_is_short(sonar):
    package = sonar / "src/mt_plugin_sonar"
    assert len((package / "tokenizer.py").read_text().splitlines()) <= 80
    assert len((package / "dataset.py").read_text().splitlines()) <= 50


def test_the_places_to_replace_are_marked_where_they_are(sonar):
    for name in ("tokenizer.py", "dataset.py", "plugin.toml"):
        assert "yours: " in (sonar / "src/mt_plugin_sonar" / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_formatted_and_free_of_lint(tmp_path, name):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    folder = write_plugin(Naming(name), tmp_path)
    run(ruff, "check", "--no-cache", ".", cwd=folder)
    run(ruff, "format", "--no-cache", "--check", ".", cwd=folder)


@pytest.mark.slow
def test_it_is_typed_strictly(sonar):
    pytest.importorskip("mypy")
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "src", "tests", cwd=sonar)


def test_its_own_tests_pass_without_a_warning(sonar):
    """Those of the conformance suite need it installed: tests/test_scaffold.py runs them."""
    own = ("tests/test_tokenizer.py", "tests/test_dataset.py")
    pytest_of_its_own = (sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run(*pytest_of_its_own, *own, cwd=sonar, PYTHONPATH=str(sonar / "src"), OMP_NUM_THREADS="1")


def test_its_readme_says_which_options_there_are(sonar, monkeypatch):
    monkeypatch.syspath_prepend(sonar / "src")
    try:
        options = importlib.import_module("mt_plugin_sonar.tokenizer").SonarOptions
    finally:
        for name in [name for name in sys.modules if name.startswith("mt_plugin_sonar")]:
            del sys.modules[name]
    lines = (sonar / "README.md").read_text().splitlines()
    told = [line.split("|")[1:3] for line in lines if line.startswith("| `") and "." not in line.split("|")[1]]
    assert [(name.strip(" `"), default.strip()) for name, default in told] == [
        (name, str(field.default)) for name, field in options.model_fields.items()
    ]
