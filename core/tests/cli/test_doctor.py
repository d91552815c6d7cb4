"""`mt doctor`."""

import json
import sys
from dataclasses import replace
from types import ModuleType

from mt_core.hooks import hookimpl
from mt_core.plugins import discovery
from mt_core.plugins.discovery import PluginMetadata


def test_a_machine_without_faults_is_zero_with_its_versions(mt, install, waves):
    install(waves)
    ran = mt("doctor")
    assert ran.code == 0
    told = {line.split()[0] for line in ran.out.splitlines() if line}
    assert {"python", "torch", "timm", "lightning", "threads", "cpu", "disk", "settings"} <= told
    assert "waves           ok        fake-waves 1.0" in ran.out


def test_a_plugin_that_only_breaks_at_import_is_found_and_explained(mt, install, waves):
    broken = replace(waves, name="tides", raw={**waves.raw, "name": "tides", "dataset": "fake_waves.gone:Dataset"})
    install(waves, broken)
    ran = mt("doctor")
    assert ran.code == 1
    assert "waves           ok" in ran.out
    assert "tides           broken    fake-waves 1.0\n  fake-waves 1.0: fake_waves.gone cannot be imported" in ran.out
    assert "  fix: pip install -U fake-waves" in ran.out


def test_a_plugin_found_broken_makes_the_exit_code_one(mt, install):
    install(PluginMetadata("waves", "fake-waves", "1.0", state="broken", problem="its string is cut", fix="knot it"))
    ran = mt("doctor")
    assert ran.code == 1
    assert "  its string is cut\n  fix: knot it\n" in ran.out


def test_a_disabled_plugin_is_no_fault_and_is_not_imported(mt, install, waves, monkeypatch):
    install(replace(waves, raw={**waves.raw, "tokenizer": "fake_waves.gone:Tokenizer"}))
    monkeypatch.setenv("MT_NO_PLUGINS", "1")
    ran = mt("doctor")
    assert ran.code == 0
    assert "waves           disabled" in ran.out


def test_damaged_settings_are_told_and_no_plugin_is_imported_while_it_is_unknown_what_they_forbid(
    mt, install, waves, tmp_path, monkeypatch
):
    install()
    unimportable = replace(waves, raw={**waves.raw, "tokenizer": "fake_waves.gone:Tokenizer"})
    broken = PluginMetadata("tides", "fake-tides", "1.0", state="broken", problem="its string is cut", fix="knot it")
    monkeypatch.setattr(discovery, "discover", lambda: (broken, unimportable))
    (tmp_path / "mt").mkdir()
    (tmp_path / "mt" / "settings.toml").write_text("[plugins]\nblok = ['waves']")
    ran = mt("doctor")
    assert (ran.code, ran.err) == (1, "")
    settings, _, plugins = ran.out.partition("\n\n")
    assert "has the unknown key 'plugins.blok'\n  fix: it takes" in settings
    assert plugins == (
        "tides           broken    fake-tides 1.0\n  its string is cut\n  fix: knot it\n"
        "waves           not tried fake-waves 1.0\n"
    )
    told = json.loads(mt("doctor", "--json").out)
    assert "plugins.blok" in told["settings"]["problem"] and "it takes" in told["settings"]["fix"]


def test_plugins_add_lines_of_their_own(mt, install, waves, monkeypatch):
    hooks = ModuleType("fake_wave_hooks")
    hooks.mt_doctor_lines = hookimpl(lambda: ["the string is in tune"])
    monkeypatch.setitem(sys.modules, "fake_wave_hooks", hooks)
    install(replace(waves, raw={**waves.raw, "hooks": "fake_wave_hooks"}))
    assert mt("doctor").out.endswith("the string is in tune\n")


def test_without_any_plugin_it_says_where_to_look(mt, install):
    assert "no plugin is installed\n  fix: `mt list` shows what is available\n" in mt("doctor").out


def test_json_has_the_same_findings(mt, install, waves):
    install(waves)
    told = json.loads(mt("doctor", "--json").out)
    assert told["plugins"] == [
        {"name": "waves", "distribution": "fake-waves 1.0", "state": "ok", "problem": "", "fix": ""}
    ]
    assert told["machine"]["torch"] and told["lines"] == [] and told["settings"] is None


def test_what_auto_can_choose_from_and_what_it_chose_is_shown(feature_cache, monkeypatch):
    from mt_core.cli.doctor import precision_facts
    from mt_core.data import precision_choice
    from mt_core.data.precision_probe import Measured
    from mt_core.encoder import load_encoder

    monkeypatch.setattr("mt_core.encoder.backend_names.find_spec", lambda name: None)
    assert precision_facts() == "no openvino (pip install 'mt-core[openvino]'); auto chose nothing yet"
    found = [Measured("32", 2.0, 1.0), Measured("onednn-32", 1.0, 1.0)]
    monkeypatch.setattr(precision_choice, "measure", lambda encoder, names: found)
    monkeypatch.setattr(precision_choice, "_kept", {})
    precision_choice.resolve_precision(load_encoder("random/test_vit"), "auto")
    assert precision_facts().endswith("; auto chose random/test_vit: onednn-32")
