"""What the user's settings file and environment allow."""

import pytest

from mt_core.errors import OptionError
from mt_core.plugins.settings import read_settings, settings_path

pytestmark = pytest.mark.usefixtures("site")


def refused(settings, content):
    settings.write_text(content)
    with pytest.raises(OptionError) as caught:
        read_settings()
    assert str(settings) in caught.value.problem
    return caught.value


def test_without_a_file_nothing_speaks_against_a_plugin():
    assert read_settings().objection("waves") is None


def test_the_file_is_looked_for_where_xdg_says(settings):
    assert settings_path() == settings


def test_mt_config_names_another_file(settings, monkeypatch, tmp_path):
    settings.write_text('plugins.block = ["waves"]')
    other = tmp_path / "other.toml"
    other.write_text("")
    monkeypatch.setenv("MT_CONFIG", str(other))
    assert read_settings().objection("waves") is None


def test_mt_config_without_that_file_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("MT_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(OptionError, match=r"gone\.toml cannot be read .*\n  fix: .*unset MT_CONFIG"):
        read_settings()


def test_a_blocked_modality_says_who_blocks_it(settings):
    settings.write_text('[plugins]\nblock = ["waves"]')
    assert read_settings().objection("waves") == (f"{settings} blocks it", "take waves out of `block` there")
    assert read_settings().objection("tides") is None


def test_an_allow_list_keeps_out_all_others(settings):
    settings.write_text('[plugins]\nallow = ["tides"]')
    assert read_settings().objection("waves") == (f"{settings} does not allow it", "add waves to `allow` there")
    assert read_settings().objection("tides") is None


def test_an_empty_allow_list_allows_nothing(settings):
    settings.write_text("[plugins]\nallow = []")
    assert read_settings().objection("waves") is not None


def test_mt_plugins_leaves_only_those_it_names(monkeypatch):
    monkeypatch.setenv("MT_PLUGINS", "tides, surf")
    settings = read_settings()
    assert settings.objection("surf") is None
    assert settings.objection("waves") == (
        "MT_PLUGINS=tides,surf does not name it",
        "add waves to MT_PLUGINS, or unset it",
    )


def test_mt_plugins_does_not_let_in_what_the_file_blocks(settings, monkeypatch):
    settings.write_text('[plugins]\nblock = ["waves"]')
    monkeypatch.setenv("MT_PLUGINS", "waves")
    assert read_settings().objection("waves") is not None


@pytest.mark.parametrize(("value", "is_off"), [("1", True), ("0", False), ("", False)])
def test_mt_no_plugins_switches_all_off(monkeypatch, value, is_off):
    monkeypatch.setenv("MT_NO_PLUGINS", value)
    assert (read_settings().objection("waves") is not None) == is_off


def test_settings_that_are_not_toml_name_the_file_and_the_line(settings):
    error = refused(settings, "[plugins\n")
    assert "is not TOML" in error.problem and "line 1" in error.problem
    assert error.fix == "correct or remove it"


def test_a_misspelt_key_is_refused_with_those_there_are(settings):
    error = refused(settings, '[plugins]\nblok = ["waves"]')
    assert "unknown key 'plugins.blok'" in error.problem
    assert 'block = ["modality"]' in error.fix


def test_a_key_outside_its_table_is_refused(settings):
    assert "unknown key 'prefer'" in refused(settings, 'prefer = { waves = "x" }').problem


def test_plugins_that_are_no_table_are_refused(settings):
    assert "is not a table" in refused(settings, "plugins = 3").problem


def test_a_list_that_is_none_is_refused_with_an_example(settings):
    error = refused(settings, '[plugins]\nallow = "waves"')
    assert "`allow`" in error.problem and error.fix == 'write allow = ["modality"]'


def test_preferences_that_are_no_table_are_refused_with_an_example(settings):
    error = refused(settings, '[plugins]\nprefer = "mt-plugin-x"')
    assert "`prefer`" in error.problem and error.fix == 'write prefer = { modality = "distribution" }'


@pytest.mark.parametrize("value", [",", " , ", " "])
def test_mt_plugins_that_names_nothing_leaves_nothing(monkeypatch, value):
    monkeypatch.setenv("MT_PLUGINS", value)
    assert read_settings().objection("waves") is not None


def test_mt_plugins_that_is_empty_is_as_good_as_not_set(monkeypatch):
    monkeypatch.setenv("MT_PLUGINS", "")
    assert read_settings().objection("waves") is None


@pytest.mark.parametrize("entry", ["fake-waves", "Fake_Waves", "fake.waves", "waves", "WAVES"])
def test_a_plugin_is_blocked_by_its_modality_or_by_its_distribution_however_it_is_spelled(settings, entry):
    settings.write_text(f'[plugins]\nblock = ["{entry}"]')
    assert read_settings().objection("waves", "fake-waves") == (
        f"{settings} blocks it",
        f"take {entry} out of `block` there",
    )
    assert read_settings().objection("tides", "fake-tides") is None


def test_a_distribution_that_is_allowed_lets_in_nobody_else_of_its_modality(settings):
    settings.write_text('[plugins]\nallow = ["fake-waves"]')
    assert read_settings().objection("waves", "fake-waves") is None
    assert read_settings().objection("waves", "other-waves") is not None


def test_mt_plugins_may_name_a_distribution(monkeypatch):
    monkeypatch.setenv("MT_PLUGINS", "fake-waves")
    assert read_settings().objection("waves", "fake_waves") is None
    assert read_settings().objection("waves", "other-waves") is not None
