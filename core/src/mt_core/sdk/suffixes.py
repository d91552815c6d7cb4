"""The suffixes of a plugin's files, which its plugin.toml states."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from mt_core.errors import PluginError


@cache
def declared_suffixes(package: str) -> tuple[str, ...]:
    """The `suffixes` of a plugin.toml, in its order: lower case, each with its dot.

    Args:
        package: The plugin's package, which holds its plugin.toml: "mt_plugin_image".

    Raises:
        PluginError: the package has no plugin.toml.
    """
    try:
        text = (files(package) / "plugin.toml").read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError):
        raise PluginError(
            f"the package {package!r} has no plugin.toml", fix="name the package of the plugin, as in its entry point"
        ) from None
    return tuple(tomllib.loads(text).get("suffixes", ()))
