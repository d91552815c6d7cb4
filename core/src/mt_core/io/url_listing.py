"""The files that a folder or a pattern at a URL gives, and how large and how old files at URLs are."""

from __future__ import annotations

import contextlib
import glob
import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from mt_core.errors import DataWarning, InputError
from mt_core.io.data_files import is_no_data_folder
from mt_core.io.notices import tell
from mt_core.io.urls import check_no_secret, file_name, is_web, open_url, reaching

_LIST_FROM = 100
"""Files of one folder from which on it is listed, and they are not asked about one by one."""
_THREADS = 16
_DATES = ("LastModified", "mtime", "last_modified", "updated", "created")
"""What fsspec's file systems call the time of the last change."""

SizeAndDate = tuple[int | None, int | None]
"""In bytes, and in nanoseconds since 1970, in whole seconds: a listing and a question may differ in the rest. None:
not known."""


def expand_url(url: str, suffixes: Sequence[str]) -> list[str]:
    """The files that are meant: those of a folder and below it with one of the suffixes, those that match a pattern, or
    the file itself, whether it exists or not. What a web server has is a file.

    Args:
        suffixes: Lower-case.

    Warns:
        DataWarning: a hidden file with one of the suffixes, or one in a folder that a system keeps for itself.

    Raises:
        InputError: a pattern or a folder without any such file, or one that cannot be listed.
    """
    check_no_secret(url)
    if is_web(url) and (url.endswith("/") or "*" in url):
        raise InputError(f"{url}: a web server lists no files", fix="name the files, or @LIST, a text file of URLs")
    endings = tuple(suffixes)
    is_pattern = glob.has_magic(url)
    if is_web(url) or (not is_pattern and url.lower().endswith(tuple(ending for ending in endings if ending))):
        return [url]
    with reaching(url, InputError):
        files, path = open_url(url)
        files.invalidate_cache()
        if is_pattern:
            found = _matching(files, url, path) or ([url] if files.exists(path) else [])
            if not found:
                raise InputError(f"{url} matches no file", fix="check the pattern and the name of the bucket")
            return found
        if not url.endswith("/") and not files.isdir(path):
            return [url]
        names = [name for name in sorted(files.find(path)) if name.lower().endswith(endings)]
    found = [file for file in (_below(url, path, name) for name in names) if _is_data(file, url)]
    if not found:
        raise InputError(f"{url} holds no file of {' '.join(suffixes)}", fix="check the name of the folder")
    return found


def _matching(files: Any, url: str, path: str) -> list[str]:
    """The files that a pattern matches."""
    folder, name = _start_of_pattern(url), _start_of_pattern(path)
    found = files.glob(path, detail=True)
    matching = [_below(folder, name, each) for each in sorted(found) if found[each]["type"] != "directory"]
    return [file for file in matching if _is_data(file, folder)]


def _start_of_pattern(text: str) -> str:
    """The folder before the first sign of a pattern."""
    signs = re.search(r"[*?\[]", text)
    return text[: signs.start()].rpartition("/")[0] if signs else text


def _below(url: str, path: str, name: str) -> str:
    """The URL of a file that a file system calls `name`, below a folder that it calls `path`."""
    return f"{url.rstrip('/')}/{name[len(path.rstrip('/')) :].lstrip('/')}"


def _is_data(file: str, folder: str) -> bool:
    *parents, name = file[len(folder.rstrip("/")) + 1 :].split("/")
    why = ""
    if any(is_no_data_folder(parent) for parent in parents):
        why = "a file in a folder that a system or a program keeps"
    elif name.startswith((".", "~$")):
        why = "a hidden file"
    if why:
        tell(DataWarning("left out", file, why))
    return not why and name != ""


def sizes_and_dates(urls: Sequence[str]) -> dict[str, SizeAndDate]:
    """Of those that are there and can be asked about.

    Raises:
        MissingDependencyError: a package that they need is not installed.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        folders["" if is_web(url) else url.rpartition("/")[0]].append(url)
    single: list[str] = []
    known: dict[str, SizeAndDate] = {}
    for folder, inside in folders.items():
        listed = _listed(folder) if folder and len(inside) >= _LIST_FROM else None
        if listed is None:
            single += inside
        else:
            known |= {url: listed[url] for url in inside if url in listed}
    for url in {url.partition("://")[0]: url for url in single}.values():
        open_url(url)[0].invalidate_cache()
    with ThreadPoolExecutor(_THREADS) as threads:
        asked = threads.map(_asked, single)
        known |= {url: each for url, each in zip(single, asked, strict=True) if each is not None}
    return known


def is_there(url: str) -> bool:
    """Whether a file at a URL is there; one that cannot be asked about is taken to be."""
    if is_web(url):
        return True  # fsspec cannot tell a file that is missing from a server that does not answer
    files, path = open_url(url)
    try:
        files.invalidate_cache()
        return bool(files.exists(path))
    except Exception:
        return True


def _listed(folder: str) -> dict[str, SizeAndDate] | None:
    files, path = open_url(folder)
    try:
        files.invalidate_cache()
        found = files.ls(path, detail=True)
    except Exception:  # each file is asked about by itself
        return None
    return {f"{folder}/{file_name(each['name'])}": _facts(each) for each in found if each["type"] == "file"}


def _asked(url: str) -> SizeAndDate | None:
    files, path = open_url(url)
    try:
        return _facts(files.info(path))
    except Exception:  # why not is said where the file is read
        return None


def _facts(info: dict[str, Any]) -> SizeAndDate:
    date = next((info[name] for name in _DATES if info.get(name) is not None), None)
    with contextlib.suppress(ValueError):
        date = datetime.fromisoformat(date) if isinstance(date, str) else date
    seconds = None
    if isinstance(date, datetime):
        seconds = int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    elif isinstance(date, int | float):
        seconds = int(date)
    return info.get("size"), None if seconds is None else seconds * 10**9
