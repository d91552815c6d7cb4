"""`mt list`."""

import json

from mt_core.plugins.discovery import PluginMetadata

WHOLE = PluginMetadata("image", "mt-plugin-image", "0.1.0", raw={"summary": "Pictures"})
BROKEN = PluginMetadata("waves", "fake-waves", "12.0", state="broken", problem="its string is cut", fix="knot it")


def test_columns_are_aligned_and_what_is_wrong_stands_beneath_with_its_fix(mt, install):
    install(BROKEN, WHOLE)
    lines = mt("list").out.splitlines()
    assert lines[:5] == [
        "modality       state      version  summary",
        "image          installed  0.1.0    Pictures",
        "waves          broken     12.0",
        "  fake-waves: its string is cut",
        "  fix: knot it",
    ]


def test_an_official_modality_that_is_absent_is_available_with_its_install_line(mt, install):
    install(WHOLE)
    lines = mt("list").out.splitlines()
    assert "audio          available           pip install mt-plugin-audio" in lines
    assert sum("available" in line for line in lines) == 11


def test_a_disabled_plugin_says_by_what(mt, install, monkeypatch):
    install(WHOLE)
    monkeypatch.setenv("MT_PLUGINS", "audio")
    out = mt("list").out
    assert "image          disabled" in out
    assert "  mt-plugin-image: MT_PLUGINS=audio does not name it\n  fix: add image to MT_PLUGINS, or unset it\n" in out


def test_two_claimants_are_both_listed(mt, install):
    install(WHOLE, PluginMetadata("image", "fake-image", "2.0"))
    out = mt("list").out
    assert out.count("conflict") == 2
    assert "  fake-image: mt-plugin-image 0.1.0 and fake-image 2.0 both claim the modality image\n" in out


def test_json_has_the_same_facts(mt, install):
    install(BROKEN)
    first, *others = json.loads(mt("list", "--json").out)
    assert first == {
        "modality": "waves",
        "state": "broken",
        "version": "12.0",
        "summary": "",
        "distribution": "fake-waves",
        "problem": "its string is cut",
        "fix": "knot it",
    }
    assert len(others) == 12 and {row["state"] for row in others} == {"available"}


def test_a_broken_settings_file_is_named_with_a_fix(mt, install, tmp_path):
    path = tmp_path / "mt" / "settings.toml"
    path.parent.mkdir()
    path.write_text("[plugins\n")
    ran = mt("list")
    assert ran.code == 2
    assert ran.err.startswith(f"error: the settings file {path} is not TOML (")
    assert ran.err.endswith("  fix: correct or remove it\n")
