"""What is found without running any plugin's code."""

import json
import os
import subprocess
import sys

import pytest

from mt_core.plugins.discovery import discover

SHOUTS = "import pathlib; pathlib.Path(__file__).with_name('imported').touch()"


def only(site):
    (plugin,) = discover([str(site.folder)])
    return plugin


def test_a_whole_plugin_is_found_with_its_distribution_version_and_manifest(site):
    package = site.install(version="2.3")
    plugin = only(site)
    assert (plugin.name, plugin.distribution, plugin.version) == ("waves", "fake-waves", "2.3")
    assert plugin.path == package / "plugin.toml"
    assert plugin.raw["suffixes"] == [".wave"]
    assert (plugin.state, plugin.problem, plugin.summary) == ("installed", "", "Waves on a string")


def test_a_manifest_in_an_inner_package_is_found(site):
    inner = {"inner/plugin.toml": 'contract = "1.0"\nname = "waves"'}
    site.install(entry="waves = fake_waves.inner:plugin.toml", files=inner)
    assert only(site).state == "installed"


def test_listing_runs_no_plugin_code(site):
    package = site.install(files={"__init__.py": SHOUTS, "tokenizer.py": SHOUTS})
    environment = {**os.environ, "PYTHONPATH": str(site.folder)}
    listing = "from mt_core.cli import main; main(['list', '--json'])"
    command = [sys.executable, "-c", listing]
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "waves" in [row["modality"] for row in json.loads(listed.stdout)]
    assert not (package / "imported").exists()


def test_the_code_that_listing_must_not_run_would_have_been_noticed(site):
    package = site.install(files={"__init__.py": SHOUTS})
    __import__("fake_waves")
    assert (package / "imported").exists()


def test_a_missing_manifest_names_the_package_and_the_build_backend_that_ships_it(site):
    site.install(files={"plugin.toml": None})
    plugin = only(site)
    assert plugin.state == "broken"
    assert plugin.problem == "its plugin.toml is not in the package fake_waves"
    assert "hatchling" in plugin.fix


def test_a_manifest_that_is_not_toml_names_the_file_and_the_line(site):
    package = site.install(files={"plugin.toml": "name = waves"})
    plugin = only(site)
    assert plugin.problem.startswith(f"{package / 'plugin.toml'} is not TOML (")
    assert "line 1" in plugin.problem
    assert plugin.fix == "correct the file, or ask the authors of fake-waves to"


def test_a_manifest_that_is_not_utf8_is_not_toml(site):
    package = site.install()
    (package / "plugin.toml").write_bytes(b'summary = "\xff"')
    assert "is not TOML" in only(site).problem


def test_a_package_that_is_gone_is_to_be_installed_again(site):
    package = site.install()
    package.rename(package.with_name("elsewhere"))
    plugin = only(site)
    assert plugin.problem == "its package fake_waves is not there"
    assert plugin.fix == "pip install --force-reinstall fake-waves"


def test_an_entry_point_to_code_says_how_to_declare_a_manifest(site):
    site.install(entry="waves = fake_waves.tokenizer:WaveTokenizer")
    plugin = only(site)
    assert plugin.problem == "its entry point is 'fake_waves.tokenizer:WaveTokenizer', not \"package:plugin.toml\""
    assert 'name = "package:plugin.toml"' in plugin.fix


def test_an_entry_point_and_a_manifest_of_different_names_are_both_named(site):
    site.install(entry="wawes = fake_waves:plugin.toml")
    assert only(site).problem == "its entry point says 'wawes', its plugin.toml says 'waves'"


def test_a_newer_contract_asks_to_upgrade_the_core(site):
    site.install(contract="1.1")
    plugin = only(site)
    assert plugin.problem == "it was written for contract 1.1, this mt-core has 1.0"
    assert plugin.fix == "pip install -U mt-core"


def test_an_older_major_contract_asks_to_upgrade_the_plugin(site):
    site.install(contract="0.9")
    plugin = only(site)
    assert plugin.problem == "it was written for contract 0.9, which this mt-core (1.0) no longer has"
    assert plugin.fix == "pip install -U fake-waves"


def test_an_older_minor_contract_is_kept(site, monkeypatch):
    monkeypatch.setattr("mt_core.plugins.discovery.CONTRACT_VERSION", "1.10")
    site.install(contract="1.9")
    assert only(site).state == "installed"


def test_a_contract_that_is_a_number_is_asked_for_as_text(site):
    site.install(files={"plugin.toml": 'name = "waves"\ncontract = 1.0'})
    plugin = only(site)
    assert plugin.problem == "its plugin.toml says contract = 1.0, not a version as text, like '1.0'"
    assert plugin.fix.startswith('write contract = "1.0" into plugin.toml')


def test_damaged_entry_points_are_the_fault_of_their_own_distribution(site):
    site.install("waves")
    site.install("tides", entry="nonsense without an equals sign")
    broken, whole = discover([str(site.folder)])
    assert (broken.distribution, broken.state) == ("fake-tides", "broken")
    assert broken.problem.startswith("its entry points cannot be read (")
    assert whole.state == "installed"


def test_metadata_that_is_not_text_harms_nobody(site):
    site.install("waves")
    site.install("tides")
    (site.folder / "fake_tides-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[mt.plugins]")
    assert [plugin.name for plugin in discover([str(site.folder)])] == ["waves"]


def test_of_two_copies_of_one_distribution_the_first_on_the_path_counts(site, tmp_path):
    site.install(version="2.0")
    further = type(site)(tmp_path / "further")
    further.install(version="1.0")
    (plugin,) = discover([str(site.folder), str(further.folder)])
    assert plugin.version == "2.0"


def test_each_broken_plugin_leaves_the_others_installed(site):
    site.install("waves")
    site.install("tides", files={"plugin.toml": None})
    site.install("swell", files={"plugin.toml": "]["})
    site.install("surf", contract="9.0")
    states = {plugin.name: plugin.state for plugin in discover([str(site.folder)])}
    assert states == {"waves": "installed", "tides": "broken", "swell": "broken", "surf": "broken"}


@pytest.mark.parametrize("package", ["space", "space.inner", "whole.inner"])
def test_listing_imports_no_package_above_the_manifest(site, package):
    site.install(entry=f"waves = {package}:plugin.toml")
    manifest = (site.folder / "fake_waves" / "plugin.toml").read_text()
    folder = site.folder.joinpath(*package.split("."))
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(manifest)
    if package.startswith("whole"):  # the others have no __init__.py: they are namespace packages
        for inner in (folder, folder.parent):
            (inner / "__init__.py").write_text(SHOUTS)
    assert (only(site).state, only(site).path) == ("installed", folder / "plugin.toml")
    assert not list(site.folder.rglob("imported"))


@pytest.mark.parametrize(
    "value",
    [
        "../outside:plugin.toml",
        "fake_waves:../outside/plugin.toml",
        "fake_waves:/outside/plugin.toml",
        "fake_waves:inner/plugin.toml",
        "fake_waves:..toml/../plugin.toml",
        "fake_waves:.toml",
        "fake_waves.:plugin.toml",
        ":plugin.toml",
        "fake_waves",
    ],
)
def test_an_entry_point_leads_nowhere_but_to_a_file_in_its_own_package(site, tmp_path, value):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "plugin.toml").write_text('contract = "1.0"\nname = "waves"')
    site.install(entry=f"waves = {value.replace('/outside', str(tmp_path / 'outside')) if ':/' in value else value}")
    plugin = only(site)
    assert (plugin.state, plugin.path) == ("broken", None)
    assert 'not "package:plugin.toml"' in plugin.problem


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("x = " + "[" * 30_000, "is nested too deeply"),
        (f"x = {'9' * 5000}", "is not TOML"),
        (f'contract = "1.0"\nname = "waves"\n#{"-" * 65_536}', "has more than 65536 bytes"),
        (f'contract = "{"9" * 5000}.0"\nname = "waves"', "not a version as text"),
        ("name" + ".a" * 5000 + " = 1", "its entry point says 'waves', its plugin.toml says {'a':"),
        ('contract = "1.0"\nname = "waves"\nsuffixes = ""', "its plugin.toml says suffixes = ''"),
        ('contract = "1.0"\nname = "waves"\nsuffixes = 3', "its plugin.toml says suffixes = 3"),
        ('contract = "1.0"\nname = "waves"\nsuffixes = [""]', "its plugin.toml says suffixes = ['']"),
        ('contract = "1.0"\nname = "waves"\nsuffixes = ["v"]', "its plugin.toml says suffixes = ['v']"),
        ('contract = "1.0"\nname = "waves"\nsuffixes = [[".v"]]', "its plugin.toml says suffixes = [['.v']]"),
    ],
    ids=lambda value: value[:30],
)
def test_a_hostile_manifest_harms_itself_alone_and_is_told_in_brief(site, manifest, said):
    site.install("tides")
    site.install("waves", files={"plugin.toml": manifest})
    tides, waves = discover([str(site.folder)])
    assert (tides.state, waves.state) == ("installed", "broken")
    assert said in waves.problem and len(waves.problem) < 400 + len(str(waves.path))
    assert "fake-waves" in waves.fix


def test_a_manifest_whose_summary_is_a_deep_table_is_listed_without_one(site):
    site.install(files={"plugin.toml": 'contract = "1.0"\nname = "waves"\nsummary' + ".a" * 5000 + " = 1"})
    assert only(site).summary == ""


def test_what_others_wrote_does_not_steer_the_terminal(site):
    steering = '"Waves\\u001b[2J\\u001b]0;title\\u0007\\n\\u202eon a string"'
    site.install(version="1.0\x1b[2J", files={"plugin.toml": f'contract = "1.0"\nname = "waves"\nsummary = {steering}'})
    plugin = only(site)
    assert plugin.summary == "Waves[2J]0;title on a string"
    assert plugin.version == "1.0[2J"


@pytest.mark.parametrize("name", ["Waves", "wa-ves", "w\u202eaves", "../waves", "9waves"])
def test_a_name_that_nobody_could_type_is_broken(site, name):
    site.install(entry=f"{name} = fake_waves:plugin.toml", files={"plugin.toml": f'contract = "1.0"\nname = "{name}"'})
    plugin = only(site)
    assert plugin.state == "broken" and plugin.problem.endswith("is no name of a modality")
    assert plugin.name.isprintable()


def test_a_manifest_may_be_a_link_to_a_file_as_some_installers_make_them(site, tmp_path):
    package = site.install()
    (package / "plugin.toml").rename(tmp_path / "kept.toml")
    (package / "plugin.toml").symlink_to(tmp_path / "kept.toml")
    assert only(site).state == "installed"


@pytest.mark.parametrize("target", ["/dev/zero", "plugin.toml", "gone.toml", "."])
def test_a_manifest_that_is_a_link_to_no_file_is_not_opened(site, target):
    package = site.install(files={"plugin.toml": None})
    (package / "plugin.toml").symlink_to(target)
    assert only(site).problem == "its plugin.toml is not in the package fake_waves"


def test_a_manifest_that_is_a_pipe_is_not_waited_for(site):
    package = site.install(files={"plugin.toml": None})
    os.mkfifo(package / "plugin.toml")
    assert only(site).problem == "its plugin.toml is not in the package fake_waves"


def test_a_path_too_long_for_the_system_is_told(site):
    site.install(entry=f"waves = fake_waves.{'a' * 300}:plugin.toml")
    assert only(site).state == "broken"
