"""Files at URLs, as in `s3://bucket/a.png`, through fsspec, which is asked for when the first of them is met.

Rights are those that fsspec's file systems find for themselves, in the environment and in files of settings. A URL that
holds a password or a signature is refused, for URLs are written into tables and messages.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard
from urllib.parse import parse_qsl, urlsplit

from mt_core.errors import InputError, MissingDependencyError, MtError

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "hdfs": "pyarrow",
    "webhdfs": "requests",
    "http": "aiohttp",
    "https": "aiohttp",
    "memory": "fsspec",
}
"""Schemes that are read, and the package that each needs."""

_URL = re.compile(rf"({'|'.join(_PACKAGES)})://\S+")
_SECRET = re.compile(
    r"x-amz-|x-goog-|(^|[-_])(sig|signature|token|secret|password|credential|(access|api)?-?_?key)", re.I
)
_SECONDS_WITHOUT_BYTES = 60.0

TRIES = 3
SECONDS_BETWEEN_TRIES = 0.5
"""Before the second try; twice as long before each further one."""


def is_url(name: object) -> TypeGuard[str]:
    """Whether this is the URL of a file or a folder; a sentence that begins with one is not."""
    return isinstance(name, str) and _URL.fullmatch(name) is not None


def is_web(url: str) -> bool:
    """Whether it is a web server's: one that lists no files and takes none."""
    return url.startswith(("http://", "https://"))


def file_name(name: str | os.PathLike[str]) -> str:
    """The last part of a path or a URL; of that of a web server without what follows a question mark."""
    text = os.fspath(name)
    return os.path.basename(re.split(r"[?#]", text)[0] if re.match("https?:/", text) else text)


def check_no_secret(url: str) -> None:
    """Refuse a URL with a password or a signature in it.

    Raises:
        InputError: shows the URL without.
    """
    parts = urlsplit(url)
    has_password = ":" in parts.netloc.rpartition("@")[0]
    if has_password or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise InputError(
            f"the URL of {shown} holds a password or a signature, which would be written wherever the file is named",
            fix="give rights by the environment (AWS_ACCESS_KEY_ID …, or fsspec's settings), or download the file",
        )


def open_url(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        MissingDependencyError: a package that it needs is not installed.
    """
    scheme = url.partition("://")[0]
    try:
        import fsspec
    except ImportError:
        raise MissingDependencyError(
            f"{url} needs the package fsspec, which is not installed", fix='pip install "mt-core[url]"'
        ) from None
    try:
        options: dict[str, Any] = {}
        if is_web(url):
            import aiohttp

            # by default a file that takes longer than five minutes would be given up
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=_SECONDS_WITHOUT_BYTES)
            options = {"client_kwargs": {"timeout": timeout}}
        found: tuple[Any, str] = fsspec.core.url_to_fs(url, **options)
        return found
    except ImportError:
        package = _PACKAGES[scheme]
        raise MissingDependencyError(
            f"{url} needs the package {package}, which is not installed", fix=f"pip install {package}"
        ) from None


@contextmanager
def reaching(url: str, error: type[MtError]) -> Iterator[None]:
    """What a file system raises becomes an error of ours that names the URL.

    Raises:
        MtError: of the class given; MissingDependencyError as it is.
    """
    try:
        yield
    except (MtError, Warning):
        raise
    except Exception as failure:
        raise _as_error(failure, url, error) from failure


def with_tries(action: Callable[[], object], on_wait: Callable[[], object] = lambda: None) -> None:
    """Do something over a network, again where it failed in a way that may pass.

    Raises:
        Exception: whatever the last try raised.
    """
    for turn in range(TRIES):
        try:
            action()
            return
        except Exception as failure:
            if turn == TRIES - 1 or _is_final(failure):
                raise
            on_wait()
            time.sleep(SECONDS_BETWEEN_TRIES * 2**turn)


def _is_final(failure: Exception) -> bool:
    """Whether trying again cannot help."""
    status = getattr(failure, "status", None) or 0
    return (
        isinstance(failure, MtError | FileNotFoundError | PermissionError | NotImplementedError)
        or "Credentials" in type(failure).__name__
        or (400 <= status < 500 and status not in (408, 425, 429))
        or getattr(failure, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
    )


def is_absent(failure: Exception) -> bool:
    """Whether what a file system raised says that there is no such file."""
    return isinstance(failure, FileNotFoundError) or getattr(failure, "status", None) in (404, 410)


def is_forbidden(failure: Exception) -> bool:
    """Whether what a file system raised says that a file may not be read; public buckets say so of absent ones too."""
    is_so = isinstance(failure, PermissionError) or getattr(failure, "status", None) in (401, 403)
    return is_so or "Credentials" in type(failure).__name__


def _as_error(failure: Exception, url: str, error: type[MtError]) -> MtError:
    if is_absent(failure):
        return error(f"{url} does not exist", fix="check the name, and that of the bucket or the server")
    if is_forbidden(failure):
        return error(
            f"{url} may not be opened: no permission",
            fix="give rights by the environment (AWS_ACCESS_KEY_ID …; FSSPEC_S3_ANON=true for a public bucket), "
            "or by fsspec's settings",
        )
    said = (str(failure).strip().splitlines() or [""])[0][:200]
    return error(
        f"{url} cannot be reached ({type(failure).__name__}{': ' * bool(said)}{said})",
        fix="check the network and the name, and repeat the command: it goes on",
    )
