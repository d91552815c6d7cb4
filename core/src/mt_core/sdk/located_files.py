"""Where the files of a table are, however it writes their paths."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from mt_core.errors import DatasetError
from mt_core.sdk.below import files_below
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.splits import split_from_name

_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?/|~|\w+://")

_ELSEWHERE = "in other folders"
_OTHERWISE_SPELT = "under names of other capitals or accents"
_OTHER_SUFFIX = "with a suffix that the table does not say"
_DECODED = "with signs decoded, as %20 for a blank"


class LocatedFiles:
    """Finds the files that a table names.

    Paths are relative to the table. Both separators will do. Where a file is not there, it is looked for below the
    folder, by the end of its path, with a warning.

    Args:
        table: For messages, and where paths begin.
        folder: What is searched.
        suffixes: Endings of the files that are searched for; none: any.
    """

    def __init__(self, table: Path, folder: Path, suffixes: Sequence[str]) -> None:
        self._table, self._folder, self._suffixes = table, folder, tuple(suffixes) or ("",)
        self._told: Counter[str] = Counter()
        self._missing: list[str] = []
        self._num = 0

    def find(self, name: str, split: str | None = None) -> str | None:
        """The path of a file; None where it is not there.

        Args:
            split: Of several of its name, those below a folder called like that come first.

        Raises:
            DatasetError: several files may be meant.
        """
        self._num += 1
        written = name.replace("\\", "/")
        for candidate, how in ((name, ""), (written, ""), (unquote(written.removeprefix("file://")), _DECODED)):
            path = os.path.join(self._table.parent, os.path.normpath(candidate) if candidate != name else candidate)
            if name and os.path.exists(path):
                if how:
                    self._told[how] += 1
                return path
        found = None if _ABSOLUTE.match(written) or not name else self._below(unquote(written), split)
        if found is None:
            self._missing.append(name)
        return found

    def finish(self, fix: str) -> None:
        """Tell how files were found.

        Raises:
            DatasetError: some were not; says which of them are there under a shorter path.
        """
        for how, count in self._told.items():
            reinterpreted(str(self._table), f"{count:,} of {self._num:,} paths were found {how}")
        if not self._missing:
            return
        named = ", ".join(self._missing[:3]) + (", …" if len(self._missing) > 3 else "")
        for name in self._missing[:20]:
            parts = _parts(name)
            for start in range(1, len(parts)):
                shorter = [path for path in self._by_name[_key(parts[-1])] if _ends_in(path, parts[start:])]
                if len(shorter) == 1:
                    is_foreign = _ABSOLUTE.match(name.replace("\\", "/")) is not None
                    fix = (
                        f"write the paths relative to the table: {os.path.relpath(shorter[0], self._table.parent)} for "
                        f"{name}" + (", which is a path of another machine" if is_foreign else "")
                    )
                    break
            else:
                continue
            break
        raise DatasetError(
            f"{self._table} lists {len(self._missing)} files that do not exist, of {self._num}: {named}", fix=fix
        )

    def _below(self, name: str, split: str | None) -> str | None:
        parts = _parts(name)
        if not parts:
            return None
        same_name = [path for path in self._by_name[_key(parts[-1])] if _ends_in(path, parts)]
        found = same_name or [
            path for path in self._by_stem[_key(_stem(parts[-1]))] + self._by_stem[_key(parts[-1])]
            if _ends_in(path, parts[:-1], skip=1)
        ]  # fmt: skip
        found = list(dict.fromkeys(found))
        if len(found) > 1:
            found = [path for path in found if os.path.basename(path) == parts[-1]] or found
        if len(found) > 1 and split is not None:
            found = [path for path in found if split in map(split_from_name, Path(path).parts)] or found
        if len(found) > 1:
            raise DatasetError(
                f"{self._table}: {name} may be {found[0]} or {found[1]}",
                fix="write the path as it is from the table's folder on",
            )
        if not found:
            return None
        is_elsewhere = len(Path(os.path.relpath(found[0], self._table.parent)).parts) != len(parts)
        is_spelt = os.path.basename(found[0]) == parts[-1]
        self._told[_ELSEWHERE if is_elsewhere else _OTHERWISE_SPELT if same_name else _OTHER_SUFFIX] += 1
        if is_elsewhere and not is_spelt:
            self._told[_OTHERWISE_SPELT if same_name else _OTHER_SUFFIX] += 1
        return found[0]

    @cached_property
    def _files(self) -> list[str]:
        return list(files_below(self._folder, self._suffixes))

    @cached_property
    def _by_name(self) -> defaultdict[str, list[str]]:
        return _indexed(self._files, os.path.basename)

    @cached_property
    def _by_stem(self) -> defaultdict[str, list[str]]:
        return _indexed(self._files, lambda path: _stem(os.path.basename(path)))


def _indexed(files: Sequence[str], name_of: Callable[[str], str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in files:
        found[_key(name_of(path))].append(path)
    return found


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _ends_in(path: str, parts: Sequence[str], skip: int = 0) -> bool:
    """Whether the last parts of a path, some of the very last left out, are these."""
    own = Path(path).parts[: len(Path(path).parts) - skip]
    return [_key(part) for part in own[len(own) - len(parts) :]] == [_key(part) for part in parts]
