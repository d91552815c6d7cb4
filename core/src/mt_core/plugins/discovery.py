"""Which plugins are installed, from metadata and TOML alone: no plugin is imported, nor torch, nor pydantic.

A distribution declares a plugin by an entry point of the group `mt.plugins` whose value is "package:plugin.toml". One
that is damaged becomes a `PluginMetadata` with a problem; it never keeps the others from being found. Whatever a
distribution says is bounded and checked before it is used or shown: it was written by others.
"""

from __future__ import annotations

import os
import re
import reprlib
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import importlib_metadata

from mt_core.plugins.settings import canonical
from mt_core.version import CONTRACT_VERSION

GROUP = "mt.plugins"
LARGEST_MANIFEST = 65_536
"""Bytes. Ours have about 600."""

_in_brief = reprlib.Repr()  # values of others, as messages show them
_in_brief.maxstring = _in_brief.maxother = 120

State = Literal["installed", "broken", "disabled", "conflict"]


@dataclass(frozen=True)
class PluginMetadata:
    """A plugin as its distribution declares it.

    Attributes:
        name: The modality.
        distribution: The distribution that declares it, as pip calls it.
        version: The distribution's.
        path: Its `plugin.toml`; None where there is none.
        raw: The content of that file, not validated.
        state: "installed" until something speaks against it.
        problem: What speaks against it, "" for nothing.
        fix: What to do about the problem.
    """

    name: str
    distribution: str
    version: str
    path: Path | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    state: State = "installed"
    problem: str = ""
    fix: str = ""

    @property
    def summary(self) -> str:
        said = self.raw.get("summary", "")
        return _shown(said) if isinstance(said, str) else ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


class _Broken(Exception):
    """What is wrong with one plugin, and its fix."""


def discover(search: Sequence[str] | None = None) -> tuple[PluginMetadata, ...]:
    """Every plugin that an installed distribution declares, by name.

    Args:
        search: Folders to look for distributions in; by default `sys.path`.
    """
    seen: set[str] = set()
    everything: list[PluginMetadata] = []
    for distribution in importlib_metadata.distributions(path=sys.path if search is None else list(search)):
        if GROUP not in _text(distribution, "entry_points.txt"):
            continue  # read, not parsed: somebody else's damaged file is none of our business
        name, version = _identity(distribution)
        if canonical(name) not in seen:  # a second copy further down the path is shadowed, as it is for import
            seen.add(canonical(name))
            everything.extend(_declared_by(distribution, name, version))
    return tuple(sorted(everything, key=lambda found: (found.name, found.distribution)))


def contract_problem(contract: object, distribution: str) -> tuple[str, str] | None:
    """Why a plugin written for this contract cannot be used, as problem and fix; None where it can."""
    if not isinstance(contract, str) or not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", contract):
        said = "no contract version" if contract is None else f"contract = {_in_brief.repr(contract)}"
        return (
            f"its plugin.toml says {said}, not a version as text, like {CONTRACT_VERSION!r}",
            f'write contract = "{CONTRACT_VERSION}" into plugin.toml, or ask the authors of {distribution} to',
        )
    written_for, offered = _numbers(contract), _numbers(CONTRACT_VERSION)
    if written_for > offered:
        return (
            f"it was written for contract {contract}, this mt-core has {CONTRACT_VERSION}",
            "pip install -U mt-core",
        )
    if written_for[0] < offered[0]:
        return (
            f"it was written for contract {contract}, which this mt-core ({CONTRACT_VERSION}) no longer has",
            f"pip install -U {distribution}",
        )
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _shown(text: str) -> str:
    """Text of others in one line of a terminal, without what would steer it."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _text(distribution: importlib_metadata.IDistribution, file: str) -> str:
    """A file of a distribution's metadata; nothing for one that is not there or not text."""
    try:
        return distribution.read_text(file) or ""
    except (OSError, UnicodeDecodeError):
        return ""


def _identity(distribution: importlib_metadata.IDistribution) -> tuple[str, str]:
    """Name and version. Two lines of text: parsing the whole of it would take a tenth of the time of a listing."""
    text = _text(distribution, "METADATA") or _text(distribution, "PKG-INFO")
    name, version = (re.search(rf"^{key}: *(.*)$", text, re.MULTILINE) for key in ("Name", "Version"))
    return _shown(name[1]) if name else "a distribution without a name", _shown(version[1]) if version else ""


def _declared_by(distribution: importlib_metadata.IDistribution, name: str, version: str) -> Iterator[PluginMetadata]:
    reinstall = f"pip install --force-reinstall {name}"
    try:
        declared = [(entry.name, entry.value) for entry in distribution.entry_points if entry.group == GROUP]
    except Exception as error:  # other people's metadata: whatever is wrong with it, the others must be listed
        problem = f"its entry points cannot be read ({type(error).__name__}: {error})"
        yield PluginMetadata(name, name, version, state="broken", problem=problem, fix=reinstall)
        return
    for modality, value in declared:
        path: Path | None = None
        raw: dict[str, Any] = {}
        try:
            path = _locate(value, reinstall)
            raw = _read(path, name)
            _check(raw, modality, name)
        except _Broken as broken:
            problem, fix = broken.args
            yield PluginMetadata(_shown(modality), name, version, path, raw, "broken", problem, fix)
        else:
            yield PluginMetadata(modality, name, version, path, raw)


def _locate(value: str, reinstall: str) -> Path:
    """The manifest named by "package:plugin.toml", without importing the package."""
    package, _, file = value.partition(":")
    if not re.fullmatch(r"\w+(\.\w+)*", package) or not re.fullmatch(r"[\w-][\w.-]*\.toml", file):
        raise _Broken(  # also for a path that would lead out of the package
            f'its entry point is {_in_brief.repr(value)}, not "package:plugin.toml"',
            f'declare it as [project.entry-points."{GROUP}"] modality = "package:plugin.toml"',
        )
    top, *inner = package.split(".")
    try:
        spec = find_spec(top)  # of a top-level package: find_spec imports the parents of others
    except Exception:
        spec = None
    if spec is None or spec.submodule_search_locations is None:
        raise _Broken(f"its package {top} is not there", reinstall)
    for folder in spec.submodule_search_locations:
        path = Path(folder, *inner, file)
        if os.path.isfile(path):  # unlike the path's own method it never raises
            return path
    raise _Broken(
        f"its {file} is not in the package {package}",
        "build the wheel with hatchling (setuptools leaves TOML files out unless told otherwise), then install it anew",
    )


def _read(path: Path, distribution: str) -> dict[str, Any]:
    correct = f"correct the file, or ask the authors of {distribution} to"
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_MANIFEST + 1)
        if len(content) > LARGEST_MANIFEST:
            raise _Broken(f"{path} has more than {LARGEST_MANIFEST} bytes", correct)
        return tomllib.loads(content.decode())
    except RecursionError:
        raise _Broken(f"{path} is nested too deeply", correct) from None
    except ValueError as error:  # TOML's own, UTF-8's, and an integer of more digits than Python reads
        raise _Broken(f"{path} is not TOML ({_shown(str(error))})", correct) from None
    except OSError as error:
        raise _Broken(f"{path} cannot be read ({error.strerror})", "check the permissions of the file") from None


def _check(raw: dict[str, Any], modality: str, distribution: str) -> None:
    """What is asked of a manifest before it is validated: that it is this modality's, of a contract we keep, and that
    its suffixes, which choose the plugin of a file, are suffixes."""
    ask = f"or ask the authors of {distribution} to"
    if raw.get("name") != modality:
        raise _Broken(
            f"its entry point says {_in_brief.repr(modality)}, its plugin.toml says {_in_brief.repr(raw.get('name'))}",
            f"give both the same name, {ask}",
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", modality):
        raise _Broken(
            f"{_in_brief.repr(modality)} is no name of a modality", f"use small letters, digits and _ in it, {ask}"
        )
    if problem := contract_problem(raw.get("contract"), distribution):
        raise _Broken(*problem)
    suffixes = raw.get("suffixes", [])
    if not isinstance(suffixes, list) or not all(_is_suffix(suffix) for suffix in suffixes):
        raise _Broken(
            f"its plugin.toml says suffixes = {_in_brief.repr(suffixes)}",
            f'write suffixes as a list of texts, in small letters with their dot, like [".ply"], {ask}',
        )


def _is_suffix(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\.[a-z0-9_.]+", value) is not None
