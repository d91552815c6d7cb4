"""From a modality's name to its code, or to an error that says what to do."""

import sys
from pathlib import Path

import pytest

from mt_core.contract import Tokenizer
from mt_core.errors import (
    ConflictError,
    ContractError,
    DisabledPluginError,
    MissingDependencyError,
    PluginError,
    UnknownModalityError,
)
from mt_core.plugins import get, list_modalities, list_plugins


def refused(error, name="waves"):
    with pytest.raises(error) as caught:
        get(name)
    assert type(caught.value) is error
    return caught.value


def test_a_whole_plugin_is_loaded_once(site):
    site.install()
    plugin = get("waves")
    assert (plugin.name, plugin.distribution, plugin.version) == ("waves", "fake-waves", "1.0")
    assert issubclass(plugin.tokenizer, Tokenizer)
    assert plugin.dataset.__name__ == "WaveDataset" and plugin.head.__name__ == "WaveHead"
    assert get("waves") is plugin


def test_a_manifest_that_breaks_the_contract_is_refused_on_use(site):
    site.install(files={"plugin.toml": 'contract = "1.0"\nname = "waves"'})
    assert refused(ContractError).problem.endswith("summary in " + str(list_plugins()[0].path) + ": Field required")


def test_what_is_wrong_with_a_broken_plugin_is_told_on_use(site):
    site.install(contract="2.0")
    error = refused(ContractError)
    assert error.problem == (
        "the modality waves (fake-waves 1.0) cannot be used: it was written for contract 2.0, this mt-core has 1.0"
    )
    assert error.fix == "pip install -U mt-core"


def test_code_that_raises_at_import_names_distribution_module_and_error(site):
    site.install(files={"tokenizer.py": "1 / 0"})
    error = refused(PluginError)
    assert error.problem == (
        "fake-waves 1.0: fake_waves.tokenizer cannot be imported (ZeroDivisionError: division by zero)"
    )
    assert error.fix == "pip install -U fake-waves, or report it to its authors"
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_code_that_exits_at_import_does_not_end_the_program(site):
    site.install(files={"tokenizer.py": "raise SystemExit('no licence')"})
    assert "(SystemExit: no licence)" in refused(PluginError).problem


def test_an_interrupt_at_import_is_the_users_and_goes_through(site):
    site.install(files={"tokenizer.py": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        get("waves")


@pytest.mark.parametrize(
    ("missing", "line"),
    [("laspyx.lazrs", "pip install laspyx"), ("PIL.Nothing", "pip install Pillow"), ("mt_core.new", "-U mt-core")],
)
def test_a_missing_dependency_is_named_as_pip_knows_it(site, missing, line):
    raising = f"raise ModuleNotFoundError('No module named {missing}', name={missing!r})"
    site.install(files={"tokenizer.py": raising})
    error = refused(PluginError)
    assert missing in error.problem
    assert error.fix.endswith(line)


def test_a_module_that_the_plugin_itself_lacks_is_not_looked_for_on_pypi(site):
    site.install(files={"dataset.py": None})
    error = refused(PluginError)
    assert "fake_waves.dataset cannot be imported" in error.problem
    assert error.fix.startswith("pip install -U fake-waves")


def test_an_error_of_ours_at_import_keeps_its_fix(site):
    raising = "from mt_core.errors import *\nraise MissingDependencyError('no codec', 'pip install codec')"
    site.install(files={"tokenizer.py": raising})
    error = refused(PluginError)
    assert "(MissingDependencyError: no codec)" in error.problem and error.fix == "pip install codec"
    assert isinstance(error.__cause__, MissingDependencyError)


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        ("tokenizer.py", "WaveTokenizer = dict", "tokenizer:WaveTokenizer is no subclass of Tokenizer"),
        ("dataset.py", "class WaveDataset: ...", "dataset:WaveDataset is no subclass of ModalityDataset"),
        ("head.py", "def WaveHead(width, task): ...", "head:WaveHead is no subclass of Head"),
        ("head.py", "", "head:WaveHead is not there"),
    ],
)
def test_a_class_of_a_wrong_type_is_refused_by_its_role(site, file, code, said):
    site.install(files={file: code})
    error = refused(ContractError)
    assert error.problem == f"fake-waves 1.0: its {file.removesuffix('.py')} fake_waves.{said}"
    assert "mt_core.contract." in error.fix


def test_a_broken_plugin_leaves_the_others_usable(site):
    site.install("tides", files={"tokenizer.py": "1 / 0"})
    site.install("waves")
    refused(PluginError, "tides")
    assert get("waves").name == "waves"


def test_two_claimants_are_an_error_that_names_both_and_how_to_choose(site):
    site.install(distribution="fake-a")
    site.install(distribution="fake-b", version="3.0")
    error = refused(ConflictError)
    assert error.problem == "fake-a 1.0 and fake-b 3.0 both claim the modality waves"
    assert 'prefer = { waves = "fake-' in error.fix and "settings.toml" in error.fix
    assert [plugin.state for plugin in list_plugins()] == ["conflict", "conflict"]
    assert list_modalities() == ()


def test_a_preference_settles_two_claims_before_anything_is_imported(site, settings):
    site.install(distribution="fake-a", files={"__init__.py": "1 / 0"})
    site.install(distribution="fake-b")
    settings.write_text('[plugins]\nprefer = { waves = "fake-b" }')
    assert get("waves").distribution == "fake-b"
    a, b = list_plugins()
    assert (a.distribution, a.state, a.problem) == ("fake-a", "disabled", f"{settings} prefers fake-b")
    assert (b.distribution, b.state) == ("fake-b", "installed")
    assert "fake_a" not in sys.modules


def test_the_preferred_claimant_when_broken_is_not_replaced_by_the_other(site, settings):
    site.install(distribution="fake-a")
    site.install(distribution="fake-b", contract="2.0")
    settings.write_text('[plugins]\nprefer = { waves = "fake-b" }')
    assert "fake-b 1.0" in refused(ContractError).problem


def test_a_preference_for_somebody_who_does_not_claim_it_settles_nothing(site, settings):
    site.install(distribution="fake-a")
    site.install(distribution="fake-b")
    settings.write_text('[plugins]\nprefer = { waves = "fake-c" }')
    assert refused(ConflictError).problem == "fake-a 1.0 and fake-b 1.0 both claim the modality waves"
    assert [plugin.state for plugin in list_plugins()] == ["conflict", "conflict"]


def test_a_disabled_plugin_is_refused_before_it_is_imported(site, monkeypatch):
    site.install()
    monkeypatch.setenv("MT_PLUGINS", "tides")
    error = refused(DisabledPluginError)
    assert error.problem == "the modality waves (fake-waves 1.0) is disabled: MT_PLUGINS=tides does not name it"
    assert error.fix == "add waves to MT_PLUGINS, or unset it"
    assert "fake_waves" not in sys.modules
    assert list_modalities() == ()


def test_a_misspelt_modality_gets_the_nearest_installed_name(site):
    site.install()
    error = refused(UnknownModalityError, "wavs")
    assert error.problem == "there is no modality 'wavs'"
    assert error.fix == "did you mean waves?"


def test_a_misspelt_modality_that_is_not_installed_gets_its_name_and_line(site):
    error = refused(UnknownModalityError, "Point_Cloud")
    assert error.fix == "did you mean pointcloud? pip install mt-plugin-pointcloud"


def test_a_known_but_absent_modality_gets_its_install_line(site):
    error = refused(UnknownModalityError, "audio")
    assert error.problem == "the modality audio is not installed"
    assert error.fix == "pip install mt-plugin-audio"


def test_a_name_near_to_none_is_pointed_to_the_list(site):
    assert refused(UnknownModalityError, "qqq").fix == "`mt list` shows what is installed and what is available"


def test_names_are_those_that_can_be_asked_for(site):
    site.install("waves")
    site.install("tides", contract="2.0")
    assert list_modalities() == ("waves",)


def test_a_function_that_shows_predictions_is_loaded_with_its_plugin(site):
    showing = "def write(source, records, task, folder):\n    return [folder / 'map.png']"
    site.install(more='pictures = "fake_waves.picture:write"', files={"picture.py": showing})
    pictures = get("waves").pictures
    assert pictures is not None and pictures("a.wave", [], None, Path("out")) == [Path("out/map.png")]


def test_a_plugin_may_show_nothing(site):
    site.install()
    assert get("waves").pictures is None


@pytest.mark.parametrize(("code", "said"), [("", "is not there"), ("write = 3", "is no function")])
def test_what_cannot_be_called_to_show_predictions_is_refused(site, code, said):
    site.install(more='pictures = "fake_waves.picture:write"', files={"picture.py": code})
    assert said in refused(ContractError).problem


@pytest.mark.parametrize("distribution", ["fake-audio", "mt-plugin-audio-extra", "mt-plugins-audio"])
def test_a_strangers_plugin_does_not_get_an_official_name(site, distribution):
    site.install("audio", distribution=distribution, files={"__init__.py": "1 / 0"})
    error = refused(ConflictError, "audio")
    assert error.problem == f"{distribution} 1.0 claims the modality audio, which is mt-plugin-audio's"
    assert error.fix.startswith("uninstall it and pip install mt-plugin-audio; to use it all the same, write into ")
    assert error.fix.endswith(f'prefer = {{ audio = "{distribution}" }}')
    assert list_modalities() == ()


def test_a_strangers_plugin_gets_an_official_name_where_the_user_says_so(site, settings):
    site.install("audio", distribution="fake-audio")
    settings.write_text('[plugins]\nprefer = { audio = "Fake_Audio" }')
    assert get("audio").distribution == "fake-audio"


def test_a_strangers_claim_beside_the_official_one_is_settled_in_favour_of_that(site):
    site.install("audio", distribution="fake-audio")
    site.install("audio", distribution="mt-plugin-audio")
    assert refused(ConflictError, "audio").fix.endswith('prefer = { audio = "mt-plugin-audio" }')


@pytest.mark.parametrize("spelled", ["mt-plugin-audio", "mt_plugin_audio", "MT.Plugin.Audio"])
def test_the_official_plugin_has_its_name_however_that_is_spelled(site, spelled):
    site.install("audio", distribution=spelled, package="mt_plugin_audio_again")
    assert list_modalities() == ("audio",)


def test_a_blocked_distribution_leaves_its_modality_to_the_other_claimant(site, settings):
    site.install(distribution="fake-a", files={"__init__.py": "1 / 0"})
    site.install(distribution="fake-b")
    settings.write_text('[plugins]\nblock = ["fake-a"]')
    assert get("waves").distribution == "fake-b"


def test_a_preferred_claimant_that_is_blocked_is_not_replaced_by_the_other(site, settings):
    site.install(distribution="fake-a")
    site.install(distribution="fake-b")
    settings.write_text('[plugins]\nprefer = { waves = "fake-a" }\nblock = ["fake-a"]')
    assert refused(DisabledPluginError).problem.endswith(f"{settings} blocks it")


THE_PLUGINS_OWN = "pip install -U fake-waves, or report it to its authors"


@pytest.mark.parametrize(
    ("code", "said", "fix"),
    [
        ("def (:", "(SyntaxError: invalid syntax (tokenizer.py, line 1))", THE_PLUGINS_OWN),
        ("from PIL import nothing", "cannot import name 'nothing' from 'PIL'", "pip install -U Pillow"),
        ("from json import nothing", "cannot import name 'nothing' from 'json'", THE_PLUGINS_OWN),
        ("from mt_core.errors import SonarError", "cannot import name 'SonarError'", "pip install -U mt-core"),
        ("from fake_waves import nothing", "cannot import name 'nothing'", THE_PLUGINS_OWN),
        ("raise ImportError('of its own')", "(ImportError: of its own)", THE_PLUGINS_OWN),
        ("import fake_inner", "(RuntimeError: two lines and tabs)", THE_PLUGINS_OWN),
        ("import sys; sys.exit(3)", "(SystemExit: 3)", THE_PLUGINS_OWN),
        ("raise GeneratorExit", "(GeneratorExit: )", THE_PLUGINS_OWN),
        ("def deep(): deep()\ndeep()", "(RecursionError: maximum recursion", THE_PLUGINS_OWN),
    ],
)
def test_a_failing_import_says_in_a_line_whose_fault_it_is(site, code, said, fix):
    (site.folder / "fake_inner.py").write_text("raise RuntimeError('two lines\\n\\tand tabs')")
    site.install(files={"tokenizer.py": code})
    error = refused(PluginError)
    assert error.problem.startswith("fake-waves 1.0: fake_waves.tokenizer cannot be imported (")
    assert said in error.problem and error.fix == fix
    assert "\n" not in error.problem
