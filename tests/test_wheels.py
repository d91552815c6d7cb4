"""Each distribution as a user gets it: a wheel, in an environment of its own, where it conforms."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mt_core.plugins.official import OFFICIAL

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")

FAMILIES = ("packaging", "importing", "reading", "sample", "tokens", "dataset", "head")
WITHOUT_TRAINING = [word for family in FAMILIES for word in ("--only", family)]
"""Options of `mt check`: the files and samples of a plugin are read without what its own tests are compared with."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str, cwd: Path | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, capture_output=True, text=True, env={**environment, "OMP_NUM_THREADS": "1"}, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    run(UV, "build", "--all-packages", "--wheel", "--out-dir", str(folder), cwd=ROOT)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.mark.parametrize("plugin", OFFICIAL)
def test_a_plugins_wheel_works_beside_the_cores_and_nothing_else(wheels, plugin, tmp_path):
    python = tmp_path / "venv/bin/python"
    run(UV, "venv", "--python", sys.executable, str(tmp_path / "venv"))
    run(UV, "pip", "install", "--python", str(python), str(wheels["mt_core"]), str(wheels[f"mt_plugin_{plugin}"]))
    listed = run(str(python.with_name("mt")), "list", cwd=tmp_path)
    states = {line.split()[0]: line.split()[1] for line in listed.splitlines() if line.strip()}
    assert states[plugin] == "installed"
    assert all(state != "installed" for name, state in states.items() if name != plugin)
    assert "options" in run(str(python.with_name("mt")), "info", plugin, cwd=tmp_path)
    embed = (
        f"import mt_core as mt; from mt_core.plugins import get\n"
        f"test = get({plugin!r}).dataset.demo('test', size=8); model = mt.load({plugin!r})\n"
        f"print(mt.embed(model, [test[i].sample for i in range(8)]).shape)"
    )
    assert run(str(python), "-c", embed, cwd=tmp_path).strip() == "(8, 1536)"
    told = run(str(python.with_name("mt")), "check", plugin, *WITHOUT_TRAINING, cwd=tmp_path)
    assert " checks were run" in told and "✗" not in told


def test_the_wheel_of_a_tool_adds_its_command_to_the_core(wheels, tmp_path):
    python = tmp_path / "venv/bin/python"
    run(UV, "venv", "--python", sys.executable, str(tmp_path / "venv"))
    run(UV, "pip", "install", "--python", str(python), str(wheels["mt_core"]), str(wheels["mt_pretrain"]))
    mt = str(python.with_name("mt"))
    assert "pretrain" in run(mt, "--help", cwd=tmp_path)
    assert "--pairs" in run(mt, "pretrain", "--help", cwd=tmp_path)
    run(mt, "pretrain", "--out", "own", "--steps", "2", "--batch-size", "8", "--size", "32", "-q", cwd=tmp_path)
    assert (tmp_path / "own/encoder.safetensors").is_file()


def test_every_wheel_holds_its_types_its_licence_and_its_manifest(wheels):
    assert set(wheels) == {
        "mt_core",
        "mt_explain",
        "mt_export",
        "mt_fusion",
        "mt_pretrain",
        "mt_ray",
        "mt_report",
        "mt_serve",
        *(f"mt_plugin_{plugin}" for plugin in OFFICIAL),
    }
    for name, wheel in wheels.items():
        files = zipfile.ZipFile(wheel).namelist()
        assert f"{name}/py.typed" in files
        assert any(file.endswith("licenses/LICENSE") for file in files)
        assert name == "mt_core" or {f"{name}/{kind}.toml" for kind in ("plugin", "commands", "engines")} & set(files)
        assert not any("tests" in file for file in files if "/scaffold/template/" not in file)
