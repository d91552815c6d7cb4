"""What a user or the contract keeps out runs nothing, whatever is asked for: the plugin here leaves a file behind where
any of its modules is imported."""

from pathlib import Path

import numpy as np
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.errors import PluginError
from mt_core.plugins import list_modalities, registry
from mt_core.version import CONTRACT_VERSION

SHOUTS = "import pathlib; pathlib.Path(__file__).with_name('imported').touch()\n"
MAJOR, MINOR = map(int, CONTRACT_VERSION.split("."))

KEPT_OUT = {
    "blocked modality": {"settings": 'block = ["waves"]'},
    "blocked distribution": {"settings": 'block = ["Fake_Waves"]'},
    "not allowed": {"settings": 'allow = ["tides"]'},
    "another distribution allowed": {"settings": 'allow = ["other-waves"]'},
    "MT_PLUGINS": {"variable": ("MT_PLUGINS", "tides")},
    "MT_NO_PLUGINS": {"variable": ("MT_NO_PLUGINS", "1")},
    "newer minor contract": {"contract": f"{MAJOR}.{MINOR + 1}"},
    "newer major contract": {"contract": f"{MAJOR + 1}.0"},
    "older major contract": {"contract": f"{MAJOR - 1}.9"},
}
ASKED = {
    "list": (["list"], 0),
    "list as JSON": (["list", "--json"], 0),
    "help": (["--help"], 0),
    "info": (["info", "waves"], 2),
    "embed": (["embed", "waves", "a.wave", "-o", "v.parquet"], 2),
    "embed by suffix": (["embed", "a.wave", "-o", "v.parquet"], 2),
    "train": (["train", "waves", "--data", ".", "--out", "run"], 2),
    "check": (["check", "waves"], 2),
}


@pytest.fixture
def waves(site, settings, monkeypatch, tmp_path):
    """Install the plugin, kept out in one of these ways: `waves("not allowed")`; gives its package."""
    monkeypatch.chdir(tmp_path)
    Path("a.wave").write_bytes(b"1234")

    def install(how: str = "") -> Path:
        way = KEPT_OUT.get(how, {})
        if "settings" in way:
            settings.write_text(f"[plugins]\n{way['settings']}")
        if "variable" in way:
            monkeypatch.setenv(*way["variable"])
        files = {name: SHOUTS for name in ("__init__.py", "tokenizer.py", "dataset.py", "head.py", "hooks.py")}
        more = 'hooks = "fake_waves.hooks"'
        return site.install(contract=way.get("contract", CONTRACT_VERSION), more=more, files=files)

    return install


def has_run(package: Path) -> bool:
    return (package / "imported").exists()


@pytest.mark.parametrize("command", ASKED)
@pytest.mark.parametrize("how", KEPT_OUT)
def test_a_command_runs_nothing_of_it(waves, how, command, capsys):
    package = waves(how)
    arguments, code = ASKED[command]
    assert main(arguments) == code
    assert not has_run(package)


@pytest.mark.parametrize("how", KEPT_OUT)
def test_the_doctor_runs_nothing_of_it(waves, how, capsys):
    package = waves(how)
    code = main(["doctor"])
    assert code == (1 if "contract" in how else 0)
    assert not has_run(package)


@pytest.mark.parametrize("how", KEPT_OUT)
def test_python_runs_nothing_of_it(waves, how):
    package = waves(how)
    assert list_modalities() == () and [plugin.name for plugin in registry.list_plugins()] == ["waves"]
    for asked in (registry.get, mt.load):
        with pytest.raises(PluginError) as caught:
            asked("waves")
        assert caught.value.fix
    assert not has_run(package)


@pytest.mark.parametrize(
    ("how", "command"),
    [
        ("newer minor contract", "pip install -U mt-core"),
        ("newer major contract", "pip install -U mt-core"),
        ("older major contract", "pip install -U fake-waves"),
    ],
)
@pytest.mark.parametrize(
    "arguments", [["list"], ["doctor"], ["info", "waves"], ["embed", "waves", "a.wave", "-o", "v"]]
)
def test_a_plugin_of_another_contract_is_told_with_the_command_that_mends_it(waves, how, command, arguments, capsys):
    waves(how)
    main(arguments)
    told = "".join(capsys.readouterr())
    contract = KEPT_OUT[how]["contract"]
    assert f"written for contract {contract}" in told and CONTRACT_VERSION in told
    assert f"fix: {command}" in told


@pytest.mark.parametrize("arguments", [["info", "waves"], ["doctor"]])
def test_one_that_nothing_keeps_out_would_have_run(waves, arguments, capsys):
    package = waves()
    main(arguments)
    assert has_run(package)


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"], ["info", "tides"], ["info", "nobody"]])
def test_one_that_nothing_keeps_out_does_not_run_where_nobody_asks_for_it(waves, site, arguments, capsys):
    package = waves()
    site.install("tides")
    main(arguments)
    assert list_modalities() == ("tides", "waves")
    assert not has_run(package)


def test_files_of_another_plugins_suffix_run_nothing_of_it(waves, toy, small_encoder_file, monkeypatch, capsys):
    package = waves()
    from mt_core.plugins.discovery import discover

    folders = [str(package.parent), str(Path(__file__).parents[1] / "toy")]
    monkeypatch.setattr(registry, "discover", lambda: discover(folders))
    registry.reset()
    np.save("a.npy", np.arange(8.0))
    assert main(["embed", "a.npy", "-o", "v.parquet", "--encoder", str(small_encoder_file), "--num-workers", "1"]) == 0
    assert list_modalities() == ("toy", "waves") and not has_run(package)


def test_a_contract_that_is_older_by_a_minor_number_is_kept(waves, monkeypatch, site):
    monkeypatch.setattr("mt_core.plugins.discovery.CONTRACT_VERSION", f"{MAJOR}.{MINOR + 1}")
    site.install("tides", contract=CONTRACT_VERSION)
    assert registry.get("tides").manifest.contract == CONTRACT_VERSION
