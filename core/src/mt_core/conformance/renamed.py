"""Copies of the plugin's files under other names, in another folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.sample_parts import leaves
from mt_core.conformance.valid_inputs import beside, sources

_STEM = "renamed"


def renamed_sources(plugin: PluginFixture) -> Iterator[tuple[str, Any, Any]]:
    """Sources that are files or name files: the name in messages, the source, and the same with copies of its files."""
    for name, source in sources(plugin).items():
        changed = source
        for leaf in leaves(source):
            if isinstance(leaf.value, str) and (path := _path(plugin, leaf.value)):
                changed = leaf.replaced(str(_copied(plugin, path)))
        if isinstance(source, Path):
            changed = _copied(plugin, source)
        if changed is not source:
            yield name, source, changed


def _path(plugin: PluginFixture, text: str) -> Path | None:
    """The file or folder of the demo that a text is the path of."""
    try:
        path = Path(text).resolve()
        return path if path.is_relative_to(plugin.scratch.resolve()) and path.exists() else None
    except (OSError, ValueError):
        return None


def _copied(plugin: PluginFixture, path: Path) -> Path:
    """A copy of a file, with the files that belong to it, or of a folder."""
    folder = plugin.folder("elsewhere")
    if path.is_dir():
        return shutil.copytree(path, folder / _STEM)
    suffix = max((each for each in plugin.manifest.suffixes if path.name.lower().endswith(each)), key=len, default="")
    suffix = path.name[len(path.name) - len(suffix) :] if suffix else path.suffix
    stem = path.name.removesuffix(suffix)
    for each in beside(plugin, path, stem):
        shutil.copy(each, folder / f"{_STEM}{each.name.removeprefix(stem)}")
    return folder / f"{_STEM}{suffix}"
