"""The template under another name, written whole or not at all. Imports nothing heavy."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from importlib_metadata import version

from mt_core.errors import OptionError
from mt_core.plugins.official import OFFICIAL, install_line
from mt_core.plugins.registry import list_plugins
from mt_core.version import CONTRACT_VERSION

TEMPLATE = Path(__file__).parent / "template"
TEXT = ".txt"  # behind each name in the template, so that no tool takes it for a part of the core

# stricter than the manifest, which takes any underscores: pip takes no name that ends with one
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Naming:
    """How a modality is called in each place.

    Attributes:
        modality: As the user types it: ground_radar.
    """

    modality: str

    @property
    def distribution(self) -> str:
        """mt-plugin-ground-radar."""
        return f"mt-plugin-{self.modality.replace('_', '-')}"

    @property
    def prefix(self) -> str:
        """Of the classes: GroundRadar."""
        return "".join(part.capitalize() for part in self.modality.split("_"))

    def rename(self, text: str) -> str:
        """A name or a text of the template, for this modality and this core."""
        words = {
            "mt-plugin-sonar": self.distribution,
            "Sonar": self.prefix,
            "sonar": self.modality,
            " CORE_BOUNDS": bounds(version("mt-core")),
            "CONTRACT_VERSION": CONTRACT_VERSION,
        }
        return re.sub("|".join(words), lambda word: words[word[0]], text)  # at once: a new name may hold the old one


def bounds(core: str) -> str:
    """The versions that a plugin written with this version of mt-core may count on: up to the next that may break it,
    which is the next minor one below 1.0."""
    release = core.partition("+")[0]
    major, minor = (int(number) for number in release.split(".")[:2])
    return f">={release},<{major + 1}" if major else f">={release},<0.{minor + 1}"


def naming(modality: str) -> Naming:
    """The names of a new modality.

    Raises:
        OptionError: no name for a modality, or one that is taken.
    """
    if not _NAME.fullmatch(modality):
        likely = re.sub("[^a-z0-9]+", "_", modality.lower()).removeprefix("mt_plugin_").strip("_")
        raise OptionError(
            f"a modality cannot be called {modality!r}: small letters and digits, with single underscores between",
            fix=f"mt new {likely if _NAME.fullmatch(likely) else 'sonar'}",
        )
    for plugin in list_plugins():
        if plugin.name == modality:
            raise OptionError(
                f"the modality {modality} is there already: {plugin} brings it",
                fix=f"choose another name, or: pip uninstall {plugin.distribution}",
            )
    if modality in OFFICIAL:
        raise OptionError(
            f"the modality {modality} is there already: mt-plugin-{modality} brings it",
            fix=f"{install_line(modality)}, or choose another name",
        )
    return Naming(modality)


def write_plugin(names: Naming, parent: Path) -> Path:
    """Write the plugin into a folder of its distribution's name, all of it or nothing.

    Args:
        parent: Where that folder goes; made if it is not there.

    Returns:
        The folder.

    Raises:
        OptionError: something stands there already, or it cannot be written.
    """
    folder = parent / names.distribution
    is_free = not folder.is_symlink() and (not folder.exists() or (folder.is_dir() and not any(folder.iterdir())))
    if not is_free:
        raise OptionError(
            f"{folder} exists and is not an empty folder",
            fix="move it away, or choose another place by --out",
        )
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".mt-new-", dir=parent) as unfinished:
            whole = Path(unfinished, names.distribution)
            for source in TEMPLATE.rglob(f"*{TEXT}"):
                target = whole / names.rename(str(source.relative_to(TEMPLATE)).removesuffix(TEXT))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(names.rename(source.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
            if folder.exists():
                folder.rmdir()  # which an empty folder alone allows; Windows renames onto none
            whole.rename(folder)
    except OSError as error:
        raise OptionError(f"{folder} cannot be written ({error})", fix="choose another place by --out") from error
    return folder
