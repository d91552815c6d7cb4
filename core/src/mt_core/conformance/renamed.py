"""Copies of the plugin's files in other folders, under their own names or under others."""

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
    """Sources that are files or name files: the name in messages, the source, and the same with renamed copies."""
    for name, source in sources(plugin).items():
        changed = _with_copies(plugin, source, _STEM)
        if changed is not source:
            yield name, source, changed


def copied_sources(plugin: PluginFixture) -> Iterator[Any]:
    """All sources, those that are files or name files with copies under the same names."""
    return (_with_copies(plugin, source, None) for source in sources(plugin).values())


def _with_copies(plugin: PluginFixture, source: Any, stem: str | None) -> Any:
    """A source that names copies of its files; the source itself where it names none."""
    changed = source
    for place, leaf in enumerate(leaves(source)):
        if isinstance(leaf.value, str | Path) and (path := _path(plugin, leaf.value)):
            copy = _copied(plugin, path, stem)
            changed = list(leaves(changed))[place].replaced(type(leaf.value)(copy))
    return changed


def _path(plugin: PluginFixture, text: str | Path) -> Path | None:
    """The file or folder of the demo that a text is the path of."""
    try:
        return Path(text) if Path(text).is_relative_to(plugin.scratch) and Path(text).exists() else None
    except (OSError, ValueError):
        return None


def _copied(plugin: PluginFixture, path: Path, new_stem: str | None) -> Path:
    """A copy of a file, with the files that belong to it, or of a folder."""
    folder = plugin.folder("elsewhere")
    if path.is_dir():
        originals = {str(each) for each in plugin.original_files}
        ignore = lambda where, names: [name for name in names if str(Path(where, name)) not in originals]  # noqa: E731
        return shutil.copytree(path, folder / (new_stem or path.name), ignore=ignore)
    suffix = max((each for each in plugin.manifest.suffixes if path.name.lower().endswith(each)), key=len, default="")
    suffix = path.name[len(path.name) - len(suffix) :] if suffix else path.suffix
    stem = path.name.removesuffix(suffix)
    new_stem = new_stem or stem
    for each in beside(plugin, path, stem):
        shutil.copy(each, folder / f"{new_stem}{each.name.removeprefix(stem)}")
    return folder / f"{new_stem}{suffix}"
