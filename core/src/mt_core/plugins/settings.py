"""What the user allows: a settings file and two environment variables, all in force before a plugin is imported.

    [plugins]                                   # ~/.config/mt/settings.toml
    prefer = { pointcloud = "mt-plugin-x" }     # who has the name, where two distributions claim it
    allow = ["pointcloud", "image"]             # these and no others
    block = ["audio"]                           # never these

`MT_CONFIG` names another file. `MT_PLUGINS=a,b` leaves only those two, `MT_NO_PLUGINS=1` (or `mt --no-plugins`) none.
Each of these can only take away: a plugin is used where none of them speaks against it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mt_core.errors import OptionError

_EXAMPLE = '[plugins] with prefer = { modality = "distribution" }, allow = ["modality"], block = ["modality"]'


@dataclass(frozen=True)
class Settings:
    """What the user said about plugins.

    Attributes:
        path: The settings file, whether it exists or not.
        prefer: The distribution that has a modality, where several claim it.
        allow: The only modalities allowed by the file; None for all.
        block: Modalities that the file forbids.
        only: The only modalities allowed by `MT_PLUGINS`; None for all.
        none: `MT_NO_PLUGINS` is set.
    """

    path: Path
    prefer: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] | None = None
    block: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    none: bool = False

    def objection(self, modality: str) -> tuple[str, str] | None:
        """What speaks against using a modality, and how to allow it; None for nothing."""
        if self.none:
            return "plugins are switched off", "leave out --no-plugins, unset MT_NO_PLUGINS"
        if self.only is not None and modality not in self.only:
            return f"MT_PLUGINS={','.join(self.only)} does not name it", f"add {modality} to MT_PLUGINS, or unset it"
        if modality in self.block:
            return f"{self.path} blocks it", f"take {modality} out of `block` there"
        if self.allow is not None and modality not in self.allow:
            return f"{self.path} does not allow it", f"add {modality} to `allow` there"
        return None


def settings_path() -> Path:
    """Where the settings are: `$MT_CONFIG`, or `mt/settings.toml` in `$XDG_CONFIG_HOME` (by default `~/.config`)."""
    if explicit := os.environ.get("MT_CONFIG"):
        return Path(explicit)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "mt", "settings.toml")


def read_settings() -> Settings:
    """The settings in force.

    Raises:
        OptionError: a settings file that cannot be read, or says what is not understood; names the file.
    """
    path = settings_path()
    plugins = _plugins_table(path)
    only = [name.strip() for name in os.environ.get("MT_PLUGINS", "").split(",") if name.strip()]
    return Settings(
        path=path,
        prefer=_preferences(plugins.get("prefer", {}), path),
        allow=_names(plugins["allow"], "allow", path) if "allow" in plugins else None,
        block=_names(plugins.get("block", []), "block", path),
        only=tuple(only) or None,
        none=os.environ.get("MT_NO_PLUGINS", "0") not in ("", "0"),
    )


def _plugins_table(path: Path) -> dict[str, Any]:
    if not path.exists() and "MT_CONFIG" not in os.environ:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"the settings file {path} is not TOML ({error})", fix="correct or remove it") from None
    except OSError as error:
        raise OptionError(
            f"the settings file {path} cannot be read ({error.strerror})",
            fix="check the path and its permissions, or unset MT_CONFIG",
        ) from None
    plugins = content.get("plugins", {})
    if not isinstance(plugins, dict):
        raise OptionError(f"`plugins` in the settings file {path} is not a table", fix=f"write {_EXAMPLE}")
    unknown = [name for name in content if name != "plugins"]
    unknown += [f"plugins.{name}" for name in plugins if name not in ("prefer", "allow", "block")]
    if unknown:  # a misspelt `block` must not let through what the user meant to keep out
        raise OptionError(f"the settings file {path} has the unknown key {unknown[0]!r}", fix=f"it takes {_EXAMPLE}")
    return plugins


def _preferences(value: object, path: Path) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(distribution, str) for distribution in value.values()):
        return value
    raise OptionError(
        f"`prefer` in the settings file {path} is {value!r}, not a table of names",
        fix='write prefer = { modality = "distribution" }',
    )


def _names(value: object, key: str, path: Path) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise OptionError(
        f"`{key}` in the settings file {path} is {value!r}, not a list of names", fix=f'write {key} = ["modality"]'
    )
