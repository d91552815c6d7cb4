"""What `mt new` writes, as a stranger gets it: wheels in an environment of their own, where everything is green."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str | Path, cwd: Path, fails: bool = False) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["OMP_NUM_THREADS"] = "1"
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment, cwd=cwd)
    assert done.returncode == (1 if fails else 0), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def commands(tmp_path_factory) -> Path:
    """The folder of commands of an environment that holds the core's wheel with its extra for tests."""
    folder = tmp_path_factory.mktemp("stranger")
    run(UV, "build", "--package", "mt-core", "--wheel", "--out-dir", folder, cwd=ROOT)
    (wheel,) = folder.glob("mt_core-*.whl")
    run(UV, "venv", "--python", sys.executable, folder / "venv", cwd=folder)
    run(UV, "pip", "install", "--python", folder / "venv", f"{wheel}[testing]", cwd=folder)
    return folder / "venv/bin"


@pytest.fixture(scope="module")
def sonar(commands, tmp_path_factory) -> Path:
    """A new plugin, written by the core's wheel; not to be changed."""
    folder = tmp_path_factory.mktemp("new")
    run(commands / "mt", "new", "sonar", cwd=folder)
    return folder / "mt-plugin-sonar"


def install(commands: Path, plugin: Path) -> Path:
    """Build the wheel of a plugin and install it, alone and anew."""
    wheels = tempfile.mkdtemp(dir=commands.parents[1])
    run(UV, "build", "--wheel", "--out-dir", wheels, cwd=plugin)
    (wheel,) = Path(wheels).glob("*.whl")
    run(UV, "pip", "install", "--python", commands.parent, "--no-deps", "--reinstall", wheel, cwd=plugin)
    return wheel


def test_a_new_plugin_is_green_as_a_wheel_beside_the_cores(commands, sonar, tmp_path):
    wheel = install(commands, sonar)
    files = zipfile.ZipFile(wheel).namelist()
    assert {"mt_plugin_sonar/plugin.toml", "mt_plugin_sonar/py.typed"} <= set(files)
    assert any(file.endswith("licenses/LICENSE") for file in files) and not any("tests" in file for file in files)
    run(UV, "pip", "check", "--python", commands.parent, cwd=tmp_path)
    shutil.copytree(sonar / "tests", tmp_path / "elsewhere/tests")
    told = run(commands / "python", "-m", "pytest", "-q", "tests", cwd=tmp_path / "elsewhere")
    assert " passed" in told and " failed" not in told
    assert "conforms" in run(commands / "mt", "check", "sonar", cwd=tmp_path).splitlines()[-1]


def test_a_line_broken_in_a_new_plugin_is_named_by_its_check(commands, sonar, tmp_path):
    broken = shutil.copytree(sonar, tmp_path / "broken")
    tokenizer = broken / "src/mt_plugin_sonar/tokenizer.py"
    whole = tokenizer.read_text()
    masked, unmasked = "Tokens(self.place(values_BND, mask=mask), mask=mask)", "Tokens(self.place(values_BND))"
    assert whole.count(masked) == 1
    tokenizer.write_text(whole.replace(masked, unmasked))
    install(commands, broken)
    told = run(commands / "mt", "check", "sonar", cwd=tmp_path, fails=True)
    assert "✗ padding changes nothing" in told and "does not conform" in told.splitlines()[-1]
