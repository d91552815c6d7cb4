"""Files of several kinds, each to its modality by its suffix. Nothing heavy is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mt_core.errors import InputError, OptionError
from mt_core.io.names import text_of_path
from mt_core.io.paths import expand, has_suffix
from mt_core.plugins.official import USUAL_MODALITY

_NOBODY = "no installed plugin reads it"


@dataclass
class SortedFiles:
    """Files by their modality.

    Attributes:
        groups: Each modality's files.
        unread: The failures of those that are of none: `source`, `problem`, `fix`.
        shared: Each suffix that several modalities read, and the one it was taken for.
        beside: Files that no modality reads and that have the name of one that is read: data of an ENVI header, notes
            of a camera.
    """

    groups: dict[str, list[str]] = field(default_factory=dict)
    unread: list[dict[str, str]] = field(default_factory=list)
    shared: dict[str, str] = field(default_factory=dict)
    beside: list[str] = field(default_factory=list)


def sort_by_suffix(
    named: Sequence[str], suffixes_of: Mapping[str, Sequence[str]], chosen: Mapping[str, str]
) -> SortedFiles:
    """Files, folders and patterns, each file to its modality.

    Args:
        suffixes_of: The suffixes of each modality.
        chosen: Modalities of suffixes, as the user says.

    Raises:
        OptionError: a modality that is not installed.
        InputError: no file at all, or none that any modality reads.
    """
    for suffix, modality in chosen.items():
        if modality not in suffixes_of:
            raise OptionError(f"--as {suffix}={modality}: no such modality is installed", fix="`mt list` shows them")
    found = SortedFiles()
    others: list[tuple[str, str, str]] = []
    for file in expand(named, [""]):
        modality, problem, fix = _modality_of(file, suffixes_of, chosen, found)
        if modality:
            found.groups.setdefault(modality, []).append(file)
        else:
            others.append((file, problem, fix))
    names = {os.path.splitext(file)[0] for files in found.groups.values() for file in files}
    for file, problem, fix in others:
        if problem == _NOBODY and {file, os.path.splitext(file)[0]} & names:
            found.beside.append(text_of_path(file))
        else:
            source = text_of_path(file)
            found.unread.append({"source": source, "problem": f"{source}: {problem}", "fix": fix})
    if not found.groups:
        first = found.unread[0]
        raise InputError(first["problem"], fix=first["fix"])
    return found


def _modality_of(
    file: str, suffixes_of: Mapping[str, Sequence[str]], chosen: Mapping[str, str], found: SortedFiles
) -> tuple[str, str, str]:
    """The modality, or "" with the problem and its fix."""
    for suffix in sorted(chosen, key=len, reverse=True):
        if has_suffix(file, [suffix]):
            return chosen[suffix], "", ""
    modality, candidates = modality_of_name(file, suffixes_of)
    if not candidates:
        return "", _NOBODY, "`mt list` shows what can be installed; --as SUFFIX=MODALITY says it"
    suffix = _longest(file, suffixes_of[candidates[0]])
    if not modality:
        return "", f"it may be of {', '.join(candidates)}", f"say which: --as {suffix}={candidates[0]}"
    if len(candidates) > 1:
        found.shared[suffix] = modality
    return modality, "", ""


def modality_of_name(name: str, suffixes_of: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """The modality that reads a file of this name, "" for none or where it is not clear, and all that do.

    Args:
        suffixes_of: The suffixes of each modality. The longest one that fits counts.
    """
    claims = {modality: _longest(name, suffixes) for modality, suffixes in suffixes_of.items()}
    longest = max(map(len, claims.values()), default=0)
    if not longest:
        return "", []
    candidates = [modality for modality, suffix in claims.items() if len(suffix) == longest]
    if len(candidates) == 1:
        return candidates[0], candidates
    usual = USUAL_MODALITY.get(claims[candidates[0]], "")
    return (usual if usual in candidates else ""), candidates


def _longest(file: str, suffixes: Sequence[str]) -> str:
    """The longest of the suffixes that the file has; "" for none."""
    return max((suffix for suffix in suffixes if has_suffix(file, [suffix])), key=len, default="")
