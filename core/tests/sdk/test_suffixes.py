import pytest

from mt_core.errors import PluginError
from mt_core.sdk import declared_suffixes


def test_suffixes_are_those_of_the_plugin_toml(tmp_path, monkeypatch):
    package = tmp_path / "mt_plugin_of_sonar"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plugin.toml").write_text('name = "sonar"\nsuffixes = [".xtf", ".csv.gz"]\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert declared_suffixes(package.name) == (".xtf", ".csv.gz")


@pytest.mark.parametrize("package", ["mt_core", "mt_plugin_of_nobody"])
def test_a_package_without_a_plugin_toml_is_named(package):
    with pytest.raises(PluginError, match=package):
        declared_suffixes(package)
