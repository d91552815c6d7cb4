"""Where the feature cache is, how many bytes it may take, and what is in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mt_core.errors import OptionError

IDENTITY = "identity.json"
"""In a folder of vectors: what all of them depend on."""

DEFAULT_BYTES = 4 << 30
_LOCATION, _LIMIT = "MT_CACHE", "MT_CACHE_BYTES"
_SECONDS_UNFINISHED = 3600.0  # after which a file that was not finished is nobody's
_IDENTITY_FOLDER = re.compile("[0-9a-f]{32}")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def cache_folder() -> Path:
    """`$MT_CACHE`, by default `mt` in the user's cache folder of this platform."""
    if os.environ.get(_LOCATION):
        return Path(os.environ[_LOCATION])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "mt"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mt"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mt" / "Cache"
    return Path.home() / ".cache" / "mt"


def features_folder() -> Path:
    """Its folder of vectors: a folder for each identity, called by 32 hexadecimal digits."""
    return cache_folder() / "features"


def _identity_folders() -> list[Path]:
    """Those that are there; what else is in a folder that a user named is not the cache's."""
    return [path for path in features_folder().glob("*") if _IDENTITY_FOLDER.fullmatch(path.name)]


def cache_limit() -> int:
    """Bytes that the cache may take: `$MT_CACHE_BYTES`, a number with or without K, M, G or T; 0: no cache.

    Raises:
        OptionError: something else.
    """
    given = os.environ.get(_LIMIT, "").strip()
    if not given:
        return DEFAULT_BYTES
    text = given.lower().removesuffix("b").removesuffix("i")
    number, unit = (text[:-1], text[-1]) if text[-1:] in {*_UNITS} - {""} else (text, "")
    try:
        limit = int(float(number) * _UNITS[unit])
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise OptionError(
            f"{_LIMIT}={os.environ[_LIMIT]} is no number of bytes", fix=f"set it as in {_LIMIT}=2G; 0 keeps nothing"
        )
    return limit


@contextmanager
def without_cache() -> Iterator[None]:
    """Within it nothing is read from the cache and nothing is kept."""
    before = os.environ.get(_LIMIT)
    os.environ[_LIMIT] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_LIMIT]
        else:
            os.environ[_LIMIT] = before


def _files() -> list[tuple[float, int, Path]]:
    """When each file of the cache was used last, its bytes, and its path; the one unused for longest first."""
    found = []
    for path in (path for folder in _identity_folders() for path in folder.glob("*")):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return sorted(found)


def trim(limit: int) -> None:
    """Remove the files that were not used for the longest time until there are at most so many bytes, and files that
    were left unfinished."""
    files = _files()
    total = sum(size for _, size, path in files if path.suffix == ".parquet")
    filled = {path.parent for _, _, path in files if path.suffix == ".parquet"}
    for used, size, path in files:
        is_whole = path.suffix == ".parquet"
        is_left = time.time() - used > _SECONDS_UNFINISHED and path.parent not in filled
        if (is_whole and total > limit) or (not is_whole and is_left):
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size if is_whole else 0
                path.parent.rmdir()  # where nothing is left in it


def cache_contents() -> list[dict[str, Any]]:
    """For each identity with vectors: the identity, and `files`, `vectors`, `bytes` and `used` (seconds since 1970)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[Path, dict[str, Any]] = {}
    for used, size, path in _files():
        if path.suffix != ".parquet":
            continue
        if path.parent not in rows:
            try:
                identity = dict(json.loads((path.parent / IDENTITY).read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                identity = {}
            rows[path.parent] = {**identity, "files": 0, "vectors": 0, "bytes": 0, "used": 0.0}
        row = rows[path.parent]
        with contextlib.suppress(OSError, pa.ArrowException):
            row["vectors"] += pq.read_metadata(path).num_rows
        row.update(files=row["files"] + 1, bytes=row["bytes"] + size, used=max(row["used"], used))
    return sorted(rows.values(), key=lambda row: -row["used"])


def clear_cache() -> int:
    """Remove all kept vectors.

    Returns:
        The bytes that were removed.

    Raises:
        OptionError: some of them cannot be removed.
    """
    before = sum(size for _, size, _ in _files())
    for folder in _identity_folders():
        shutil.rmtree(folder, ignore_errors=True)
    left = _files()
    if left:
        raise OptionError(
            f"{features_folder()} cannot be emptied: {len(left):,} files in it cannot be removed",
            fix=f"check your rights to it, or name another folder by {_LOCATION}",
        )
    return before
