"""What goes together: the twelve with each other, with the lowest versions that they declare, with other Pythons.

CONTRIBUTING.md, "Versions and contract", says the same in words.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from email.parser import Parser
from functools import cache
from pathlib import Path

import importlib_metadata
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mt_core as mt
from mt_core.errors import RunError
from mt_core.plugins import get, list_plugins, registry
from mt_core.plugins.official import OFFICIAL
from mt_core.training.run_record import FORMAT
from mt_core.version import CONTRACT_VERSION

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
PROJECTS = [ROOT / "core", *(ROOT / "plugins" / name for name in OFFICIAL), *sorted((ROOT / "tools").glob("*/"))]
PYTHONS = ("3.11", "3.12", "3.13")
TRIED = ("image", "tabular")
"""Whose tests are run beside the core's: the many formats of Pillow; the readers of Arrow, and calibration."""

NOT_INSTALLED = {"umap": "umap-learn"}
"""Distributions of packages that are imported where they are there, and are not part of the workspace."""

each_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)


def metadata(project: Path) -> dict:
    return tomllib.loads((project / "pyproject.toml").read_text())["project"]


def requirements(project: Path) -> list[Requirement]:
    said = metadata(project)
    everything = [*said["dependencies"], *sum(said.get("optional-dependencies", {}).values(), [])]  # noqa: RUF017
    return [Requirement(line) for line in everything]


# all twelve beside each other


def test_all_twelve_list_and_load_beside_each_other(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    registry.reset()
    listed = {
        plugin.name: (plugin.state, plugin.raw["contract"]) for plugin in list_plugins() if plugin.name in OFFICIAL
    }
    assert listed == {name: ("installed", CONTRACT_VERSION) for name in OFFICIAL}
    assert [get(name).distribution for name in OFFICIAL] == [f"mt-plugin-{name}" for name in OFFICIAL]


def test_a_run_of_a_later_layout_is_refused_with_the_command_that_mends_it(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"format": FORMAT + 1, "modality": "nobody's"}))
    with pytest.raises(RunError, match="was written by a newer mt-core") as caught:
        mt.load_run(tmp_path)
    assert caught.value.fix == "pip install -U mt-core"


# what each declares


@cache
def distributions() -> Mapping[str, list[str]]:
    """Those that install each package that can be imported."""
    return importlib_metadata.packages_distributions()


@each_project
def test_every_package_that_is_imported_is_declared(project):
    declared = {canonicalize_name(each.name) for each in requirements(project)}
    undeclared = {
        package
        for path in (project / "src").rglob("*.py")
        for package in imported(path.read_text())
        if not declared
        & {canonicalize_name(name) for name in distributions().get(package, [NOT_INSTALLED.get(package, package)])}
    }
    assert undeclared == set()


def imported(code: str) -> Iterator[str]:
    """The packages of others that a source imports, at once or later."""
    for node in ast.walk(ast.parse(code)):
        modules = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        for package in (module.partition(".")[0] for module in modules):
            if package not in sys.stdlib_module_names and not package.startswith("mt_"):
                yield package


def test_a_late_import_is_seen():
    assert list(imported("import os, mt_core\ndef late():\n    from scipy.io import loadmat")) == ["scipy"]


@each_project
def test_every_requirement_has_a_lowest_version_and_what_users_share_has_no_highest(project):
    for each in requirements(project):
        operators = [specifier.operator for specifier in each.specifier]
        assert operators.count(">=") == 1, f"{each} has no lowest version"
        if each.name in ("numpy", "pandas", "torch", "scipy", "pillow", "pyarrow"):
            assert operators == [">="], f"{each} keeps all that is installed beside it from going on"


def test_a_package_has_one_lowest_version_wherever_it_is_required():
    lowest = defaultdict(set)
    for project in PROJECTS:
        for each in requirements(project):
            lowest[each.name].add(next(s.version for s in each.specifier if s.operator == ">="))
    assert {name: versions for name, versions in lowest.items() if len(versions) > 1} == {}


@each_project
def test_a_plugin_requires_the_cores_minor_series(project):
    major, minor, _ = metadata(PROJECTS[0])["version"].split(".")
    required = {str(each.specifier) for each in requirements(project) if each.name == "mt-core"}
    assert required == (set() if project == PROJECTS[0] else {f"<{major}.{int(minor) + 1},>={major}.{minor}"})


@each_project
def test_each_names_the_pythons_that_continuous_integration_tests(project):
    said = metadata(project)
    prefix = "Programming Language :: Python :: "
    assert [c.removeprefix(prefix) for c in said["classifiers"] if c.startswith(prefix)] == list(PYTHONS)
    assert said["requires-python"] == f">={PYTHONS[0]}"
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert {PYTHONS[0], PYTHONS[-1]} <= set(workflow["jobs"]["test"]["strategy"]["matrix"]["python"])


# from here on wheels, in environments of their own


def run(*command: str | Path, cwd: Path | None = None, stdin: str | None = None) -> str:
    outside = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=outside | one_thread, cwd=cwd, input=stdin
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """Each distribution's, by its name."""
    folder = tmp_path_factory.mktemp("wheels")
    run(UV, "build", "--all-packages", "--wheel", "--out-dir", folder, cwd=ROOT)
    made = {path.name.partition("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}
    return {metadata(project)["name"]: made[metadata(project)["name"]] for project in PROJECTS}


@pytest.fixture(scope="module")
def registry_of_packages() -> None:
    try:
        run(UV, "pip", "compile", "-q", "--refresh", "-", stdin="iniconfig")
    except AssertionError as error:
        pytest.skip(f"no registry of packages can be reached: {str(error).strip().splitlines()[-1]}")


@pytest.mark.slow
def test_no_two_distributions_install_the_same_file(wheels):
    installed = Counter(file for wheel in wheels.values() for file in zipfile.ZipFile(wheel).namelist())
    assert [file for file, times in installed.items() if times > 1] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "resolution"), [*((python, "highest") for python in PYTHONS), (PYTHONS[0], "lowest-direct")]
)
def test_what_all_twelve_require_can_be_installed_together(wheels, registry_of_packages, tmp_path, python, resolution):
    asked = "\n".join([*required_by(*wheels.values()), *map(str, wheels.values())])
    options = ["--python-version", python, "--resolution", resolution, "--no-header", "--no-annotate"]
    if resolution != "highest":
        options += ["--constraint", lowest(asked, tmp_path)]
    resolved = run(UV, "pip", "compile", "-q", *options, "-", stdin=asked)
    assert {"torch", "numpy", "pandas", "scipy"} <= {line.partition("==")[0] for line in resolved.splitlines()}


def required_by(*files: Path, extras: tuple[str, ...] = ()) -> list[str]:
    """What wheels require beside each other, as lines of their own: "lowest-direct" means these."""
    lines = []
    for wheel in files:
        archive = zipfile.ZipFile(wheel)
        file = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        for line in Parser().parsestr(archive.read(file).decode()).get_all("Requires-Dist", []):
            each = Requirement(line)
            wanted = each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
            if wanted and not each.name.startswith("mt-"):
                each.marker = None
                lines.append(str(each))
    return lines


def lowest(asked: str, folder: Path) -> Path:
    """A file of constraints to the lowest series of everything that is asked for: uv alone takes a later torch to get a
    later torchvision, which nobody asked for."""
    required = [Requirement(line) for line in asked.splitlines() if not line.endswith(".whl")]
    series = {f"{each.name}=={s.version}.*" for each in required for s in each.specifier if s.operator == ">="}
    (folder / "lowest.txt").write_text("\n".join(sorted(series)))
    return folder / "lowest.txt"


def needed_by_tests() -> list[str]:
    """What our tests import, from the development group of the workspace."""
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    tools = ("hypothesis", "kaldi-native-fbank", "pandas", "pycocotools", "pytest", "scikit-learn")
    return [line for line in group if line.startswith(tools)]


def outcome_of_tests(wheels: dict[str, Path], python: str | Path, folder: Path, resolution: str) -> str:
    """Run the tests of core and `TRIED` on wheels, with those versions of everything, and give their last line."""
    chosen = [wheels["mt-core"], *(wheels[f"mt-plugin-{name}"] for name in TRIED)]
    inside = folder / "venv/bin/python"
    run(UV, "venv", "--python", python, folder / "venv")
    asked = "\n".join([*required_by(*chosen, extras=("demo", "testing")), *needed_by_tests()])
    (folder / "asked.txt").write_text(asked)
    install = [UV, "pip", "install", "--python", inside, "--resolution", resolution]
    if resolution != "highest":
        install += ["--constraint", lowest(asked, folder)]
    run(*install, "-r", folder / "asked.txt", *chosen)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "core/tests", folder / "core")
    # these hold our sources and pages to our habits, and are no matter of versions
    shutil.rmtree(folder / "core/guards")
    (folder / "core/hooks/test_page.py").unlink()
    for name in TRIED:
        shutil.copytree(ROOT / "plugins" / name / "tests", folder / name)
    # warnings of others' old versions are not ours to mend
    quiet = ("-o", "filterwarnings=default", "-p", "no:cacheprovider", "--disable-warnings")
    told = run(inside, "-m", "pytest", "-q", *quiet, "core", *TRIED, cwd=folder).splitlines()[-1]
    shutil.rmtree(folder / "venv")  # gigabytes, which pytest would keep
    return told


def another_python(version: str) -> str:
    """The interpreter that MT_OTHER_PYTHON names, or what uv finds of that version; without one the test is skipped."""
    if named := os.environ.get("MT_OTHER_PYTHON"):
        return named
    asked = [UV, "python", "find", "--no-python-downloads", version]
    search = subprocess.run(asked, capture_output=True, text=True)
    if search.returncode:
        pytest.skip(f"there is no Python {version} here; MT_OTHER_PYTHON may name one")
    return search.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_core_and_two_plugins_work_with_the_lowest_versions_that_they_declare(wheels, registry_of_packages, tmp_path):
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = sys.executable if here == PYTHONS[0] else another_python(PYTHONS[0])
    told = outcome_of_tests(wheels, python, tmp_path, "lowest-direct")
    assert " passed" in told and " failed" not in told


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_core_and_two_plugins_work_on_another_python(wheels, registry_of_packages, tmp_path):
    other = PYTHONS[0] if sys.version_info[:2] == (3, 13) else PYTHONS[-1]
    told = outcome_of_tests(wheels, another_python(other), tmp_path, "highest")
    assert " passed" in told and " failed" not in told
