"""What the user named on the command line, as a list of files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mt_core.errors import DatasetError, InputError
from mt_core.io.data_files import files_below, is_data_file
from mt_core.io.url_listing import expand_url
from mt_core.io.urls import file_name, is_url


def expand(named: Iterable[str | Path], suffixes: Sequence[str]) -> list[str]:
    """The files meant by names, patterns and folders, in the order named, each once.

    Args:
        named: A file stays as it is, whether it exists or not; a pattern (`*`, `?`, `[…]`) gives what matches, sorted;
            a folder gives the files of these suffixes in it and below it, sorted. What a pattern or a folder gives is
            data: see `files_below`. A URL is the same of its file system (`mt_core.io.url_listing`).
        suffixes: With the dot; compared without regard to case.

    Warns:
        DataWarning: see `files_below`.

    Raises:
        InputError: a pattern or a folder without any such file.
    """
    files: dict[str, None] = {}
    for name in named:
        if is_url(name):
            files.update(dict.fromkeys(expand_url(name, [suffix.lower() for suffix in suffixes])))
            continue
        path = Path(name)
        if os.path.isdir(name):  # pathlib raises for a name that no file can have, as a long text or molecule is
            found = _below(str(path), suffixes)
            if not found:
                raise InputError(f"{path} holds no file of {' '.join(suffixes)}", fix="name the files themselves")
        elif not os.path.exists(name) and glob.has_magic(str(name)):
            found = sorted(glob.glob(str(name), recursive=True))
            if not found and not _is_like_a_pattern(str(name)):
                found = [str(name)]
            if not found:
                raise InputError(f"{name} matches no file", fix="check the pattern and the folder it is relative to")
            if os.path.lexists(found[0]):
                found = [file for each in found if is_data_file(each) for file in _below(each, suffixes) or [each]]
                if not found:
                    raise InputError(f"{name} matches no file with anything in it", fix="name the files themselves")
        else:
            found = [str(name)]
        files.update(dict.fromkeys(found))
    return list(files)


def _below(path: str, suffixes: Sequence[str]) -> list[str]:
    """The data files of a folder; none for a file."""
    return sorted(files_below(path, [suffix.lower() for suffix in suffixes])) if os.path.isdir(path) else []


def _is_like_a_pattern(name: str) -> bool:
    """Whether a name that matches nothing was meant to; a sentence with a question mark or a molecule in brackets was
    not, and goes to its reader."""
    return " " not in name and (Path(name).suffix[1:].isalnum() or Path(name).name.strip("*?") == "")


def check_exists(root: Path) -> None:
    """Refuse a folder or file of data that is not there.

    Raises:
        DatasetError: with its path.
    """
    if not os.path.exists(root):
        raise DatasetError(f"{root} does not exist", fix="check the path and the folder it is relative to")


def with_lists(named: Iterable[str]) -> list[str]:
    """What is named on a command line, in place of each @FILE the lines of that text file, empty ones left out.

    Raises:
        InputError: a list that cannot be read, or is empty.
    """
    names: list[str] = []
    for name in named:
        if not name.startswith("@") or os.path.exists(name):
            names.append(name)
            continue
        try:
            lines = Path(name[1:]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            fix = "write @ and the name of a text file with one name or URL a line"
            raise InputError(f"the list {name[1:]} cannot be read ({error})", fix=fix) from None
        listed = [line.strip() for line in lines if line.strip()]
        if not listed:
            raise InputError(f"the list {name[1:]} is empty", fix="write one name or URL a line")
        names += listed
    return names


def has_suffix(path: str | Path, suffixes: Sequence[str]) -> bool:
    """Whether a file's name ends in one of the suffixes (".csv.gz" counts as one)."""
    return file_name(path).lower().endswith(tuple(suffix.lower() for suffix in suffixes))
