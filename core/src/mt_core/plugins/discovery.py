"""Which plugins are installed, from metadata and TOML alone.

A distribution declares a plugin by an entry point of the group `mt.plugins` whose value is "package:plugin.toml". One
that is damaged becomes a `PluginMetadata` with a problem; it never keeps the others from being found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt_core.plugins.distributions import (
    Damaged,
    Declaration,
    Metadata,
    declarations,
    in_brief,
    in_one_line,
    read_toml,
)
from mt_core.version import CONTRACT_VERSION

GROUP = "mt.plugins"


@dataclass(frozen=True)
class PluginMetadata(Metadata):
    """A plugin as its distribution declares it."""

    @property
    def composes(self) -> bool:
        """Whether its samples are made of inputs of other modalities."""
        return self.raw.get("composes") is True


def discover(search: Sequence[str] | None = None) -> tuple[PluginMetadata, ...]:
    """Every plugin that an installed distribution declares, by name.

    Args:
        search: Folders to look for distributions in; by default `sys.path`.
    """
    everything = [_declared(declaration) for declaration in declarations(GROUP, "package:plugin.toml", search)]
    return tuple(sorted(everything, key=lambda found: (found.name, found.distribution)))


def _declared(entry: Declaration) -> PluginMetadata:
    path: Path | None = None
    raw: dict[str, Any] = {}
    try:
        path = entry.locate()
        raw = read_toml(path, entry.distribution)
        _check(raw, entry.name, entry.distribution)
    except Damaged as damage:
        return PluginMetadata(
            in_one_line(entry.name), entry.distribution, entry.version, path, raw, "broken", *damage.args
        )
    return PluginMetadata(entry.name, entry.distribution, entry.version, path, raw)


def contract_problem(contract: object, distribution: str) -> tuple[str, str] | None:
    """Why a plugin written for this contract cannot be used, as problem and fix; None where it can."""
    if not isinstance(contract, str) or not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", contract):
        said = "no contract version" if contract is None else f"contract = {in_brief.repr(contract)}"
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


def _check(raw: dict[str, Any], modality: str, distribution: str) -> None:
    """What is asked of a manifest before it is validated: that it is this modality's, of a contract we keep, and that
    its suffixes, which choose the plugin of a file, are suffixes."""
    ask = f"or ask the authors of {distribution} to"
    if raw.get("name") != modality:
        raise Damaged(
            f"its entry point says {in_brief.repr(modality)}, its plugin.toml says {in_brief.repr(raw.get('name'))}",
            f"give both the same name, {ask}",
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", modality):
        raise Damaged(
            f"{in_brief.repr(modality)} is no name of a modality", f"use small letters, digits and _ in it, {ask}"
        )
    if problem := contract_problem(raw.get("contract"), distribution):
        raise Damaged(*problem)
    suffixes = raw.get("suffixes", [])
    if not isinstance(suffixes, list) or not all(_is_suffix(suffix) for suffix in suffixes):
        raise Damaged(
            f"its plugin.toml says suffixes = {in_brief.repr(suffixes)}",
            f'write suffixes as a list of texts, in small letters with their dot, like [".ply"], {ask}',
        )


def _is_suffix(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\.[a-z0-9_.]+", value) is not None
