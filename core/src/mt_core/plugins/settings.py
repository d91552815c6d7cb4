"""What the user allows: a settings file and two environment variables, all in force before a plugin is imported.

    [plugins]                                   # ~/.config/mt/settings.toml
    prefer = { pointcloud = "mt-plugin-x" }     # who has the name, where two distributions claim it
    allow = ["pointcloud", "image"]             # these and no others
    block = ["audio", "mt-plugin-y"]            # never these

A plugin is named by its modality or by its distribution; a command that another distribution adds to `mt` by its name
or by its distribution, and all of this holds for both. `MT_CONFIG` names another file. `MT_PLUGINS=a,b` leaves only
those two, `MT_NO_PLUGINS=1` (or `mt --no-plugins`) none. Each of these can only take away: a plugin is used where none
of them speaks against it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mt_core.errors import OptionError

_EXAMPLE = '[plugins] with prefer = { modality = "distribution" }, allow = ["modality"], block = ["modality"]'


def canonical(name: str) -> str:
    """A distribution's name as all its spellings share it: "Mt_Plugin.X" is "mt-plugin-x", as pip has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Settings:
    """What the user said about plugins.

    Attributes:
        path: The settings file, whether it exists or not.
        prefer: The distribution that has a modality, where several claim it.
        allow: The only modalities or distributions allowed by the file; None for all.
        block: Modalities and distributions that the file forbids.
        only: The only modalities or distributions allowed by `MT_PLUGINS`; None for all.
        none: `MT_NO_PLUGINS` is set.
    """

    path: Path
    prefer: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] | None = None
    block: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    none: bool = False

    def objection(self, modality: str, distribution: str = "") -> tuple[str, str] | None:
        """Why a modality of a distribution is excluded, and how to allow it; None where it is not."""
        known_as = {canonical(modality), canonical(distribution)}

        def named(entries: Iterable[str]) -> list[str]:
            return [entry for entry in entries if canonical(entry) in known_as]

        if self.none:
            return "plugins are switched off", "leave out --no-plugins, unset MT_NO_PLUGINS"
        if self.only is not None and not named(self.only):
            return f"MT_PLUGINS={','.join(self.only)} does not name it", f"add {modality} to MT_PLUGINS, or unset it"
        if blocking := named(self.block):
            return f"{self.path} blocks it", f"take {' and '.join(blocking)} out of `block` there"
        if self.allow is not None and not named(self.allow):
            return f"{self.path} does not allow it", f"add {modality} to `allow` there"
        return None

    def preferred(self, modality: str) -> str | None:
        """The distribution that is to have a modality, by its canonical name."""
        return canonical(self.prefer[modality]) if modality in self.prefer else None


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
    only = os.environ.get("MT_PLUGINS", "")
    return Settings(
        path=path,
        prefer=_preferences(plugins.get("prefer", {}), path),
        allow=_names(plugins["allow"], "allow", path) if "allow" in plugins else None,
        block=_names(plugins.get("block", []), "block", path),
        only=tuple(name.strip() for name in only.split(",") if name.strip()) if only else None,
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
