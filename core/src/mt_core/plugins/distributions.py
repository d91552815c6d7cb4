"""What installed distributions declare, from metadata and TOML alone: nothing of them is imported, nor torch, nor
pydantic.

A distribution declares by an entry point whose value is "package:file.toml". Whatever it says is bounded and checked
before it is used or shown: it was written by others.
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

LARGEST_FILE = 65_536
"""Bytes of a TOML file. Ours have about 600."""

LONGEST_SUMMARY = 120
"""Characters that are shown of a summary."""

in_brief = reprlib.Repr()  # values of others, as messages show them
in_brief.maxstring = in_brief.maxother = 120

State = Literal["installed", "broken", "disabled", "conflict"]


class Damaged(Exception):
    """What is wrong with one declaration, and its fix."""


@dataclass(frozen=True)
class Metadata:
    """What a distribution adds, a modality or a command, as its TOML file declares it.

    Attributes:
        name: Of the modality or the command.
        distribution: The distribution that declares it, as pip calls it.
        version: The distribution's.
        path: The TOML file; None where there is none.
        raw: What that file says of it, not validated.
        state: "installed" unless something is wrong with it, or the settings exclude it.
        problem: Why it cannot be used; "" where it can.
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
        given = self.raw.get("summary", "")
        return in_one_line(given)[:LONGEST_SUMMARY] if isinstance(given, str) else ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True)
class Declaration:
    """An entry point, `name = "package:file.toml"`.

    Attributes:
        distribution: As pip calls it.
        version: The distribution's.
        group: Of the entry point.
        example: A value of that group, for messages: "package:plugin.toml".
        name: Of the entry point; the distribution's where the entry points cannot be read.
        value: Of the entry point.
        problem: Why the entry points cannot be read, "" where they can.
    """

    distribution: str
    version: str
    group: str
    example: str
    name: str
    value: str = ""
    problem: str = ""

    def locate(self) -> Path:
        """The file, without importing the package that it lies in.

        Raises:
            Damaged: there is none; or a value that leads anywhere else than to a file in a package.
        """
        reinstall = f"pip install --force-reinstall {self.distribution}"
        if self.problem:
            raise Damaged(self.problem, reinstall)
        package, _, file = self.value.partition(":")
        if not re.fullmatch(r"\w+(\.\w+)*", package) or not re.fullmatch(r"[\w-][\w.-]*\.toml", file):
            raise Damaged(  # also for a path that would lead out of the package
                f'its entry point is {in_brief.repr(self.value)}, not "{self.example}"',
                f'declare it as [project.entry-points."{self.group}"] name = "{self.example}"',
            )
        top, *inner = package.split(".")
        try:
            spec = find_spec(top)  # of a top-level package: find_spec imports the parents of others
        except Exception:
            spec = None
        if spec is None or spec.submodule_search_locations is None:
            raise Damaged(f"its package {top} is not there", reinstall)
        for folder in spec.submodule_search_locations:
            path = Path(folder, *inner, file)
            if os.path.isfile(path):  # unlike the path's own method it never raises
                return path
        raise Damaged(
            f"its {file} is not in the package {package}",
            "build the wheel with hatchling (setuptools leaves TOML files out unless told otherwise), "
            "then install it again",
        )


def declarations(group: str, example: str, search: Sequence[str] | None = None) -> Iterator[Declaration]:
    """The entry points of a group in all installed distributions.

    Args:
        group: The name of the group.
        example: A value of the group, for messages.
        search: Folders to look for distributions in; by default `sys.path`.
    """
    seen: set[str] = set()
    for distribution in importlib_metadata.distributions(path=sys.path if search is None else list(search)):
        if group not in _text(distribution, "entry_points.txt"):
            continue  # read, not parsed: somebody else's damaged file is none of our business
        name, version = _identity(distribution)
        if canonical(name) in seen:  # a second copy further down the path is shadowed, as it is for import
            continue
        seen.add(canonical(name))
        try:
            entries = [(entry.name, entry.value) for entry in distribution.entry_points if entry.group == group]
        except Exception as error:  # other people's metadata: whatever is wrong with it, the others must be listed
            problem = f"its entry points cannot be read ({type(error).__name__}: {error})"
            yield Declaration(name, version, group, example, name, problem=problem)
        else:
            yield from (Declaration(name, version, group, example, *entry) for entry in entries)


def read_toml(path: Path, distribution: str) -> dict[str, Any]:
    """The content of a file of others.

    Raises:
        Damaged: it is too large, not TOML or cannot be read.
    """
    correct = f"correct the file, or ask the authors of {distribution} to"
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise Damaged(f"{path} has more than {LARGEST_FILE} bytes", correct)
        return tomllib.loads(content.decode())
    except RecursionError:
        raise Damaged(f"{path} is nested too deeply", correct) from None
    except ValueError as error:  # TOML's own, UTF-8's, and an integer of more digits than Python reads
        raise Damaged(f"{path} is not TOML ({in_one_line(str(error))})", correct) from None
    except OSError as error:
        raise Damaged(f"{path} cannot be read ({error.strerror})", "check the permissions of the file") from None


def in_one_line(text: str) -> str:
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
    return (
        in_one_line(name[1]) if name else "a distribution without a name",
        in_one_line(version[1]) if version else "",
    )
