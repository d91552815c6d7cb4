"""Whether two sources are the same sample, by what they hold."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def content_key(source: Any) -> str:
    """The same for sources that hold the same: of a file its bytes, of cells their values.

    A file that cannot be read is identified by its name; reading it as a sample reports the error.
    """
    if isinstance(source, int):
        return f"row {source}"  # of an anchor
    if isinstance(source, str | Path):
        return _of_file(str(source))
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(source, bytes):
        digest.update(source)
    elif isinstance(source, np.ndarray):
        digest.update(f"{source.dtype} {source.shape}\n".encode())
        digest.update(np.ascontiguousarray(source).tobytes())
    elif isinstance(source, Mapping):
        digest.update(json.dumps({str(k): str(v).strip() for k, v in source.items()}, sort_keys=True).encode())
    else:
        digest.update(repr(source).encode())
    return digest.hexdigest()


@functools.cache
def _of_file(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return f"path {path}"
