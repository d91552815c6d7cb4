"""`mt new`: names, refusals, and that a plugin is written whole or not at all."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from mt_core.cli import main
from mt_core.errors import OptionError
from mt_core.plugins import registry
from mt_core.plugins.discovery import PluginMetadata
from mt_core.plugins.manifest import Manifest, unknown_keys
from mt_core.scaffold import Naming, naming, write_plugin
from mt_core.scaffold.writing import TEMPLATE, bounds

FILES = {
    ".github/workflows/ci.yml",
    ".gitignore",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "src/mt_plugin_ground_radar/__init__.py",
    "src/mt_plugin_ground_radar/baseline.py",
    "src/mt_plugin_ground_radar/dataset.py",
    "src/mt_plugin_ground_radar/plugin.toml",
    "src/mt_plugin_ground_radar/py.typed",
    "src/mt_plugin_ground_radar/tokenizer.py",
    "tests/test_conformance.py",
    "tests/test_dataset.py",
    "tests/test_tokenizer.py",
}


@pytest.fixture
def radar(tmp_path: Path) -> Path:
    """A plugin for a modality whose name has two words."""
    return write_plugin(Naming("ground_radar"), tmp_path)


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_tree_is_that_of_every_plugin(radar):
    assert radar.name == "mt-plugin-ground-radar"
    assert set(texts(radar)) == FILES


def test_a_name_of_two_words_is_written_as_each_place_wants_it(radar):
    project = tomllib.loads((radar / "pyproject.toml").read_text())["project"]
    assert project["name"] == "mt-plugin-ground-radar"
    assert project["entry-points"] == {"mt.plugins": {"ground_radar": "mt_plugin_ground_radar:plugin.toml"}}
    manifest = tomllib.loads((radar / "src/mt_plugin_ground_radar/plugin.toml").read_text())
    assert manifest["name"] == "ground_radar"
    assert manifest["tokenizer"] == "mt_plugin_ground_radar.tokenizer:GroundRadarTokenizer"
    assert manifest["dataset"] == "mt_plugin_ground_radar.dataset:GroundRadarDataset"
    written = texts(radar)
    assert "class GroundRadarTokenizer(Tokenizer)" in written["src/mt_plugin_ground_radar/tokenizer.py"]
    assert "class GroundRadarDataset(ListedDataset)" in written["src/mt_plugin_ground_radar/dataset.py"]
    assert 'test_ground_radar = conformance("ground_radar")' in written["tests/test_conformance.py"]


def test_a_name_may_hold_that_of_the_template(tmp_path):
    folder = write_plugin(Naming("deep_sonar"), tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == folder.name == "mt-plugin-deep-sonar"
    assert project["entry-points"] == {"mt.plugins": {"deep_sonar": "mt_plugin_deep_sonar:plugin.toml"}}


def test_no_word_of_the_template_is_left(radar):
    for name, text in texts(radar).items():
        for word in ("sonar", "core_bounds", "contract_version", ".txt"):
            assert word not in name.lower() and word not in text.lower(), f"{word} in {name}"


def test_the_manifest_is_valid_and_of_this_cores_contract(radar):
    from mt_core.contract import CONTRACT_VERSION

    raw = tomllib.loads((radar / "src/mt_plugin_ground_radar/plugin.toml").read_text())
    assert Manifest.model_validate(raw).contract == CONTRACT_VERSION
    assert unknown_keys(raw) == ()


def test_dependencies_are_bounded_as_the_cores_own(radar):
    """A plugin asks of a package that the core uses too for no more and no less than the core does."""
    from importlib_metadata import requires, version

    core = {line for line in requires("mt-core") or [] if "extra" not in line}
    mine, *others = tomllib.loads((radar / "pyproject.toml").read_text())["project"]["dependencies"]
    assert others and set(others) <= core
    assert mine.startswith(f"mt-core>={version('mt-core')},<")


@pytest.mark.parametrize(
    ("core", "expected"),
    [
        ("0.1.0", ">=0.1.0,<0.2"),
        ("0.12.3", ">=0.12.3,<0.13"),
        ("1.4.2", ">=1.4.2,<2"),
        ("0.3.0.dev1+local", ">=0.3.0.dev1,<0.4"),
    ],
)
def test_bounds_end_where_the_next_core_may_break_a_plugin(core, expected):
    assert bounds(core) == expected


def test_the_licence_names_no_holder(radar):
    licence = (radar / "LICENSE").read_text()
    assert "Apache License" in licence and "Copyright [yyyy] [name of copyright owner]" in licence


def test_continuous_integration_takes_the_steps_that_are_printed(radar, capsys):
    workflow = yaml.safe_load((radar / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"] == {"python": ["3.11", "3.13"]}
    assert main(["new", "ground_radar", "--out", str(radar.parent / "other")]) == 0
    printed = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert printed[0] == f"cd {radar.parent / 'other' / radar.name}"
    assert printed[1:] == [step["run"] for step in job["steps"] if "run" in step]
    assert len(printed) == 4


def test_the_place_is_here_unless_another_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "sonar"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mt-plugin-sonar"]
    assert "\n  cd mt-plugin-sonar\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("ground-radar", "mt new ground_radar"),
        ("Sonar", "mt new sonar"),
        ("mt-plugin-eeg", "mt new eeg"),
        ("ct__3d_", "mt new ct_3d"),
        ("../elsewhere", "mt new elsewhere"),
        ("3d", "mt new sonar"),
        ("", "mt new sonar"),
        ("sönar\n", "mt new s_nar"),
    ],
)
def test_what_is_no_name_is_refused_with_one_that_is(name, fix):
    with pytest.raises(OptionError) as refused:
        naming(name)
    assert refused.value.fix == fix and repr(name) in refused.value.problem


def test_a_modality_of_this_project_is_refused():
    with pytest.raises(OptionError, match=r"the modality audio is there already.*mt-plugin-audio"):
        naming("audio")


@pytest.mark.parametrize("state", ["installed", "broken", "disabled"])
def test_a_modality_that_somebody_installed_is_refused(monkeypatch, state):
    monkeypatch.setattr(registry, "discover", lambda: (PluginMetadata("sonar", "deep-sea", "3.1", state=state),))
    registry.reset()
    try:
        with pytest.raises(OptionError, match=r"there already: deep-sea 3\.1 brings it"):
            naming("sonar")
    finally:
        registry.reset()


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path, capsys):
    (tmp_path / "mt-plugin-sonar").mkdir()
    (tmp_path / "mt-plugin-sonar" / "thesis.tex").write_text("mine")
    assert main(["new", "sonar", "--out", str(tmp_path)]) == 2
    assert "exists and is not an empty folder\n  fix: " in capsys.readouterr().err
    assert texts(tmp_path) == {"mt-plugin-sonar/thesis.tex": "mine"}


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere")], ids=["file", "broken link"])
def test_what_is_no_folder_is_left_as_it_is(tmp_path, make):
    make(tmp_path / "mt-plugin-sonar")
    with pytest.raises(OptionError, match="is not an empty folder"):
        write_plugin(Naming("sonar"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mt-plugin-sonar"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "mt-plugin-ground-radar").mkdir()
    assert set(texts(write_plugin(Naming("ground_radar"), tmp_path))) == FILES


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    write, written = Path.write_text, []

    def full_after_five(path, *args, **kwargs):
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        written.append(path)
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full_after_five)
    with pytest.raises(OptionError, match=r"cannot be written.*No space left") as refused:
        write_plugin(Naming("sonar"), tmp_path)
    assert refused.value.fix and len(written) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="cannot be written"):
        write_plugin(Naming("sonar"), tmp_path / "file")


def test_the_folder_can_be_entered_by_whom_a_new_one_can(tmp_path):
    (tmp_path / "plain").mkdir()
    folder = write_plugin(Naming("sonar"), tmp_path)
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_it_imports_nothing_heavy(tmp_path):
    heavy = {"torch", "pydantic", "numpy", "rich", "timm", "lightning"}
    code = (
        "import sys; from mt_core.cli import main; code = main(['new', 'sonar', '--out', sys.argv[1]])\n"
        "print(code, *{name.partition('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    code, *imported = ran.stdout.splitlines()[-1].split()
    assert code == "0" and "mt_core" in imported
    assert not heavy.intersection(imported)


def test_the_template_holds_text_alone():
    """What has another suffix would not be written, and a tool may leave its cache there."""
    assert {path.suffix for path in TEMPLATE.rglob("*") if path.is_file()} == {".txt"}
    assert os.path.getsize(TEMPLATE / "LICENSE.txt") > 10_000
