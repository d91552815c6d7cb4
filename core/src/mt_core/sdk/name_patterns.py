"""Labels and groups that stand in the files' names, told by a pattern; or in the names of their folders."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mt_core.errors import OptionError

_FOLDER = re.compile(r"folder(\d*)")


def is_pattern(text: str | None) -> bool:
    """Whether an option is a pattern, and not the name of a column."""
    return text is not None and "(" in text


def is_folder_level(text: str | None) -> bool:
    return text is not None and _FOLDER.fullmatch(text) is not None


class NamePattern:
    """A regular expression with named groups.

    It has to fit a file's name from its beginning, the suffix left out or not; with a "/" in it, any part of the path
    below the data's folder.

    Args:
        text: "(?P<speaker>..)...(?P<label>.)".
        option: What the option is called, for messages.

    Raises:
        OptionError: no regular expression, or none with a named group.
    """

    def __init__(self, text: str, option: str) -> None:
        try:
            self._pattern = re.compile(text)
        except re.error as error:
            raise OptionError(
                f"{option}={text!r} is no regular expression: {error}",
                fix="write for instance (?P<speaker>..)...(?P<label>.)",
            ) from None
        self.text = text
        self.names = tuple(self._pattern.groupindex)
        if not self.names:
            raise OptionError(
                f"{option}={text!r} names no group", fix=f"name the part that is meant: (?P<{option}>...)"
            )

    def values(self, path: str | Path, root: Path) -> dict[str, str] | None:
        """What the groups stand for in a file's path; None where it does not fit."""
        below = PurePosixPath(Path(os.path.relpath(path, root)).as_posix())
        match = self._pattern.search(str(below)) if "/" in self.text else self._pattern.match(below.name)
        return None if match is None else {name: value or "" for name, value in match.groupdict().items()}


def folder_name(path: str | Path, root: Path, level: str) -> str | None:
    """The name of the folder that a file lies in, or of the one at a level below the data's; None where there is none.

    Args:
        level: "folder", or "folder1" and so on.
    """
    folders = Path(os.path.relpath(path, root)).parts[:-1]
    match = _FOLDER.fullmatch(level)
    assert match is not None
    at = int(match[1]) - 1 if match[1] else len(folders) - 1
    return folders[at] if 0 <= at < len(folders) else None


def values_in_paths(paths: Sequence[str | Path], root: Path, choice: str, option: str) -> list[str | None]:
    """For each file what a pattern with one group, or one called as the option, or a level of folders says; None where
    it says nothing.

    Args:
        choice: A pattern or a level.
        option: "label" or "group".

    Raises:
        OptionError: a pattern that cannot be used.
    """
    if is_folder_level(choice):
        return [folder_name(path, root, choice) for path in paths]
    pattern = NamePattern(choice, option)
    name = option if option in pattern.names else pattern.names[0]
    if option not in pattern.names and len(pattern.names) > 1:
        raise OptionError(
            f"{option}={choice!r} has the groups {', '.join(pattern.names)}, and none called {option}",
            fix=f"call the one that is meant (?P<{option}>...)",
        )
    return [None if (found := pattern.values(path, root)) is None else found[name] for path in paths]
